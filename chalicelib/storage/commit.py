"""One verb, one commit: everything a use case writes passes together or not at all.

    with commits() as work:
        orders.paid(work, …)        # any room adds its puts, updates and checks,
        journal.post(work, …)       # each with the name of its refusal
    # here everything is written; or CommitRefusedError told which conditions failed,
    # with the items as they were; or CommitExhaustedError: try again later

Conflicts and throttles are retried with full jitter inside a budget. Every attempt carries the
same token, so that an attempt whose answer was lost is not done twice.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from chalicelib.kernel.clock import Clock, Pause
from chalicelib.kernel.errors import PlatformError, TryAgainError
from chalicelib.kernel.ids import Randomness
from chalicelib.storage.conditions import ITEM_ABSENT, Change, Condition
from chalicelib.storage.outbox import new_row_id, row_put, shard_of
from chalicelib.storage.table import (
    Action,
    Check,
    Delete,
    Put,
    ReasonCode,
    StoreSilentError,
    StoreThrottledError,
    Table,
    TransactionCancelledError,
    Update,
)
from chalicelib.storage.values import Item, Key, item_size

ACTIONS_MAX = 100
BYTES_MAX = 4 * 1024 * 1024
BUDGET_SECONDS = 4.0
_FIRST_PAUSE_SECONDS = 0.02
_PAUSE_SECONDS_MAX = 0.8
_ATTEMPT_SECONDS_MAX = 1.5  # connect and read timeouts of the client


class CommitRefusedError(PlatformError):
    """Conditions failed and nothing was written.

    `refusals` maps each failed condition's name to the item as it was, None where there was none.
    """

    code = "commit_refused"

    def __init__(self, refusals: Mapping[str, Item | None]) -> None:
        super().__init__(f"refused: {', '.join(refusals)}")
        self.refusals = dict(refusals)


class CommitExhaustedError(TryAgainError):
    """Conflicts, throttles or silence outlasted the budget; the verb may be repeated."""

    code = "storage_busy"


class Work:
    """What one verb is about to write."""

    def __init__(self, *, at: datetime, row_id: str) -> None:
        self.at = at
        self._row_id = row_id
        self._actions: dict[Key, Action] = {}
        self._refusals: dict[Key, str] = {}
        self.emitted = ""  # what the outbox row says happened

    def put(
        self, key: Key, item: Item, *, refusal: str, when: Condition | None = ITEM_ABSENT
    ) -> None:
        """Write a whole item; by default only where none stands."""
        self._add(Put(key, item, when), refusal)

    def update(self, key: Key, *changes: Change, when: Condition, refusal: str) -> None:
        """Change an item under a condition."""
        self._add(Update(key, changes, when), refusal)

    def delete(self, key: Key, *, when: Condition | None = None, refusal: str) -> None:
        """Take an item away."""
        self._add(Delete(key, when), refusal)

    def check(self, key: Key, *, when: Condition, refusal: str) -> None:
        """Refuse the commit unless an item that stays as it is meets the condition."""
        self._add(Check(key, when), refusal)

    def emit(
        self,
        kind: str,
        about: str,
        *,
        beside: str | None = None,
        facts: Item | None = None,
        entry: str | None = None,
    ) -> None:
        """Leave this commit's one outbox row; `beside` is the id by which rows keep their order.

        Rows beside one id lie in one shard, so that they are numbered in the order of their
        commits: an order's payment never comes before the order.
        """
        assert not self.emitted, "one outbox row a commit"
        self.emitted = kind
        put = row_put(
            self._row_id,
            shard_of(beside or about),
            kind=kind,
            about=about,
            at=self.at,
            facts=facts or {},
            entry=entry,
        )
        self._add(put, "outbox")

    @property
    def actions(self) -> tuple[Action, ...]:
        """Return what will be written, in the order it was asked for."""
        return tuple(self._actions.values())

    def refusal(self, action: Action) -> str:
        """Return the name under which this action's condition fails."""
        return self._refusals[action.key]

    def _add(self, action: Action, refusal: str) -> None:
        assert action.key not in self._actions, f"two writes to one item: {action.key}"
        assert refusal not in self._refusals.values(), f"two refusals of one name: {refusal}"
        self._actions[action.key] = action
        self._refusals[action.key] = refusal


