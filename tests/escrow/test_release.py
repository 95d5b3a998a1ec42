"""Shipping, receiving, releasing: once, by those whose order it is, and never more than is held."""

import pytest

from chalicelib.escrow.model import (
    AlreadyShippedError,
    OrderNotReceivableError,
    OrderNotShippableError,
)
from chalicelib.escrow.rules import platform_fee
from chalicelib.kernel.ids import MemberId, MerchantId
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order, OrderNotFoundError, OrderState
from tests.fakes.house import House
from tests.fakes.rooms import RECEIPT_DAYS

DAY = 86_400


def paid(house: House) -> Order:
    order = house.order()
    house.capture.capture(house.provider.pay(house.payment(order).id))
    return house.head(order.id)


def shipped(house: House) -> Order:
    order = paid(house)
    return house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")


def test_held_money_is_the_merchants_when_the_goods_have_come(house: House) -> None:
    order = shipped(house)
    assert house.head(order.id) == order
    released = house.release.confirm(order.member_id, order.id)
    assert released == house.head(order.id)
    assert (released.state, released.held) == (OrderState.RELEASED, fen(0))
    house.sequencer.run()
    shown = house.read_books.of_merchant(order.merchant_id)
    assert (shown.held, shown.available) == (fen(0), fen(3974))
    (fees,) = house.read_books.account("platform:fees").balances
    assert fees.credits == 24


def test_said_again_it_is_the_same(house: House) -> None:
    order = shipped(house)
    again = house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    assert again == order
    first = house.release.confirm(order.member_id, order.id)
    assert house.release.confirm(order.member_id, order.id) == first
    entries = [entry for entry in house.entries() if entry.order_id == order.id]
    assert [entry.kind for entry in entries].count("order_released") == 1
    with pytest.raises(AlreadyShippedError):
        house.ship.ship(order.merchant_id, order.id, "SF", "SF0987654321")


def test_a_stranger_neither_ships_nor_confirms(quick_house: House) -> None:
    house, order = quick_house, paid(quick_house)
    with pytest.raises(OrderNotFoundError):
        house.ship.ship(MerchantId.derive("other"), order.id, "SF", "SF1234567890")
    house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    with pytest.raises(OrderNotFoundError):
        house.release.confirm(MemberId.derive("other"), order.id)


def test_what_is_not_paid_is_not_shipped_and_what_is_not_shipped_not_received(
    quick_house: House,
) -> None:
    house = quick_house
    unpaid = house.order()
    with pytest.raises(OrderNotShippableError):
        house.ship.ship(unpaid.merchant_id, unpaid.id, "SF", "SF1234567890")
    for order in (unpaid, paid(house)):
        with pytest.raises(OrderNotReceivableError):
            house.release.confirm(order.member_id, order.id)


def test_after_some_days_goods_are_taken_as_received(house: House) -> None:
    silent, spoken = shipped(house), shipped(house)
    house.catch_up()
    house.release.confirm(spoken.member_id, spoken.id)
    house.clock.move(seconds=RECEIPT_DAYS * DAY - 1)
    assert house.release.sweep() == 0
    assert house.head(silent.id).state is OrderState.SHIPPED
    house.clock.move(seconds=1)
    assert [house.release.sweep(), house.release.sweep()] == [1, 0]
    assert house.head(silent.id).state is OrderState.RELEASED


def test_many_are_due_at_once(quick_house: House) -> None:
    house = quick_house
    orders = [shipped(house) for _ in range(90)]
    house.catch_up()
    house.clock.move(seconds=RECEIPT_DAYS * DAY)
    assert house.release.sweep() == 90
    assert {house.head(order.id).state for order in orders} == {OrderState.RELEASED}
    assert not [key for key in house.memory.items if key.pk.startswith("due/receipt")]


@pytest.mark.parametrize(
    ("amount", "basis_points", "fee"),
    [(3998, 60, 24), (1, 60, 0), (83, 60, 0), (84, 60, 1), (100, 0, 0), (101, 3000, 30)],
)
def test_the_fee_is_rounded_half_up(amount: int, basis_points: int, fee: int) -> None:
    assert platform_fee(fen(amount), basis_points=basis_points) == fen(fee)
