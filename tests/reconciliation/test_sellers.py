"""Days where sellers are the payees: frozen money, shares, the fee that the seller bears."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from chalicelib.kernel.money import fen
from chalicelib.providers.refunds import RefundStatus
from chalicelib.reconciliation.model import DiscrepancyState, Outcome
from chalicelib.settlement import rules
from chalicelib.settlement.model import FrozenOtherwiseError
from tests.reconciliation.test_days import counted
from tests.reconciliation.trade import Trade

PAID, FEE, OURS = 3998, 15, 24


def test_a_day_from_payment_to_unfreezing_matches() -> None:
    trade = Trade(partner=True)
    payment = trade.sold()
    trade.receive(payment)
    trade.unfreeze(payment)
    found = trade.reconciled()
    assert counted(found) == {
        ("payment", "matched"): 1,
        ("share", "matched"): 1,
        ("unfreeze", "matched"): 1,
    }
    assert (found.own, found.frozen, found.fees, found.unexplained) == (OURS, 0, FEE, 0)
    then = trade.reconciled()
    assert then.theirs == then.ours == OURS
    assert then.standing == ()


def test_what_is_frozen_is_kept_for_us_less_the_fee() -> None:
    trade = Trade(partner=True)
    trade.sold()
    found = trade.reconciled()
    assert (found.own, found.frozen, found.ours) == (0, PAID - FEE, PAID)
    assert [(one.outcome, one.effect) for one in found.standing] == [(Outcome.FEES, -FEE)]
    then = trade.reconciled()
    assert then.theirs == then.ours == PAID - FEE


@pytest.mark.parametrize(
    ("basis_points", "stops"), [(38, False), (36, True), (60, True), (None, False)]
)
def test_a_seller_gets_all_but_the_agreed_fee_to_the_fen(
    basis_points: int | None, *, stops: bool
) -> None:
    trade = Trade(partner=True)
    house = trade.house
    house.pay_out = replace(
        house.pay_out, unfreeze=replace(house.unfreeze_order, fee_basis_points=basis_points)
    )
    payment = trade.sold()
    trade.receive(payment)
    with pytest.raises(FrozenOtherwiseError) if stops else nullcontext():
        trade.unfreeze(payment)


@pytest.mark.parametrize(
    ("refunded", "basis_points", "borne"),
    [(0, 38, (15, 15)), (1, 38, (0, 15)), (0, None, (0, 40)), (0, 0, (0, 0))],
)
def test_what_a_seller_may_bear(
    refunded: int, basis_points: int | None, borne: tuple[int, int]
) -> None:
    least, most = rules.borne_fee(fen(PAID), fen(refunded), basis_points=basis_points)
    assert (least.amount, most.amount) == borne


def test_a_refund_before_release_takes_of_what_is_frozen_and_of_the_fee() -> None:
    trade = Trade(partner=True)
    trade.end(trade.refund(trade.sold(), 1000))
    found = trade.reconciled()
    assert (found.frozen, found.fees, found.unexplained) == (PAID - 1000 - FEE + 3, FEE - 3, 0)
    then = trade.reconciled()
    assert then.theirs == then.ours


def test_a_refund_after_unfreezing_is_the_sellers_own_money() -> None:
    trade = Trade(partner=True)
    payment = trade.sold()
    trade.receive(payment)
    trade.unfreeze(payment)
    trade.house.catch_up()
    trade.house.clock.move(seconds=120)
    refund = trade.refund(payment, 1000)
    for _ in range(3):
        trade.house.advance_refund.advance(refund.order_id, refund.id)
    first = trade.reconciled()
    assert first.unexplained == 0
    trade.end(refund)
    trade.reconciled()
    last = trade.reconciled()
    assert last.standing == ()
    assert last.theirs == last.ours


def test_a_refund_of_the_sellers_own_money_that_was_closed_was_never_frozen() -> None:
    trade = Trade(partner=True)
    payment = trade.sold()
    trade.receive(payment)
    trade.unfreeze(payment)
    trade.house.catch_up()
    trade.house.clock.move(seconds=120)
    refund = trade.refund(payment, 1000)
    for _ in range(3):
        trade.house.advance_refund.advance(refund.order_id, refund.id)
    first = trade.reconciled()
    trade.end(refund, RefundStatus.CLOSED)
    day = trade.end_day()
    for _ in range(2):  # and the same when the day is run again
        found = trade.house.reconciling.day.reconcile(day)
        assert (found.frozen, found.fees, found.unexplained) == (first.frozen, 0, 0)


def test_a_refund_that_was_closed_is_frozen_again_though_no_bill_says_so() -> None:
    trade = Trade(partner=True)
    refund = trade.refund(trade.sold(), 1000)
    first = trade.reconciled()
    (noted,) = trade.noted(first)
    assert (noted.effect, noted.state) == (-1000, DiscrepancyState.WAITING)
    trade.end(refund, RefundStatus.CLOSED)
    second = trade.reconciled()
    assert (second.frozen, second.unexplained) == (PAID - FEE, 0)
    assert trade.house.reconciling.day.again(trade.end_day()).unexplained == 0
    again = trade.house.reconciling.day.reconcile(type(trade.end_day()).fromisoformat(second.day))
    assert (again.frozen, again.unexplained) == (PAID - FEE, 0)
    (noted,) = trade.noted(first)
    assert (noted.state, noted.gone_on) == (DiscrepancyState.MATCHED, second.day)
