"""The outside as the simulator plays it: a table, a queue and a provider that fail on purpose.

A *plan* decides, call by call, what goes wrong; the crash points enumerate plans, the seeds draw
them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, TypeVar

from chalicelib.edge.queue import Message, QueueUnavailableError
from chalicelib.kernel.ids import PaymentId
from chalicelib.providers.port import (
    Certificate,
    CloseOutcome,
    Collected,
    Ignored,
    Invoke,
    NotificationRefusedError,
    Outcome,
    PrepayOrder,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
    Queried,
)
from chalicelib.storage.lake import LakeUnavailableError
from chalicelib.storage.table import (
    Action,
    Page,
    Put,
    Reason,
    ReasonCode,
    StoreSilentError,
    StoreThrottledError,
    TransactionCancelledError,
)
from chalicelib.storage.values import Item, Key
from tests.fakes.bills import BillBooks
from tests.fakes.lake import MemoryLake
from tests.fakes.table import MemoryTable
from tests.simulation.world import Killed, World

Result = TypeVar("Result")

STALL_SECONDS = 7200.0


class Fault(StrEnum):
    """What goes wrong at a call."""

    NONE = "none"
    FAIL = "fails before"  # refused: nothing happened
    LOST = "answer lost"  # it happened, and nobody is told
    SILENT = "times out before"  # nothing happened, and nobody knows
    THROTTLE = "throttled"
    CONFLICT = "conflict"
    REJECT = "says no, and did it"
    KILL_BEFORE = "killed before"
    KILL_AFTER = "killed after"
    NOT_READY = "not ready"  # the provider is still making it
    BROKEN = "broken"  # what came is torn in the middle
    HALF = "done by half"  # some of a batch was done, and nobody knows which
    STALL_BEFORE = "stalls before"  # a zombie: it goes on when the world has moved
    STALL_AFTER = "stalls after"


KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)
READ_FAULTS = (Fault.FAIL, Fault.SILENT, *KILLS)
WRITE_FAULTS = (Fault.FAIL, Fault.SILENT, Fault.LOST, Fault.THROTTLE, Fault.CONFLICT, *KILLS)
SEND_FAULTS = (Fault.FAIL, Fault.LOST, *KILLS)
PROVIDER_FAULTS = (Fault.FAIL, Fault.SILENT, Fault.LOST, *KILLS)
LYING_PROVIDER_FAULTS = (*PROVIDER_FAULTS, Fault.REJECT)
BATCH_FAULTS = (Fault.FAIL, Fault.HALF, Fault.LOST, *KILLS)
BILL_FAULTS = (Fault.FAIL, Fault.SILENT, Fault.LOST, Fault.NOT_READY, *KILLS)
PAPER_FAULTS = (Fault.BROKEN, *KILLS)
FAULTS_OF = {
    "read": READ_FAULTS,
    "commit": WRITE_FAULTS,
    "batch": BATCH_FAULTS,
    "lake": SEND_FAULTS,
    "send": SEND_FAULTS,
    "provider": PROVIDER_FAULTS,
    "bill": BILL_FAULTS,
    "paper": PAPER_FAULTS,
}

_BEFORE = frozenset(
    {
        Fault.FAIL,
        Fault.SILENT,
        Fault.THROTTLE,
        Fault.CONFLICT,
        Fault.NOT_READY,
        Fault.BROKEN,
    }
)

Plan = Callable[[str, str], Fault]
"""Decides the fault of a call, given its kind (a key of `FAULTS_OF`) and its name."""


def no_faults(_kind: str, _name: str) -> Fault:
    """Let everything go well."""
    return Fault.NONE


@dataclass
class Outside:
    """What all ports share: the world, the plan, and how long a call takes."""

    world: World
    plan: Plan = no_faults
    latency: Callable[[], float] = lambda: 0.0
    shortened: Callable[[int], int] = lambda limit: limit

    def call(
        self,
        kind: str,
        name: str,
        effect: Callable[[], Result],
        errors: Mapping[Fault, Exception],
        *,
        holding: Callable[[], AbstractContextManager[None]] = nullcontext,
        half: Callable[[], object] = lambda: None,
    ) -> Result:
        """Make one call: count it, let time pass, do it or not, answer or not."""
        self.world.calls += 1
        fault = self.plan(kind, name)
        if fault is not Fault.NONE:
            self.world.tell(f"   {name}: {fault}")
        if fault is Fault.KILL_BEFORE:
            raise Killed
        if fault is Fault.STALL_BEFORE:
            self.world.pause(STALL_SECONDS)
        with holding():
            self.world.pause(self.latency())
            if fault in _BEFORE:
                raise errors[fault]
            if fault is Fault.HALF:
                half()
                raise errors[Fault.LOST]
            result = effect()
        if fault is Fault.STALL_AFTER:
            self.world.pause(STALL_SECONDS)
        if fault is Fault.KILL_AFTER:
            raise Killed
        if fault in {Fault.LOST, Fault.REJECT}:
            raise errors.get(fault) or errors[Fault.LOST]
        return result


_ground: list[Callable[[], MemoryTable]] = [MemoryTable]


def ground() -> MemoryTable:
    """Return what a stage stands on: memory, unless it is told otherwise."""
    return _ground[-1]()


@contextmanager
def standing_on(other: Callable[[], MemoryTable]) -> Iterator[None]:
    """Keep what is committed elsewhere than in memory: in a real database, say."""
    _ground.append(other)
    try:
        yield
    finally:
        _ground.pop()


@dataclass
class SimulatedTable:
    """DynamoDB: commits that overlap in time on one item cancel each other."""

    outside: Outside
    memory: MemoryTable = field(default_factory=ground)

    def __post_init__(self) -> None:
        self._held: set[Key] = set()
        self.attempts = 0
        self.conflicts = 0

    def get(self, key: Key) -> Item | None:
        return self._read("get", lambda: self.memory.get(key))

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        return self._read("get many", lambda: self.memory.get_many(keys))

    def query(self, table: str, pk: str, **bounds: Any) -> Page:
        """Return a page that may be shorter than asked for, as DynamoDB's may be."""
        bounds["limit"] = self.outside.shortened(bounds.get("limit", 100))
        return self._read("query", lambda: self.memory.query(table, pk, **bounds))

    def transact(self, actions: Sequence[Action], token: str) -> None:
        self.attempts += 1
        first = {actions[0].key}
        errors: dict[Fault, Exception] = {
            Fault.FAIL: StoreThrottledError("over capacity"),
            Fault.SILENT: StoreSilentError("no answer"),
            Fault.LOST: StoreSilentError("no answer"),
            Fault.THROTTLE: _cancelled(actions, ReasonCode.THROTTLED, first),
            Fault.CONFLICT: _cancelled(actions, ReasonCode.CONFLICT, first),
        }
        self.outside.call(
            "commit",
            "commit",
            lambda: self.memory.transact(actions, token),
            errors,
            holding=lambda: self._holding(actions),
        )

    def write_batch(self, puts: Sequence[Put], deletes: Sequence[Key]) -> None:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: StoreThrottledError("over capacity"),
            Fault.LOST: StoreSilentError("no answer"),
        }
        some = puts[::2], deletes[::2]
        self.outside.call(
            "batch",
            "put" if puts else "delete",
            lambda: self.memory.write_batch(puts, deletes),
            errors,
            half=lambda: self.memory.write_batch(*some),
        )

    @contextmanager
    def _holding(self, actions: Sequence[Action]) -> Iterator[None]:
        """Hold the items while a commit is under way; a second commit of one is cancelled."""
        keys = {action.key for action in actions}
        if held := keys & self._held:
            self.conflicts += 1
            raise _cancelled(actions, ReasonCode.CONFLICT, held)
        self._held |= keys
        try:
            yield
        finally:
            self._held -= keys

    def _read(self, name: str, effect: Callable[[], Result]) -> Result:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: StoreThrottledError("over capacity"),
            Fault.SILENT: StoreSilentError("no answer"),
        }
        return self.outside.call("read", name, effect, errors)