@dataclass(slots=True)
class Effort:
    """What a commit took: how often it was tried, and why not once only."""

    event: str = ""  # what its row says happened; empty for bookkeeping, which leaves no row
    attempts: int = 0
    conflicts: int = 0
    throttles: int = 0
    silences: int = 0  # no answer: it may have been done, and the token lets it be only once
    milliseconds: int = 0
    exhausted: bool = False  # the budget was over; nothing is known to be written


def _nobody(_effort: Effort) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Commits:
    """Opens and closes units of work."""

    table: Table
    clock: Clock
    pause: Pause
    randomness: Randomness
    tell: Callable[[Effort], None] = _nobody
    """Count what was committed, once, by who committed it; a refusal is told by its verb."""

    def deadline(self, budget_seconds: float = BUDGET_SECONDS) -> float:
        """Return the moment by which a verb of several commits must have answered."""
        return self.clock.monotonic() + budget_seconds

    @contextmanager
    def __call__(self, *, deadline: float | None = None) -> Iterator[Work]:
        """Gather writes inside the `with`, and commit them when it ends without an error."""
        row_id = new_row_id(self.clock.protocol_now(), self.randomness)
        if deadline is None:
            deadline = self.deadline()
        work = Work(at=self.clock.now(), row_id=row_id)
        yield work
        if work.actions:
            self._told(work, deadline)

    def _told(self, work: Work, deadline: float) -> None:
        effort, began = Effort(event=work.emitted), self.clock.monotonic()
        try:
            self._commit(work, deadline, effort)
        except (CommitRefusedError, CommitExhaustedError) as error:
            effort.event, effort.exhausted = "", isinstance(error, CommitExhaustedError)
            self._tell(effort, began)
            raise
        self._tell(effort, began)

    def _tell(self, effort: Effort, began: float) -> None:
        effort.milliseconds = int(1000 * (self.clock.monotonic() - began))
        if effort.event or effort.attempts > 1 or effort.exhausted:
            self.tell(effort)

    def _commit(self, work: Work, deadline: float, effort: Effort) -> None:
        actions = work.actions
        _assert_limits(actions)
        token = self.randomness(16).hex()
        latest_start = deadline - _ATTEMPT_SECONDS_MAX
        if self.clock.monotonic() > latest_start:
            raise CommitExhaustedError("no time is left to commit; try again", attempts=0)
        while True:
            effort.attempts += 1
            try:
                return self.table.transact(actions, token)
            except TransactionCancelledError as cancelled:
                codes = _raise_if_refused(work, actions, cancelled)
                effort.conflicts += ReasonCode.CONFLICT in codes
                effort.throttles += ReasonCode.THROTTLED in codes
            except StoreThrottledError:
                effort.throttles += 1
            except StoreSilentError:
                effort.silences += 1
            self.wait(effort.attempts - 1, deadline)

    def wait(self, attempt: int, deadline: float) -> None:
        """Pause before another attempt, or raise `CommitExhaustedError` when time is over."""
        pause_seconds = self._jittered(attempt)
        if self.clock.monotonic() + pause_seconds > deadline - _ATTEMPT_SECONDS_MAX:
            raise CommitExhaustedError("the database is busy; try again", attempts=attempt + 1)
        self.pause(pause_seconds)

    def _jittered(self, attempt: int) -> float:
        """Return a full-jitter pause: anything from nothing to the doubled ceiling."""
        doublings = min(attempt, 10)
        ceiling = min(_FIRST_PAUSE_SECONDS * (1 << doublings), _PAUSE_SECONDS_MAX)
        return ceiling * int.from_bytes(self.randomness(2)) / 0xFFFF


def _raise_if_refused(
    work: Work, actions: tuple[Action, ...], cancelled: TransactionCancelledError
) -> set[ReasonCode]:
    """Raise the refusals; but while some item was held by another, they are not the whole truth."""
    codes = {reason.code for reason in cancelled.reasons}
    if codes & {ReasonCode.CONFLICT, ReasonCode.THROTTLED}:
        return codes
    raise CommitRefusedError(
        {
            work.refusal(action): reason.old
            for action, reason in zip(actions, cancelled.reasons, strict=True)
            if reason.code is ReasonCode.CONDITION
        }
    ) from None


def _assert_limits(actions: tuple[Action, ...]) -> None:
    assert len(actions) <= ACTIONS_MAX, "a commit takes 100 actions"
    size = sum(item_size(action.key, action.item) for action in actions if isinstance(action, Put))
    assert size <= BYTES_MAX, "a commit takes 4 MB"
