"""Seeds: shoppers, a provider, workers and schedules at once, with faults, in any interleaving.

A seed decides everything: who comes when, how long each call takes, and what goes wrong. The same
seed is the same run, call by call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from chalicelib.delivery.model import SETTLEMENT_PUSH
from chalicelib.disputes.model import Evidence, Party
from chalicelib.disputes.usecases import evidence_id
from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.kernel.ids import MemberId, ProductId
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order
from chalicelib.people.model import Terms
from chalicelib.providers.funds import Transferred, TransferState
from chalicelib.providers.port import Collected
from chalicelib.providers.refunds import Refunded, RefundStatus
from chalicelib.providers.shipping import Pushed
from chalicelib.refunds.model import RefundState
from local.sandbox.keys import SandboxKeys
from tests.fakes.rooms import TTL_SECONDS
from tests.simulation import invariants, late_shipping, payers
from tests.simulation.bookkeepers import Bookkeepers
from tests.simulation.ports import FAULTS_OF, LYING_PROVIDER_FAULTS, Fault
from tests.simulation.stage import Stage
from tests.simulation.verbs_money_out import TODAY, terms
from tests.simulation.world import Killed

Result = TypeVar("Result")

HORIZON_SECONDS = 2 * TTL_SECONDS
_NEARLY_MIDNIGHT_SECONDS = 8 * 3600 - 1500  # the clock starts at four in the afternoon
_TRIES_MAX = 6
_RINGS = 30
_ZOMBIES = 0.002  # of all calls
_ZOMBIE_SECONDS = 60.0


@dataclass(frozen=True)
class Played:
    """One seed's run."""

    seed: int
    calls: int
    story: list[str]
    broken: str | None


