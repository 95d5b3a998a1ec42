"""The stage: the real use cases and jobs on simulated ports."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from chalicelib.complaints.model import Taken
from chalicelib.disputes.usecases import LOOK_AGAIN as LOOK_AT_DECISIONS
from chalicelib.edge.queue import Message
from chalicelib.kernel.errors import Kind, PlatformError, TryAgainError
from chalicelib.kernel.ids import MemberId, MerchantId, OrderId, ProductId
from chalicelib.kernel.money import fen
from chalicelib.ledger.journal import JournalEntry
from chalicelib.orders.model import Order, Wanted
from chalicelib.payments.model import Booking
from chalicelib.payments.usecases.capture import Hear
from chalicelib.payments.usecases.certificates import RefreshCertificates
from chalicelib.providers.funds import TransferState
from chalicelib.providers.port import Collected, Provider
from chalicelib.providers.refunds import RefundStatus
from chalicelib.reconciliation.model import Discrepancy
from chalicelib.refunds.model import FINAL, Refund, RefundState
from chalicelib.refunds.model import Word as RefundWord
from chalicelib.refunds.store import read_refund
from chalicelib.refunds.usecases.advance import LOOK_AGAIN as LOOK_AT_REFUNDS
from chalicelib.settlement.model import Word
from chalicelib.settlement.usecases.payout import LOOK_AGAIN
from chalicelib.storage import keys
from local.sandbox.keys import SandboxKeys
from tests.fakes import outside
from tests.fakes.complaints import ComplaintBooks
from tests.fakes.rooms import RECEIPT_DAYS, TTL_SECONDS, Rooms
from tests.simulation import consumers, reconciling, settling
from tests.simulation.billing import SimulatedBills
from tests.simulation.complaining import SimulatedComplaints
from tests.simulation.funds import SimulatedFunds
from tests.simulation.ports import (
    Outside,
    Plan,
    SimulatedLake,
    SimulatedQueue,
    SimulatedTable,
    no_faults,
)
from tests.simulation.refunding import SimulatedRefunds
from tests.simulation.shipping import SimulatedShipping
from tests.simulation.theirs import TheirSide
from tests.simulation.watched import WatchedRelease
from tests.simulation.wire import RealWire
from tests.simulation.world import World

STOCK, PRICE = 20, 1999
_SETTLING_ROUNDS_MAX = 40


@dataclass
class Stage:
    """A merchant with products, and all that happens to them."""

    seed: int = 0
    plan: Plan = no_faults
    latency: Callable[[], float] = lambda: 0.0
    wire_keys: SandboxKeys | None = None  # given, the real client speaks the real protocol
    partner: bool = False  # the seller is the payee
    reconciles: bool = True  # every day, when all is settled

    def __post_init__(self) -> None:
        self.world = World(self.seed)
        self.outside = Outside(self.world)
        self.table = SimulatedTable(self.outside)
        self.memory = self.table.memory
        self.bookings = SimulatedQueue(self.outside)
        self.commands = SimulatedQueue(self.outside)
        self.events = SimulatedQueue(self.outside)
        self.settlements = SimulatedQueue(self.outside)
        self._meet_the_provider()
        self.complained = ComplaintBooks()
        self.lake = SimulatedLake(self.outside)
        self.wire = RealWire(self.wire_keys, self.provider) if self.wire_keys else None
        self._remember_nothing()
        self.rooms = self._opened(self.wire.client if self.wire else self.provider)
        self.rooms.release = WatchedRelease.over(self.rooms.release, self.confirmed)
        self.rooms.carry_out = replace(self.rooms.carry_out, release=self.rooms.release)
        self.hear = Hear(self.rooms.capture, self._queue_booking)
        self.refresh = RefreshCertificates(
            self.rooms.payments, self.rooms.commits, self.provider, self.world
        )

    def _opened(self, provider: Provider) -> Rooms:
        return Rooms(
            outside.Outside(
                table=self.table,
                clock=self.world,
                pause=self.world.pause,
                randomness=self.world.randomness,
                provider=provider,
                login=self.provider,
                tell=self._tell,
                request_close=self._request_close,
                send_events=self.events.send_many,
                lake=self.lake,
                funds=SimulatedFunds(self.outside, self.payees),
                send_settlements=self.settlements.send_many,
                send_commands=self.commands.send_many,
                shipping=SimulatedShipping(self.outside, self.parcels),
                complaints=SimulatedComplaints(self.outside, self.complained),
                tell_taken=lambda *told: self.complaint_words.append((told[0], told[1].id)),
                back=SimulatedRefunds(self.outside, self.back),
                bills=SimulatedBills(self.outside, self.theirs.bills),
                documents=self.documents,
                send_later=self._send_later,
                tell_refund=lambda word, _said: self.refund_words.update([word]),
                tell_payout=lambda word, _said: self.payout_words.update([word]),
                partner=self.partner,
            )
        )

    def _meet_the_provider(self) -> None:
        self.theirs = TheirSide(self.outside)
        self.provider, self.payees = self.theirs.provider, self.theirs.payees
        self.back, self.parcels = self.theirs.back, self.theirs.parcels
        self.documents = SimulatedLake(self.outside)

    def _remember_nothing(self) -> None:
        self.heard: Counter[int] = Counter()
        self.told: Counter[Booking] = Counter()
        self.payout_words: Counter[Word] = Counter()
        self.refund_words: Counter[RefundWord] = Counter()
        self.acknowledged: list[Collected] = []
        self.complaint_words: list[tuple[Taken, str]] = []
        self.words: list[Collected] = []
        self.products: dict[ProductId, int] = {}
        self.confirmed: set[OrderId] = set()
        self.left_to_people: list[Discrepancy] = []
        self.for_people: set[str] = set()  # keys of differences that only a person can resolve
        self.untold = 0  # what left the provider otherwise than it said
        self._caught_up: tuple[int, float] | None = None
        self.afterwards: Callable[[], object] = lambda: None  # what the scene does in the end

    def with_faults(self) -> None:
        """From now on things go wrong as planned."""
        self.outside.plan, self.outside.latency = self.plan, self.latency
        self.outside.shortened = self._shortened

    def without_faults(self) -> None:
        """From now on all goes well, and at once."""
        self.outside.plan, self.outside.latency = no_faults, lambda: 0.0
        self.outside.shortened = lambda limit: limit

    # What a scene begins with.
    def merchant(self, key: str = "m") -> MerchantId:
        return self.rooms.merchants.register("山月茶庄", caller="operator", key=key).id

    def product(
        self, merchant_id: MerchantId, *, stock: int = STOCK, shards: int = 1, key: str = "p"
    ) -> ProductId:
        product = self.rooms.catalog.create(
            merchant_id, title="乌龙", price=fen(PRICE), stock=stock, stock_shards=shards, key=key
        )
        self.products[product.id] = stock
        return product.id

    def order(
        self,
        member_id: MemberId,
        merchant_id: MerchantId,
        product_id: ProductId,
        *,
        quantity: int = 1,
        key: str = "o",
    ) -> Order:
        wanted = [Wanted(product_id=product_id, quantity=quantity)]
        return self.rooms.place_order.place(member_id, merchant_id, wanted, key=key)[0]

    # What the platform does around the use cases.
    def deliver(self, collected: Collected) -> None:
        """Deliver a notification once; what is not acknowledged comes again."""
        if collected not in self.words:
            self.words.append(collected)
        self.hear.hear(self.wire.over(collected) if self.wire else collected)
        self.acknowledged.append(collected)

    def work_bookings(self) -> None:
        """Take a batch from the queue of bookings."""
        self._work(self.bookings, self._book)

    def work_commands(self) -> None:
        """Take a batch from the queue of commands."""
        self._work(self.commands, self.rooms.run)

    def work_events(self) -> None:
        """Take a batch from the queue of events."""
        self._work(self.events, self._hear)

    def work_all_events(self) -> None:
        """Let everybody hear of everything."""
        while self.events.messages:
            self.attempt(self.work_events)

    def work_settlements(self) -> None:
        """Take a batch from the queue of settlements and payouts."""
        self._work(self.settlements, self.rooms.desk.run)

    def sequence(self) -> None:
        """Number what waits in the outbox, as one of several that do."""
        self.rooms.sequencer.run()

    def _work(self, queue: SimulatedQueue, handle: consumers.Handle) -> None:
        """Take a batch of any size, in any order."""
        size = self.world.random.randint(1, 10) if self.latency() else 1
        waiting = consumers.ready(queue, self.world)
        batch = self.world.random.sample(waiting, min(size, len(waiting)))
        consumers.take(queue, batch, handle)

    def _book(self, message: Message) -> None:
        collected = Collected.model_validate_json(str(message["collected"]))
        self.rooms.capture.capture(collected, budget_seconds=20)

    def _hear(self, message: Message) -> None:
        for event in message["events"]:
            self.rooms.hear(event)
            self.heard[event["position"]] += 1

    def _shortened(self, limit: int) -> int:
        """Let one page in four be shorter than asked for."""
        cut = self.latency() and self.world.random.random() < 0.25
        return self.world.random.randint(1, limit) if cut else limit

    def settle(self) -> None:
        """Let all go well until nothing is left to do: say again, work, sweep, wait, sweep."""
        self.without_faults()
        self.afterwards()
        for _ in range(2):
            self.world.pause(TTL_SECONDS + 61)
            for word in [*self.words, *self.provider.paid.values()]:
                if word not in self.acknowledged:
                    self.deliver(word)
            self.catch_up()
            self.rooms.sweep.sweep()
            self.work_off()
            self.catch_up()
        settling.report_all(self)
        settling.look_for_complaints(self)
        self._refund_all()
        self._receive_all()
        settling.refund_unshipped(self)
        settling.answer_all(self)
        self._pay_all()
        self._refund_all(fund=True)
        self._settle_days()
        if self.reconciles:
            reconciling.settle(self)
        self.rooms.logbook.sweep_stages()

    def work_off(self) -> None:
        """Work until no booking and no command waits, or none gets any further now."""
        queues = ((self.bookings, self._book), (self.commands, self.rooms.run))
        consumers.work_off(queues, self.world)

    def _refund_all(self, *, fund: bool = False) -> None:
        """Bring every refund to a good end: the provider pays, an operator's hand helps."""
        self.back.poor = False
        if not self.refunds():
            return
        for _ in range(_SETTLING_ROUNDS_MAX):
            self.catch_up()
            self.work_off()
            for number in list(self.back.refunds):
                self.rooms.advance_refund.hear(self.back.end(number, RefundStatus.SUCCESS))
            left = [one for one in self.refunds() if one.state not in FINAL]
            for refund in left:
                if refund.state is RefundState.CLOSED:
                    self.rooms.refund_hands.retry(refund.order_id, refund.id)
                elif refund.state is RefundState.WAITING and fund and refund.seller is None:
                    self.rooms.refund_hands.fund(refund.order_id, refund.id)
            waiting = {RefundState.WAITING} if not fund else set()
            if all(one.state in waiting for one in left):
                break
            self.world.pause(LOOK_AT_REFUNDS.total_seconds())
            self.rooms.sweep_refunds.sweep()
        self.world.pause(LOOK_AT_REFUNDS.total_seconds())
        self.rooms.sweep_refunds.sweep()
        self.work_off()
        self.catch_up()

    def refunds(self) -> list[Refund]:
        """Return every refund there is."""
        return [
            read_refund(key, item)
            for key, item in self.memory.items.items()
            if key.pk.startswith("ord_") and key.sk.startswith("refund/")
        ]

    def _receive_all(self) -> None:
        """Wait until every shipment is taken as received."""
        self.world.pause(RECEIPT_DAYS * 86_400)
        for _ in range(2):
            self.rooms.carry_out.sweep()
            self.catch_up()
            self.world.pause(LOOK_AT_DECISIONS.total_seconds())
        self.rooms.carry_out.sweep()
        self.rooms.release.sweep()
        self.catch_up()

    def _settle_days(self) -> None:
        """Let every day close, settle it, and pay out; twice, since a payout may come back."""
        for _ in range(2):
            self.world.pause(86_400)
            self.catch_up()
            active = {key.pk[2:] for key in self.memory.items if key.pk.startswith("A#")}
            for day in sorted(active):
                closed = self.memory.get(keys.day_closed(day))
                if closed is not None:
                    self.rooms.open_settlement.open(date.fromisoformat(day))
                    self._work_settlements_off()  # in the order of the days
            self._pay_all()

    def _work_settlements_off(self) -> None:
        self.catch_up()
        in_vain = 0
        for _ in range(consumers.PASSES_MAX):
            before = [*self.settlements.messages]
            if not before or in_vain > consumers.IN_VAIN_MAX:
                return
            if not self.attempt(self.work_settlements):
                self.world.pause(60)
            self.catch_up()
            in_vain = in_vain + 1 if self.settlements.messages == before else 0

    def _pay_all(self) -> None:
        """Work until nobody waits for money: receivers confirm, and the provider is asked."""
        for _ in range(_SETTLING_ROUNDS_MAX):
            self.catch_up()
            self._work_settlements_off()
            for payout_id in list(self.payees.transfers):
                self.payees.end_transfer(payout_id, TransferState.PAID)
            self.catch_up()
            if not any(key.pk.startswith("due/payout/") for key in self.memory.items):
                return
            self.world.pause(LOOK_AGAIN.total_seconds())
            self.rooms.sweep_payouts.sweep()

    def _send_later(self, command: Mapping[str, str], seconds: int) -> None:
        self.commands.send({**command, "ready": self.world.seconds + seconds})

    def catch_up(self) -> None:
        """Let the list come to its end, and everybody hear of it."""
        if self._caught_up != self._at():
            self.sequence()
            self._caught_up = self._at()
        self.work_all_events()

    def _at(self) -> tuple[int, float]:
        return len(self.memory.committed), self.world.seconds

    def attempt(self, verb: Callable[[], object]) -> bool:
        """Do it; what is refused or may be tried again is no failure of ours."""
        try:
            verb()
        except TryAgainError:
            return False
        except PlatformError as refused:
            if refused.kind is Kind.BUG:
                raise
        return True

    def entries(self) -> list[JournalEntry]:
        """Return the journal itself, by its keys."""
        return [
            JournalEntry.model_validate_json(str(item["entry"]))
            for key, item in self.memory.items.items()
            if key.sk == "entry"
        ]

    def _tell(self, booking: Booking, _collected: Collected) -> None:
        self.told[booking] += 1
        self.world.tell(f"   booked: {booking}")

    def _queue_booking(self, collected: Collected) -> None:
        self.bookings.send({"collected": collected.model_dump_json()})

    def _request_close(self, order_id: OrderId) -> None:
        self.commands.send({"command": "close_order", "order_id": order_id})
