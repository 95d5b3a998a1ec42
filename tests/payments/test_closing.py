"""Closing what nobody paid: the provider first, and stock back exactly once."""

import pytest

from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import OrderId, ProductId
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order, OrderState
from chalicelib.payments.model import Booking, PaymentState
from chalicelib.providers.port import ProviderOutcomeUnknownError, ProviderUnavailableError
from tests.fakes.house import TTL_SECONDS, House

OVERDUE = TTL_SECONDS + 61


def product_of(house: House, order: Order) -> ProductId:
    return house.orders.lines(order)[0].product_id


def states(house: House, order_id: OrderId) -> set[PaymentState]:
    return {payment.state for payment in house.payments.of_order(order_id)[1]}


def test_an_overdue_order_is_closed_and_its_stock_comes_back_once(house: House) -> None:
    order = house.order(quantity=3)
    payments = [house.payment(order) for _ in range(2)]
    assert house.stock(product_of(house, order)) == 7
    house.clock.move(seconds=OVERDUE)
    for _ in range(3):
        house.close_order.close(order.id)
    assert house.head(order.id).state is OrderState.CLOSED
    assert states(house, order.id) == {PaymentState.CLOSED}
    assert house.provider.closed == {payment.id for payment in payments}
    assert house.stock(product_of(house, order)) == 10


@pytest.mark.parametrize("seconds", [0, TTL_SECONDS, TTL_SECONDS + 59])
def test_before_its_time_nothing_is_closed(quick_house: House, seconds: int) -> None:
    order = quick_house.order()
    quick_house.payment(order)
    quick_house.clock.move(seconds=seconds)
    quick_house.close_order.close(order.id)
    assert quick_house.head(order.id).state is OrderState.UNPAID
    assert quick_house.provider.closed == set()


@pytest.mark.parametrize(
    "failure", [ProviderUnavailableError("down"), ProviderOutcomeUnknownError("silence")]
)
def test_without_the_providers_word_nothing_is_closed_here(
    house: House, failure: Exception
) -> None:
    order = house.order()
    house.payment(order)
    house.clock.move(seconds=OVERDUE)
    house.provider.failures = [failure]
    with pytest.raises(type(failure)):
        house.close_order.close(order.id)
    assert house.head(order.id).state is OrderState.UNPAID
    assert states(house, order.id) == {PaymentState.PENDING}
    house.close_order.close(order.id)
    assert house.head(order.id).state is OrderState.CLOSED


def test_a_shopper_who_was_faster_has_paid(house: House) -> None:
    order = house.order()
    house.payment(order)
    house.provider.pay(house.payment(order).id)  # its notification is lost
    house.clock.move(seconds=OVERDUE)
    house.close_order.close(order.id)
    assert house.head(order.id).state is OrderState.PAID
    assert house.head(order.id).held == fen(3998)
    assert house.stock(product_of(house, order)) == 8


def test_money_that_comes_while_an_order_is_closed_is_late_or_in_time_never_both(
    house: House,
) -> None:
    order = house.order()
    payment = house.payment(order)
    house.clock.move(seconds=OVERDUE)
    house.close_order.close(order.id)
    collected = house.provider.pay(payment.id)
    assert house.capture.capture(collected) is Booking.LATE
    house.close_order.close(order.id)
    assert house.stock(product_of(house, order)) == 10


def test_an_order_that_moves_while_it_is_closed_is_looked_at_again(quick_house: House) -> None:
    house = quick_house
    order = house.order()
    payment = house.payment(order)
    house.clock.move(seconds=OVERDUE)

    def paid_in_between(payment_id: object, *, seller: str | None) -> object:
        assert (payment_id, seller) == (payment.id, None)
        house.provider.closed.add(payment.id)
        house.capture.capture(collected)
        return original(payment.id)

    collected = house.provider.pay(payment.id)
    del house.provider.paid[payment.id]
    original, house.provider.close = house.provider.close, paid_in_between  # type: ignore[method-assign, assignment]
    with pytest.raises(TryAgainError):
        house.close_order.close(order.id)
    house.close_order.close(order.id)
    assert house.head(order.id).state is OrderState.PAID
    assert house.stock(product_of(house, order)) == 8


def test_an_order_with_very_many_payments_is_closed_all_the_same(quick_house: House) -> None:
    house = quick_house
    order = house.order(lines=3)
    for _ in range(150):
        house.payment(order)
    house.clock.move(seconds=OVERDUE)
    house.close_order.close(order.id)
    assert house.head(order.id).state is OrderState.CLOSED
    assert states(house, order.id) == {PaymentState.CLOSED}


def test_the_sweep_asks_for_every_overdue_order_and_passes_none_over(quick_house: House) -> None:
    house = quick_house
    early = [house.order() for _ in range(30)]
    house.capture.capture(house.provider.pay(house.payment(early[0]).id))
    house.clock.move(seconds=600)
    late = [house.order() for _ in range(5)]
    house.catch_up()
    assert house.sweep.sweep() == 0
    house.clock.move(seconds=OVERDUE - 600)
    assert house.sweep.sweep() == 29
    assert set(house.close_requests) == {order.id for order in early[1:]}
    assert house.sweep.sweep() == 0, "what was asked for is the queue's to keep"
    for order in early[1:]:
        house.close_order.close(order.id)
    house.close_requests.clear()
    house.clock.move(seconds=600)
    house.sweep.sweep()
    assert set(house.close_requests) == {order.id for order in late}


def test_an_order_whose_closing_got_lost_is_asked_for_again(quick_house: House) -> None:
    house = quick_house
    order = house.order()
    house.catch_up()
    house.clock.move(seconds=OVERDUE)
    assert [house.sweep.sweep(), house.sweep.sweep()] == [1, 0]
    house.clock.move(seconds=601)
    assert house.sweep.sweep() == 1
    house.close_order.close(order.id)
    house.clock.move(seconds=601)
    assert house.sweep.sweep() == 0
    assert not [key for key in house.memory.items if key.pk.startswith("due/")], "settled, and gone"


def test_a_sweep_that_dies_asks_again(quick_house: House) -> None:
    house = quick_house
    orders = {house.order().id for _ in range(40)}
    house.catch_up()
    house.clock.move(seconds=OVERDUE)
    asked: list[OrderId] = []

    def fragile(order_id: OrderId) -> None:
        if len(asked) == 10:
            raise TryAgainError("the queue is down")
        asked.append(order_id)

    object.__setattr__(house.sweep, "request_close", fragile)
    with pytest.raises(TryAgainError):
        house.sweep.sweep()
    object.__setattr__(house.sweep, "request_close", house.close_requests.append)
    house.sweep.sweep()
    assert set(house.close_requests) | set(asked) == orders
