"""The truth table of a notified payment, row by row, on every engine.

Each test leaves one row's state of journal, payment and order, hears the provider's word, and looks
at the answer, the books, and what is left to be done.
"""

from dataclasses import dataclass

import pytest

from chalicelib.kernel.ids import OrderId, PaymentId
from chalicelib.kernel.money import CNY, Money, fen
from chalicelib.ledger.journal import balances
from chalicelib.orders.model import Order, OrderState
from chalicelib.payments.model import Booking, Payment, PaymentState
from chalicelib.providers.port import Collected
from chalicelib.storage import keys
from tests.fakes.house import House

CLEARING = "provider:wechatpay:clearing"
SUSPENSE = "platform:suspense"


@dataclass
class Scene:
    house: House
    order: Order
    payment: Payment

    def paid(self) -> Collected:
        return self.house.provider.pay(self.payment.id)

    def hear(self, collected: Collected) -> Booking:
        return self.house.capture.capture(collected)

    def balance(self, account: str, currency: str = CNY) -> int:
        return balances(self.house.entries()).get(account, {}).get(currency, 0)

    @property
    def held_account(self) -> str:
        return f"merchant:{self.order.merchant_id}:held"

    @property
    def payment_state(self) -> PaymentState:
        payment = self.house.payments.find(self.order.id, self.payment.id)
        assert payment is not None
        return payment.state

    @property
    def head(self) -> Order:
        return self.house.head(self.order.id)

    def refunds(self) -> list[str]:
        self.house.catch_up()
        rows = self.house.table.query(keys.MAIN, self.order.id).rows
        return [str(item["state"]) for key, item in rows if key.sk.startswith("refund/")]


@pytest.fixture
def scene(house: House) -> Scene:
    order = house.order()
    return Scene(house, order, house.payment(order))


def test_a_payment_in_time_is_held_for_its_order(scene: Scene) -> None:
    assert scene.hear(scene.paid()) is Booking.CAPTURED
    assert (scene.head.state, scene.head.due, scene.head.held) == (
        OrderState.PAID,
        fen(0),
        fen(3998),
    )
    assert scene.payment_state is PaymentState.CAPTURED
    assert scene.balance(CLEARING) == 3998
    assert scene.balance(scene.held_account) == -3998
    assert scene.refunds() == []


def test_the_same_word_again_is_a_repeat(scene: Scene) -> None:
    collected = scene.paid()
    assert [scene.hear(collected) for _ in range(3)] == [
        Booking.CAPTURED,
        Booking.REPEATED,
        Booking.REPEATED,
    ]
    assert scene.head.held == fen(3998)
    assert len(scene.house.entries()) == 1


@pytest.mark.parametrize(
    "change", [{"transaction_id": "4200099"}, {"amount": fen(1)}, {"amount": fen(3999)}]
)
def test_another_word_about_captured_money_is_a_contradiction(
    scene: Scene, change: dict[str, object]
) -> None:
    collected = scene.paid()
    scene.hear(collected)
    other = collected.evolve(**change)
    assert scene.hear(other) is Booking.CONTRADICTORY
    assert scene.hear(other) is Booking.REPEATED
    assert scene.head.held == fen(3998)
    assert scene.balance(SUSPENSE) == -other.amount.amount
    assert scene.house.told[1][0] is Booking.CONTRADICTORY


@pytest.mark.parametrize(
    "amount", [fen(3997), fen(3999), fen(1), Money(amount=3998, currency="USD")]
)
def test_another_amount_or_currency_is_a_contradiction(scene: Scene, amount: Money) -> None:
    other = scene.paid().evolve(amount=amount)
    assert scene.hear(other) is Booking.CONTRADICTORY
    assert (scene.head.state, scene.payment_state) == (OrderState.UNPAID, PaymentState.PENDING)
    assert scene.balance(SUSPENSE, amount.currency) == -amount.amount


def test_the_right_word_after_a_contradiction_is_still_booked(scene: Scene) -> None:
    right = scene.paid()
    scene.hear(right.evolve(amount=fen(1)))
    assert scene.hear(right) is Booking.CAPTURED
    assert scene.head.held == fen(3998)