def _cancelled(
    actions: Sequence[Action], code: ReasonCode, keys: Iterable[Key]
) -> TransactionCancelledError:
    hit = set(keys)
    return TransactionCancelledError(
        [Reason(code if action.key in hit else ReasonCode.NONE) for action in actions]
    )


@dataclass
class SimulatedQueue:
    """SQS: what was sent comes at least once, in any order."""

    outside: Outside
    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        errors = {
            Fault.FAIL: QueueUnavailableError("away"),
            Fault.LOST: QueueUnavailableError("no answer"),
        }
        self.outside.call("send", "send", lambda: self.messages.append(message), errors)

    def send_many(self, messages: Sequence[Mapping[str, Any]]) -> None:
        for message in messages:
            self.send(dict(message))


@dataclass
class SimulatedLake:
    """S3: strongly consistent, and sometimes away."""

    outside: Outside
    memory: MemoryLake = field(default_factory=MemoryLake)

    def put(self, name: str, body: bytes) -> None:
        self._call("put file", lambda: self.memory.put(name, body))

    def put_file(self, name: str, file: BinaryIO) -> None:
        self._call("put file", lambda: self.memory.put_file(name, file))

    def get(self, name: str) -> bytes:
        return self._call("get file", lambda: self.memory.get(name))

    def names(self, prefix: str) -> Iterator[str]:
        return self._call("list files", lambda: self.memory.names(prefix))

    def _call(self, name: str, effect: Callable[[], Result]) -> Result:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: LakeUnavailableError("away"),
            Fault.LOST: LakeUnavailableError("no answer"),
        }
        return self.outside.call("lake", name, effect, errors)


