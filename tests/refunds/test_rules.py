"""What a refund is made of: never below zero, never over what is there, and to the fen."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.ids import InvalidIdError, OrderId, PartnerId, ProductId, RefundId
from chalicelib.kernel.money import Money, fen
from chalicelib.orders.model import Order, OrderLine, OrderShare
from chalicelib.orders.rules import agreed_between, agreed_of
from chalicelib.providers.funds import ReceiverKind
from chalicelib.refunds import rules
from chalicelib.refunds.model import Refund
from tests.fakes.house import House
from tests.fakes.table import MemoryTable

TOTAL_MAX = 5000


@dataclass(frozen=True)
class Deal:
    """An order's total, and what was agreed to be taken of it: 30 % at most."""

    order: Order

    @property
    def total(self) -> Money:
        return self.order.total


def some_order() -> Order:
    return House(MemoryTable()).order()


ORDER = some_order()


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    total = draw(st.integers(1, TOTAL_MAX))
    left = total * 3 // 10
    parts: list[int] = []
    for _ in range(3):
        parts.append(draw(st.integers(0, left)))
        left -= parts[-1]
    shares = tuple(
        OrderShare(
            partner_id=PartnerId.derive(str(number)),
            amount=fen(part),
            kind=ReceiverKind.MERCHANT,
            account="1",
        )
        for number, part in enumerate(parts[1:])
    )
    return Deal(ORDER.evolve(total=fen(total), fee=fen(parts[0]), shares=shares))


@given(deals(), st.data())
def test_small_steps_never_take_more_than_they_hold(deal: Deal, data: st.DataObject) -> None:
    before = data.draw(st.integers(0, deal.total.amount))
    after = data.draw(st.integers(before, deal.total.amount))
    fee, shares = agreed_between(deal.order, fen(before), fen(after))
    parts = [part.amount for _, part in shares]
    seller = after - before - fee.amount - sum(parts)
    assert min([seller, *parts]) >= 0, "the seller and the partners never give back for a release"
    assert fee.amount >= -len(parts), "the fee gives way by a fen a partner at most"


@given(deals(), st.lists(st.integers(0, TOTAL_MAX), max_size=6))
def test_any_way_there_ends_at_what_was_agreed(deal: Deal, stops: list[int]) -> None:
    at, fee, shares = fen(0), fen(0), [fen(0) for _ in deal.order.shares]
    for stop in [*(min(one, deal.total.amount) for one in stops), deal.total.amount]:
        step, parts = agreed_between(deal.order, at, fen(stop))
        fee, at = fee + step, fen(stop)
        shares = [one + part for one, (_, part) in zip(shares, parts, strict=True)]
    assert fee == deal.order.fee
    assert shares == [share.amount for share in deal.order.shares]
    assert agreed_of(deal.order, fen(0)) == (
        fen(0),
        tuple((share.partner_id, fen(0)) for share in deal.order.shares),
    )


def line(price: int) -> OrderLine:
    return OrderLine(
        product_id=ProductId.derive(str(price)),
        title="茶",
        quantity=1,
        price=fen(price),
        takes=(),
    )


def refund(house: House, amount: int) -> Refund:
    order = house.order(price=5000)
    house.capture.capture(house.provider.pay(house.payment(order).id))
    return house.accept_refund.accept(
        order.id, fen(amount), "x", merchant_id=None, caller="operator", key="k"
    )


REFUND = refund(House(MemoryTable()), 1)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=5), st.data())
def test_refunds_fall_on_lines_to_the_fen(prices: list[int], data: st.DataObject) -> None:
    left = sum(prices)
    amounts: list[int] = []
    while left and len(amounts) < 6:
        amounts.append(data.draw(st.integers(1, left)))
        left -= amounts[-1]
    refunds = [REFUND.evolve(amount=fen(amount)) for amount in amounts]
    allocated = rules.over_lines([line(price) for price in prices], refunds)
    for amount, parts in zip(amounts, allocated, strict=True):
        assert sum(part.amount for part in parts) == amount
        assert min(part.amount for part in parts) >= 0
    for number, price in enumerate(prices):
        assert sum(parts[number].amount for parts in allocated) <= price


def test_a_number_names_its_refund_and_its_attempt() -> None:
    second = REFUND.evolve(attempt=2)
    assert rules.refund_of(rules.number_at_provider(REFUND)) == (REFUND.id, 1)
    assert rules.refund_of(rules.number_at_provider(second)) == (REFUND.id, 2)


@pytest.mark.parametrize("tail", ["_02", "_x", "2", "_", "_1", "_²", "__2", "_" + "9" * 5000])
def test_a_number_that_we_never_spelled_is_none_of_ours(tail: str) -> None:
    number = f"{RefundId.derive('a')}{tail}"
    if tail == "_1":
        assert rules.refund_of(number) == (RefundId.derive("a"), 1)
        return
    with pytest.raises(InvalidIdError):
        rules.refund_of(number)
    with pytest.raises(InvalidIdError):
        rules.refund_of(OrderId.derive("a"))