def test_money_for_an_order_closed_meanwhile_is_late(scene: Scene) -> None:
    collected = scene.paid()
    with scene.house.commits() as work:
        scene.house.orders.closed(work, scene.order.id)
    assert scene.hear(collected) is Booking.LATE
    assert scene.hear(collected) is Booking.REPEATED
    assert (scene.head.state, scene.payment_state) == (OrderState.CLOSED, PaymentState.CAPTURED)
    assert scene.head.held == fen(0)
    assert scene.balance(SUSPENSE) == -3998
    assert scene.refunds() == ["queued"]


def test_money_for_an_order_paid_by_another_payment_is_late(scene: Scene) -> None:
    second = Scene(scene.house, scene.order, scene.house.payment(scene.order))
    assert scene.hear(scene.paid()) is Booking.CAPTURED
    assert second.hear(second.paid()) is Booking.LATE
    assert scene.head.held == fen(3998)
    assert scene.balance(CLEARING) == 2 * 3998
    assert scene.balance(scene.held_account) == -3998
    assert scene.balance(SUSPENSE) == -3998
    assert scene.refunds() == ["queued"]


def test_money_for_a_closed_payment_of_a_closed_order_is_late(scene: Scene) -> None:
    collected = scene.paid()
    with scene.house.commits() as work:
        scene.house.orders.closed(work, scene.order.id)
        scene.house.payments.closed(work, scene.payment)
    assert scene.hear(collected) is Booking.LATE
    assert scene.payment_state is PaymentState.CAPTURED
    assert scene.refunds() == ["queued"]


def test_money_for_a_failed_payment_is_money_all_the_same(scene: Scene) -> None:
    collected = scene.paid()
    with scene.house.commits() as work:
        scene.house.payments.failed(work, scene.payment, reason="given up")
    assert scene.hear(collected) is Booking.CAPTURED
    assert (scene.head.state, scene.payment_state) == (OrderState.PAID, PaymentState.CAPTURED)
    assert scene.head.held == fen(3998)


@pytest.mark.parametrize("strange", ["number", "attach", "order", "merchant", "both"])
def test_money_that_nobody_here_asked_for_is_parked(scene: Scene, strange: str) -> None:
    other_order = OrderId.derive("other")
    changes: dict[str, dict[str, object]] = {
        "number": {"number": PaymentId.derive("other")},
        "attach": {"attach": ""},
        "order": {"attach": f"{other_order}/{scene.order.merchant_id}"},
        "merchant": {"attach": f"{scene.order.id}/ein-anderer"},
        "both": {"number": "20260101-77|*", "attach": "🍵" * 30},
    }
    unknown = scene.paid().evolve(**changes[strange])
    assert scene.hear(unknown) is Booking.UNKNOWN
    assert scene.hear(unknown) is Booking.REPEATED
    assert scene.balance(SUSPENSE) == -3998
    assert (scene.head.state, scene.payment_state) == (OrderState.UNPAID, PaymentState.PENDING)


def test_another_merchants_name_on_our_payment_is_a_contradiction(scene: Scene) -> None:
    other_merchant = scene.house.merchant()
    wrong = scene.paid().evolve(attach=f"{scene.order.id}/{other_merchant}")
    assert scene.hear(wrong) is Booking.CONTRADICTORY
    assert scene.balance(f"merchant:{other_merchant}:held") == 0
    assert scene.balance(SUSPENSE) == -3998


def test_every_entry_is_balanced_and_every_booking_is_told(scene: Scene) -> None:
    second = Scene(scene.house, scene.order, scene.house.payment(scene.order))
    words = [scene.paid(), second.paid(), scene.paid().evolve(amount=fen(5))]
    bookings = [scene.hear(word) for word in words]
    assert [booking for booking, _ in scene.house.told] == bookings
    for entry in scene.house.entries():
        assert sum(sum(of.values()) for of in balances([entry]).values()) == 0