@dataclass
class SimulatedProvider:
    """WeChat Pay's side: its own books, and calls that fail in three fates."""

    outside: Outside
    name: str = "wechatpay"
    orders: dict[str, PrepayOrder] = field(default_factory=dict)
    paid: dict[str, Collected] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    certificates: list[Certificate] = field(default_factory=list)
    bills: BillBooks | None = None  # where every movement is written down

    def prepay(self, order: PrepayOrder) -> Invoke:
        return self._call("prepay", lambda: self.book_prepay(order))

    def query(self, payment_id: PaymentId, *, seller: str | None = None) -> Queried:
        return self._call("query", lambda: self.book_query(payment_id))

    def close(self, payment_id: PaymentId, *, seller: str | None = None) -> CloseOutcome:
        return self._call("close", lambda: self.book_close(payment_id))

    def book_prepay(self, order: PrepayOrder) -> Invoke:
        """Keep an order in the provider's own books."""
        number = order.payment_id
        if number in self.paid or number in self.closed:
            raise ProviderRejectedError("paid or closed", provider_code="ORDERPAID")
        known = self.orders.setdefault(number, order)
        assert known == order, "a repeat says the same"
        return {"package": f"prepay_id=wx{number}"}

    def book_query(self, payment_id: PaymentId) -> Queried:
        """Say what the provider's own books know."""
        if payment_id in self.paid:
            return Queried(outcome=Outcome.PAID, collected=self.paid[payment_id])
        if payment_id in self.closed:
            return Queried(outcome=Outcome.CLOSED)
        known = payment_id in self.orders
        return Queried(outcome=Outcome.UNPAID if known else Outcome.UNKNOWN_TO_PROVIDER)

    def book_close(self, payment_id: PaymentId) -> CloseOutcome:
        """Close an order in the provider's own books."""
        if payment_id in self.paid:
            return CloseOutcome.ALREADY_PAID
        if payment_id in self.orders:
            self.closed.add(payment_id)
        return CloseOutcome.CLOSED

    def download_certificates(self) -> list[Certificate]:
        return self._call("certificates", lambda: list(self.certificates))

    def learn(self, certificates: Iterable[Certificate]) -> None:
        """Believe what is told; nothing here verifies."""

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Collected | Ignored:
        raise NotificationRefusedError("the simulator hands over what was verified", reason="body")

    def pay(self, number: str) -> Collected | None:
        """Let the shopper pay, unless the order is closed or was never made."""
        order = self.orders.get(number)
        if order is None or number in self.closed or number in self.paid:
            return None
        if self.outside.world.now() >= order.expires_at:
            return None
        collected = Collected(
            provider=self.name,
            number=number,
            attach=order.attach,
            transaction_id=f"42{number[4:]}",
            amount=order.amount,
            paid_at=self.outside.world.now(),
            seller=order.seller,
        )
        self.paid[number] = collected
        if self.bills:
            self.bills.paid(collected)
        return collected

    def openid(self, code: str) -> str:
        """Play `jscode2session` too."""
        return self._call("login", lambda: f"o_{code}")

    def _call(self, name: str, effect: Callable[[], Result]) -> Result:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: ProviderUnavailableError("not sent"),
            Fault.SILENT: ProviderOutcomeUnknownError("no answer"),
            Fault.LOST: ProviderOutcomeUnknownError("no answer"),
        }
        if name == "prepay":
            errors[Fault.REJECT] = ProviderRejectedError("no", provider_code="PARAM_ERROR")
        return self.outside.call("provider", name, effect, errors)
