"""Shipping, receiving, releasing: once, by those whose order it is, and never more than is held."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.escrow.model import (
    AlreadyShippedError,
    OrderNotReceivableError,
    OrderNotShippableError,
    ReleaseTooLargeError,
)
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import MemberId, MerchantId, PartnerId
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order, OrderNotFoundError, OrderState
from chalicelib.people.model import PartnerShare, RateTable, SharesOverCapError, Terms
from chalicelib.people.rules import rate_of
from chalicelib.providers.funds import ReceiverKind
from tests.fakes.house import House
from tests.fakes.rooms import RECEIPT_DAYS

DAY = 86_400
PARTNER = PartnerId.derive("partner")


def terms(basis_points: int = 500) -> Terms:
    partner = PartnerShare(
        partner_id=PARTNER,
        basis_points=basis_points,
        kind=ReceiverKind.MERCHANT,
        account="1922222222",
    )
    return Terms(partners=(partner,))


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
    ("price", "basis_points", "fee"),
    [(3998, 60, 24), (83, 60, 0), (84, 60, 1), (100, 0, 0), (101, 3000, 30), (5, 3000, 1)],
)
def test_the_fee_is_rounded_half_up_and_never_over_the_cap(
    house: House, price: int, basis_points: int, fee: int
) -> None:
    house.place_order = replace(house.place_order, rates=RateTable(default=basis_points))
    assert house.order(quantity=1, price=price).fee == fen(fee)


def test_a_fee_follows_level_and_category() -> None:
    table = RateTable(default=60, rows={"gold/tea": 10, "gold/*": 20, "*/tea": 30})
    asked = [("gold", "tea"), ("gold", "rice"), ("standard", "tea"), ("standard", "rice")]
    rates = [rate_of(table, level=level, category=category) for level, category in asked]
    assert rates == [10, 20, 30, 60]


def test_parts_are_released_in_proportion_and_sum_to_the_agreed_whole(house: House) -> None:
    merchant_id = house.merchant()
    house.merchants.agree(merchant_id, terms())
    order = house.order_of(merchant_id)
    house.capture.capture(house.provider.pay(house.payment(order).id))
    for number, part in enumerate([1, 333, 1000]):
        order = house.release.release_part(order.member_id, order.id, fen(part), key=f"m{number}")
    house.ship.ship(merchant_id, order.id, "SF", "SF1234567890")
    order = house.release.confirm(order.member_id, order.id)
    assert (order.state, order.releases, order.released) == (OrderState.RELEASED, 4, fen(3998))
    house.sequencer.run()
    (fees,) = house.read_books.account("platform:fees").balances
    (share,) = house.read_books.account(f"partner:{PARTNER}:available").balances
    assert (fees.credits, share.credits) == (24, 199)
    assert house.read_books.of_merchant(merchant_id).available == fen(3998 - 24 - 199)


def test_a_part_is_released_once_under_its_key(house: House) -> None:
    order = paid(house)
    release = house.release.release_part
    first = release(order.member_id, order.id, fen(700), key="m1")
    assert release(order.member_id, order.id, fen(700), key="m1") == first
    assert release(order.member_id, order.id, fen(700), key="m2").held == fen(3998 - 1400)
    with pytest.raises(IdempotencyKeyReusedError):
        release(order.member_id, order.id, fen(701), key="m1")
    with pytest.raises(ReleaseTooLargeError):
        release(order.member_id, order.id, fen(3998 - 1400), key="m3")
    with pytest.raises(OrderNotFoundError):
        release(MemberId.derive("other"), order.id, fen(1), key="m4")


def test_terms_over_the_cap_are_refused(house: House) -> None:
    merchant_id = house.merchant()
    with pytest.raises(SharesOverCapError):
        house.merchants.agree(merchant_id, terms(2941))
    assert house.merchants.agree(merchant_id, terms(2940)).terms == terms(2940)


def test_goods_are_taken_as_received_before_the_freeze_ends(house: House) -> None:
    order = paid(house)
    house.clock.move(seconds=25 * DAY)
    sent = house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890").shipment
    assert sent is not None
    assert sent.receipt_due_at == order.created_at + timedelta(days=29)


def test_what_is_disputed_while_it_is_swept_stays_and_the_others_go(quick_house: House) -> None:
    house = quick_house
    orders = [shipped(house) for _ in range(3)]
    house.catch_up()
    house.clock.move(seconds=RECEIPT_DAYS * DAY + 1)
    disputed, *others = orders
    read = house.orders.heads([order.id for order in orders])
    house.disputes.open(disputed.member_id, disputed.id, "空包裹", key="d")
    assert not house.release._taken_as_received(read[disputed.id])
    assert house.release.sweep() == 2
    assert house.head(disputed.id).state is OrderState.SHIPPED
    assert {house.head(order.id).state for order in others} == {OrderState.RELEASED}
