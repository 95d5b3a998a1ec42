"""Orders that are paid and never shipped give their money back, in time and once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from typing_extensions import override

from chalicelib.escrow.model import AlreadyShippedError, OrderNotShippableError
from chalicelib.kernel.ids import OrderId
from chalicelib.kernel.money import fen
from chalicelib.orders.model import UNSHIPPED, Order, OrderState
from chalicelib.orders.store import OrderStore
from chalicelib.refunds.model import Refund
from chalicelib.refunds.store import Ordered, RefundStore
from chalicelib.storage.due import DueList
from tests.fakes.house import House
from tests.fakes.rooms import SHIP_DAYS, TTL_SECONDS
from tests.fakes.table import MemoryTable

DAY = 86_400


def paid(house: House) -> Order:
    """Let an order be paid, and its expiry pass."""
    order = house.order()
    house.capture.capture(house.provider.pay(house.payment(order).id))
    house.catch_up()
    house.clock.move(seconds=TTL_SECONDS + 61)
    assert house.sweep.sweep() == 0, "nothing is to be closed"
    return house.head(order.id)


def overdue(house: House) -> Order:
    order = paid(house)
    house.clock.move(seconds=SHIP_DAYS * DAY - TTL_SECONDS)
    return order


def refunds(house: House, order: Order) -> list[Refund]:
    return list(house.refund_store.of_order(order.id).refunds)


def noted(house: House) -> list[datetime]:
    return [note.at for note in DueList(house.table, UNSHIPPED).first(a_shard=10)]


def ship(house: House, order: Order) -> Order:
    return house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")


def release_part(house: House, order: Order) -> None:
    house.release.release_part(order.member_id, order.id, fen(1000), key="m1")


def test_what_is_held_goes_back_and_the_goods_to_the_stock(house: House) -> None:
    order = overdue(house)
    ((line, *_),) = [house.orders.lines(order)]
    assert house.stock(line.product_id) == 8
    assert house.refund_unshipped.sweep() == 1
    (refund,) = refunds(house, order)
    assert (refund.amount, refund.held, refund.reason) == (
        order.total,
        order.total,
        "超时未发货，自动退款",
    )
    assert house.head(order.id).state is OrderState.REFUNDED
    assert house.stock(line.product_id) == 10
    assert noted(house) == []
    assert house.refund_unshipped.sweep() == 0
    house.catch_up()
    shown = house.read_books.of_merchant(order.merchant_id)
    assert (shown.held, shown.available) == (fen(0), fen(0))
    (transit,) = house.read_books.account("refunds:in_transit").balances
    assert transit.credits == order.total.amount


def test_nothing_goes_back_before_its_time(quick_house: House) -> None:
    house, order = quick_house, paid(quick_house)
    due = order.created_at + timedelta(days=SHIP_DAYS)
    assert noted(house) == [due]
    house.clock.move(seconds=(due - house.clock.now()).total_seconds() - 1)
    assert house.refund_unshipped.sweep() == 0
    assert house.head(order.id).state is OrderState.PAID
    house.clock.move(seconds=1)
    assert house.refund_unshipped.sweep() == 1


def test_a_longer_time_counts_for_what_was_noted_under_a_shorter_one(quick_house: House) -> None:
    house, order = quick_house, overdue(quick_house)
    longer = replace(house.refund_unshipped, ship_days=SHIP_DAYS + 5)
    assert longer.sweep() == 0
    assert noted(house) == [order.created_at + timedelta(days=SHIP_DAYS + 5)]


def test_an_order_that_is_paid_late_is_noted_all_the_same(quick_house: House) -> None:
    """It is unpaid at its expiry, asked to be closed, and paid before it is."""
    house, order = quick_house, quick_house.order()
    payment = house.payment(order)
    house.catch_up()
    house.clock.move(seconds=TTL_SECONDS + 61)
    assert house.sweep.sweep() == 1
    assert noted(house) == []
    house.capture.capture(house.provider.pay(payment.id))
    house.clock.move(seconds=601)
    assert house.sweep.sweep() == 0
    assert noted(house) == [order.created_at + timedelta(days=SHIP_DAYS)]


@pytest.mark.parametrize("partner", [False, True])
def test_of_a_partly_released_order_the_rest_goes_back(*, partner: bool) -> None:
    house = House(MemoryTable(), partner=partner)
    order = paid(house)
    release_part(house, order)
    house.clock.move(seconds=SHIP_DAYS * DAY)
    assert house.refund_unshipped.sweep() == 1
    (refund,) = refunds(house, order)
    head = house.head(order.id)
    assert refund.held == order.total - fen(1000)
    assert (head.state, head.held, head.released) == (OrderState.RELEASED, fen(0), fen(1000))


def test_what_a_part_refund_left_goes_back(quick_house: House) -> None:
    house, order = quick_house, paid(quick_house)
    house.accept_refund.accept(
        order.id, fen(500), "少一件", merchant_id=None, caller="operator", key="k"
    )
    house.clock.move(seconds=SHIP_DAYS * DAY)
    assert house.refund_unshipped.sweep() == 1
    assert [one.amount for one in refunds(house, order)] == [fen(500), order.total - fen(500)]
    assert house.head(order.id).state is OrderState.REFUNDED


def test_what_was_shipped_stays_and_is_forgotten(quick_house: House) -> None:
    house, order = quick_house, paid(quick_house)
    ship(house, order)
    house.clock.move(seconds=SHIP_DAYS * DAY)
    assert house.refund_unshipped.sweep() == 0
    assert (refunds(house, order), noted(house)) == ([], [])
    assert house.head(order.id).state is OrderState.SHIPPED


def test_a_disputed_order_is_looked_at_again_a_day_later(quick_house: House) -> None:
    house, order = quick_house, paid(quick_house)
    house.clock.move(seconds=(SHIP_DAYS - 1) * DAY)
    dispute = house.disputes.open(order.member_id, order.id, "一直没发货", key="d")
    house.clock.move(seconds=DAY)
    for _ in range(3):
        assert house.refund_unshipped.sweep() == 0
        assert noted(house) == [house.clock.now() + timedelta(days=1)]
        house.clock.move(seconds=DAY)
    house.disputes.withdraw(order.member_id, order.id, dispute.id)
    assert house.refund_unshipped.sweep() == 1
    assert house.head(order.id).state is OrderState.REFUNDED


def test_noted_twice_it_is_refunded_once(quick_house: House) -> None:
    house, order = quick_house, overdue(quick_house)
    with house.commits() as work:
        house.unshipped.put(work, order.id, house.clock.now() - timedelta(hours=1))
    assert house.refund_unshipped.sweep() == 1
    assert (len(refunds(house, order)), noted(house)) == (1, [])


def test_killed_after_the_refund_the_next_sweep_drops_the_note(quick_house: House) -> None:
    house, order = quick_house, overdue(quick_house)
    assert house.accept_refund.unshipped(order.id)
    assert house.refund_unshipped.sweep() == 0
    assert (len(refunds(house, order)), noted(house)) == (1, [])


@dataclass(frozen=True)
class Slow(RefundStore):
    """Something happens to an order after each look at it."""

    meanwhile: Any

    @override
    def of_order(self, order_id: OrderId) -> Ordered:
        found = RefundStore.of_order(self, order_id)
        self.meanwhile()
        return found


@dataclass(frozen=True)
class SlowOrders(OrderStore):
    """Something happens to an order after the first look at it."""

    meanwhile: Any

    @override
    def find(self, order_id: OrderId) -> Order | None:
        found = OrderStore.find(self, order_id)
        self.meanwhile()
        return found


def test_shipped_at_the_same_instant_the_refund_gives_way(quick_house: House) -> None:
    house, order = quick_house, overdue(quick_house)
    slow = Slow(house.table, lambda: ship(house, order))
    accepting = replace(house.accept_refund, refunds=slow)
    sweep = replace(house.refund_unshipped, accepting=accepting)
    assert sweep.sweep() == 0
    assert refunds(house, order) == []
    assert house.head(order.id).state is OrderState.SHIPPED
    assert noted(house) == [house.clock.now() + timedelta(days=1)], "looked at once more"
    house.clock.move(seconds=DAY)
    assert house.refund_unshipped.sweep() == 0
    assert noted(house) == []


def test_refunded_at_the_same_instant_the_shipment_is_refused(quick_house: House) -> None:
    house, order = quick_house, overdue(quick_house)
    slow = SlowOrders(house.table, house.refund_unshipped.sweep)
    late = replace(house.ship, orders=slow)
    with pytest.raises(OrderNotShippableError) as refused:
        late.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    assert refused.value.facts["state"] == OrderState.REFUNDED
    assert house.head(order.id).shipment is None


def test_shipped_otherwise_at_the_same_instant_the_other_parcel_stands(quick_house: House) -> None:
    house, order = quick_house, paid(quick_house)
    slow = SlowOrders(house.table, lambda: ship(house, order) if not is_shipped() else None)

    def is_shipped() -> bool:
        return house.head(order.id).shipment is not None

    late = replace(house.ship, orders=slow)
    with pytest.raises(AlreadyShippedError):
        late.ship(order.merchant_id, order.id, "SF", "SF0987654321")