class Scene:
    """One seed's cast."""

    def __init__(self, seed: int, keys: SandboxKeys | None, *, partner: bool) -> None:
        self.stage = Stage(seed, wire_keys=keys, partner=partner)
        self.draw = self.stage.world.random
        trouble = self.draw.choice([0.0, 0.03, 0.15])
        slowness = self.draw.choice([0.001, 0.02, 0.5])
        sore = self.draw.choice([*FAULTS_OF])  # one kind of call fails far more often
        self.stage.plan = lambda kind, _name: self._fault(
            kind, trouble * (4 if kind == sore else 1)
        )
        self.stage.latency = lambda: self._latency(slowness)
        if self.draw.random() < 0.5:  # the day closes while they trade
            self.stage.world.pause(_NEARLY_MIDNIGHT_SECONDS)
        self.until = self.stage.world.seconds + HORIZON_SECONDS
        merchant = self.stage.merchant()
        self.merchant_id = merchant
        self.stage.rooms.merchants.agree(merchant, self.draw.choice([Terms(), terms()]))
        if self.draw.random() < 0.2:
            self.stage.payees.bad_accounts.add("partner1")
        if self.draw.random() < 0.2:
            self.stage.payees.keeps.add(self.draw.choice(["partner1", "nobody"]))
        self.bookkeepers = Bookkeepers(self.stage, self.insist)
        if self.draw.random() < 0.1:
            self.stage.parcels.refused_carriers.add("SF")
        self.stage.sequence()
        self.product_ids = [
            self.stage.product(
                merchant,
                stock=self.draw.randint(1, 6),
                shards=self.draw.choice([1, 1, 3]),
                key=f"p{number}",
            )
            for number in range(2)
        ]

    def play(self) -> None:
        """Let everybody act until the horizon, then settle, and check."""
        world = self.stage.world
        self.stage.with_faults()
        crowd, window = self.draw.choice([(2, 60), (4, 60), (6, 1)])  # one in three is a rush
        for number in range(crowd):
            world.begin(partial(self._shopper, f"shopper {number}"), after=self.wait(window))
        for work in (
            self.stage.work_bookings,
            self.stage.work_commands,
            self.stage.work_commands,
            self.stage.work_events,
            self.stage.work_settlements,
            self.stage.work_settlements,
            self._payees,
            self._give_back,
            self._help,
            self.bookkeepers.look_after,
        ):
            world.begin(partial(self._worker, work, 60))
        for sweep in (
            self.stage.rooms.sweep.sweep,
            self.stage.rooms.release.sweep,
            self.stage.rooms.sweep_payouts.sweep,
            self.stage.rooms.report_shipments.sweep,
            self.stage.rooms.sweep_refunds.sweep,
            self.stage.rooms.carry_out.sweep,
            self.stage.rooms.take_complaints.look,
            self.stage.rooms.answer_complaints.sweep,
            self._settle,
            self.bookkeepers.reconcile,
            self.bookkeepers.reconcile,
        ):
            world.begin(partial(self._worker, sweep, 240))
        for _ in range(self.draw.choice([1, 2, 3])):
            world.begin(self._sequencer)
        world.run()
        late_shipping.hurry(self)
        invariants.check(self.stage, settled=False)
        self.stage.settle()
        invariants.check(self.stage, settled=True)

    def _shopper(self, name: str) -> None:
        member_id = self.insist(name, lambda: self.stage.rooms.sign_in.sign_in(name).id)
        if member_id is None:
            return
        for number in range(self.draw.randint(1, 2)):
            order = self.insist(f"{name} orders", partial(self._order, name, member_id, number))
            if order is not None:
                for attempt in range(self.draw.choice([1, 1, 2])):
                    self._pay(name, order, f"tap {attempt}")

    def _order(self, name: str, member_id: MemberId, number: int) -> Order:
        product_id: ProductId = self.product_ids[number % len(self.product_ids)]
        quantity = 1 + number
        return self.stage.order(
            member_id, self.merchant_id, product_id, quantity=quantity, key=f"{name} {number}"
        )

    def _pay(self, name: str, order: Order, key: str) -> None:
        start = self.stage.rooms.start_payment.start
        self.insist(f"{name} {key}", lambda: start(order.member_id, order.id, "wechatpay", key=key))
        if self.draw.random() < 0.25:
            return  # thought better of it
        self.stage.world.pause(self.wait(self.draw.choice([5, 5, TTL_SECONDS])))
        for number, asked in list(self.stage.provider.orders.items()):
            if asked.attach.startswith(order.id) and self.draw.random() < 0.8:
                collected = self.stage.provider.pay(number)
                if collected is not None:
                    self.stage.world.tell(f"{name} pays {number}")
                    self._mail(collected)
                    if self.draw.random() < 0.2:  # WeChat hears late of it
                        self.stage.parcels.unknown_payments.add(collected.transaction_id)
                    self.stage.world.begin(partial(self._trade, order), after=self.wait(120))

    def _trade(self, order: Order) -> None:
        """Let the merchant ship, now and then twice; and the shopper confirm, or not."""
        rooms = self.stage.rooms
        if self.draw.random() < 0.25:
            self.stage.world.begin(partial(self._dispute, order), after=self.wait(100))
        if self.draw.random() < 0.2:
            self.stage.world.begin(partial(self._refund, order), after=self.wait(60))
        if self.draw.random() < 0.3:
            self.stage.world.begin(partial(payers.complain, self, order), after=self.wait(900))
        if self.draw.random() < 0.2:
            return
        for _ in range(self.draw.choice([1, 1, 2])):
            parcel = self.draw.choice(["SF123456", "SF123456", "SF654321"])
            if self.draw.random() < 0.2:
                self.stage.world.begin(partial(self._milestone, order), after=self.wait(1))
            self.insist(
                "the merchant ships",
                lambda parcel=parcel: rooms.ship.ship(order.merchant_id, order.id, "SF", parcel),  # type: ignore[misc]
            )
            self.stage.world.pause(self.wait(60))
        self.stage.world.begin(partial(self._in_wechat, order), after=self.wait(300))
        for _ in range(self.draw.choice([0, 1, 1, 2])):
            self.stage.world.begin(partial(self._confirm, order), after=self.wait(1))
        if self.draw.random() < 0.3:
            self.stage.world.begin(partial(self._dispute, order), after=self.wait(200))
        if self.draw.random() < 0.3:
            self.stage.world.begin(partial(self._refund, order), after=self.wait(600))

    def _in_wechat(self, order: Order) -> None:
        """Let the shopper receive the parcel in WeChat, or not; and WeChat push, whatever it is."""
        for number, word in list(self.stage.provider.paid.items()):
            if not word.attach.startswith(order.id):
                continue
            if self.draw.random() < 0.4:
                self.stage.parcels.let_receive(word.transaction_id)
            if self.draw.random() < 0.5:
                hint = Pushed(
                    event=SETTLEMENT_PUSH, number=number, transaction_id=word.transaction_id
                )
                hear = self.stage.rooms.hear_of_receipts.hear
                self.insist("WeChat pushes", partial(hear, hint))

    def _refund(self, order: Order) -> None:
        """Let the merchant refund some or all, now and then twice, or too much."""
        amount = self.draw.choice([1, 300, order.total.amount // 2, order.total.amount])
        accept = self.stage.rooms.accept_refund.accept
        for _ in range(self.draw.choice([1, 1, 2])):
            self.insist(
                "the merchant refunds",
                partial(
                    accept,
                    order.id,
                    fen(amount),
                    "不想要了",
                    merchant_id=order.merchant_id,
                    caller="merchant",
                    key=self.draw.choice("ab"),
                ),
            )

    def _dispute(self, order: Order) -> None:
        """Let the shopper dispute; then argue, withdraw, or hear what an operator decides."""
        rooms = self.stage.rooms.disputes
        opened = self.insist(
            "the shopper disputes",
            lambda: rooms.open(order.member_id, order.id, "空包裹", key=self.draw.choice("ab")),
        )
        if opened is None:
            return
        self.stage.world.pause(self.wait(300))
        if self.draw.random() < 0.3:
            said = Evidence(
                id=evidence_id(opened.id, "merchant", "e"),
                order_id=order.id,
                dispute_id=opened.id,
                party=Party.MERCHANT,
                said_at=self.stage.world.now(),
                text="已发货",
            )
            self.insist("the merchant answers", lambda: rooms.say(said))
        if self.draw.random() < 0.25:
            withdraw = partial(rooms.withdraw, order.member_id, order.id, opened.id)
            self.insist("the shopper withdraws", withdraw)
        if self.draw.random() < 0.6:
            refund = fen(self.draw.choice([0, 500, order.total.amount]))
            decide = partial(rooms.decide, order.id, opened.id, refund, "裁决", by="operator")
            self.insist("an operator decides", decide)

    def _give_back(self) -> None:
        """Let the provider bring refunds to an end, and say so: often, late, or never."""
        self.stage.back.poor = self.draw.random() < 0.1
        for number in list(self.stage.back.refunds):
            if self.draw.random() < 0.5:
                continue
            ends = [RefundStatus.SUCCESS] * 4 + [RefundStatus.ABNORMAL, RefundStatus.CLOSED]
            said = self.stage.back.end(number, self.draw.choice(ends))
            for _ in range(self.draw.choice([0, 1, 1, 2])):
                self.stage.world.begin(partial(self._refund_word, said), after=self.wait(60))

    def _refund_word(self, said: Refunded) -> None:
        self.insist("the provider refunds", lambda: self.stage.rooms.advance_refund.hear(said))

    def _help(self) -> None:
        """Let an operator fund, retry or settle what does not go on."""
        hands = self.stage.rooms.refund_hands
        for refund in self.stage.refunds():
            if self.draw.random() < 0.2:
                name = refund.order_id, refund.id
                closed = self.draw.choice(
                    [partial(hands.retry, *name), partial(hands.settle, *name, reference="bank")]
                )
                verbs = {
                    RefundState.WAITING: partial(hands.fund, *name),
                    RefundState.CLOSED: closed,
                }
                if verb := verbs.get(refund.state):
                    self.insist("an operator helps", verb)

    def _milestone(self, order: Order) -> None:
        part, key = fen(self.draw.choice([1, 500, order.total.amount])), self.draw.choice("ab")
        release = self.stage.rooms.release.release_part
        self.insist("a part is released", lambda: release(order.member_id, order.id, part, key=key))

    def _settle(self) -> None:
        """Settle every day that is closed, as a schedule and a hand do at once."""
        rooms = self.stage.rooms
        rooms.open_settlement.open_missed()
        if self.draw.random() < 0.1:
            rooms.open_settlement.open(TODAY)

    def _payees(self) -> None:
        """Let receivers confirm, or not; and the provider say so: often, late, or never."""
        for payout_id in list(self.stage.payees.transfers):
            if self.draw.random() < 0.5:
                continue
            end = self.draw.choice([TransferState.PAID, TransferState.PAID, *TransferState])
            said = self.stage.payees.end_transfer(payout_id, end)
            if said is not None and self.draw.random() < 0.7:
                for _ in range(self.draw.choice([1, 2])):
                    self.stage.world.begin(partial(self._payout_word, said), after=self.wait(60))

    def _payout_word(self, said: Transferred) -> None:
        self.insist("the provider says", lambda: self.stage.rooms.pay_out.hear(said))

    def _confirm(self, order: Order) -> None:
        confirm = self.stage.rooms.release.confirm
        self.insist("the shopper confirms", lambda: confirm(order.member_id, order.id))

    def _mail(self, collected: Collected) -> None:
        """Let the provider say it: once or often, soon or late, and now and then untruly."""
        words = [collected] * self.draw.choice([0, 1, 1, 1, 2, 5])
        if self.draw.random() < 0.1:
            lies: list[dict[str, object]] = [
                {"amount": fen(collected.amount.amount + 1)},
                {"transaction_id": "4200"},
                {"number": "nobody-knows"},
                {"attach": "elsewhere", "transaction_id": "4201"},
            ]
            if self.stage.partner:  # its own number of a payment is what a provider shares by
                lies = [lie for lie in lies if set(lie) != {"transaction_id"}]
            words.append(collected.evolve(**self.draw.choice(lies)))
        for word in words:
            delay = self.wait(self.draw.choice([1, 30, TTL_SECONDS]))
            self.stage.world.begin(partial(self._messenger, word), after=delay)

    def _messenger(self, word: Collected) -> None:
        for _ in range(_TRIES_MAX):
            self.stage.world.tell(f"the provider says {word.number} {word.amount.amount}")
            if self._attempt(lambda: self.stage.deliver(word)):
                return
            self.stage.world.pause(15)

    def _worker(self, work: Callable[[], object], seconds: int) -> None:
        while self.stage.world.seconds < self.until:
            self._attempt(work)
            self.stage.world.pause(seconds + self.wait(30))

    def _sequencer(self) -> None:
        """Ring now and then; in the end once a minute, as the schedule does."""
        for _ in range(_RINGS):
            self._attempt(self.stage.sequence)
            self.stage.world.pause(self.wait(self.draw.choice([0.1, 1, 10, 300])))

    def insist(self, name: str, verb: Callable[[], Result]) -> Result | None:
        """Do what a person does: try again under the same key, or give up."""
        for _ in range(_TRIES_MAX):
            self.stage.world.tell(name)
            try:
                return verb()
            except Killed:
                pass
            except PlatformError as refused:
                self.stage.world.tell(f"   refused: {refused.code}")
                if refused.kind is Kind.BUG:
                    raise
                if refused.kind not in {Kind.UNAVAILABLE, Kind.UNKNOWN_OUTCOME}:
                    return None
            self.stage.world.pause(self.wait(5))
        return None

    def _attempt(self, verb: Callable[[], object]) -> bool:
        try:
            return self.stage.attempt(verb)
        except Killed:
            return False

    def _fault(self, kind: str, trouble: float) -> Fault:
        if self.draw.random() >= trouble:
            return Fault.NONE
        faults = LYING_PROVIDER_FAULTS if kind == "provider" else FAULTS_OF[kind]
        return self.draw.choice(faults)

    def _latency(self, slowness: float) -> float:
        """Let now and then a call take very long, so that whoever made it comes back a zombie."""
        long = _ZOMBIE_SECONDS if self.draw.random() < _ZOMBIES else 0.0
        return self.draw.expovariate(1 / slowness) + long

    def wait(self, seconds: float) -> float:
        return self.draw.random() * seconds


def play(seed: int, keys: SandboxKeys | None = None, *, partner: bool | None = None) -> Played:
    """Play one seed, and say what broke; with keys the real client speaks the real protocol.

    In one seed of three the seller is the payee, unless it is said which.
    """
    if partner is None:
        partner = keys is None and seed % 3 == 0
    scene, broken = Scene(seed, keys, partner=partner), None
    try:
        scene.play()
    except (AssertionError, KeyError, PlatformError) as error:
        broken = f"{type(error).__name__}: {error}"
    return Played(seed, scene.stage.world.calls, scene.stage.world.story, broken)
