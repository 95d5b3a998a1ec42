"""What was done before a bill was corrected: nothing of it is lost, and nothing is done twice."""

from collections.abc import Callable
from datetime import date

import pytest

from chalicelib.providers.bills import BillKind, BillLine, LineKind
from chalicelib.reconciliation.model import (
    Discrepancy,
    DiscrepancyNotOpenError,
    DiscrepancyState,
    Outcome,
    Reconciliation,
    ReconciliationUnsettledError,
    Resolution,
)
from tests.reconciliation.trade import Trade

DRAWN = 700
Told = list[BillLine]


def _settled() -> tuple[Trade, Reconciliation, Discrepancy]:
    """Let money be drawn, and a hand resolve that against the bank."""
    trade = Trade()
    trade.sold()
    trade.house.bill_books.drawn(DRAWN)
    found = trade.reconciled()
    (noted,) = trade.noted(found)
    trade.house.reconciling.settle.settle(noted.id, Resolution.BANK, "提现到银行")
    return trade, found, noted


def _corrected(
    trade: Trade, day: str, change: Callable[[Told], Told], kind: BillKind = BillKind.FLOWS
) -> Reconciliation:
    trade.house.bills.changed[kind, day] = change
    return trade.house.reconciling.day.again(date.fromisoformat(day))


def _drawn(more: int) -> Callable[[Told], Told]:
    def told(lines: Told) -> Told:
        other = LineKind.OTHER
        return [one._replace(amount=one.amount - more * (one.kind is other)) for one in lines]

    return told


def _standing(trade: Trade) -> list[Discrepancy]:
    return list(trade.house.reconciling.read.standing(after=None, limit=9)[0])


def test_what_went_stays_gone_when_only_its_place_in_the_bill_moved() -> None:
    trade = Trade()
    payment = trade.sold(heard=False)
    day = trade.end_day()
    word = trade.house.provider.query(payment.id, seller=None).collected
    assert word is not None
    trade.house.capture.capture(word)
    first = trade.house.reconciling.day.reconcile(day)
    second = trade.reconciled()
    (noted,) = trade.noted(first)
    assert (noted.state, noted.gone_on) == (DiscrepancyState.MATCHED, second.day)
    _corrected(
        trade,
        first.day,
        lambda told: [line._replace(line=line.line + 1) for line in told],
        BillKind.PAYMENTS,
    )
    (again,) = trade.noted(first)
    assert (again.line, again.state) == (3, DiscrepancyState.MATCHED)
    with pytest.raises(DiscrepancyNotOpenError):
        trade.house.reconciling.settle.settle(again.id, Resolution.SUSPENSE, "说明")


def test_a_remark_that_no_money_moved_does_not_hold_once_some_did() -> None:
    trade = Trade()
    payment = trade.sold()
    trade.change(payment, lambda line: [line._replace(fee=line.fee + 1)])
    found = trade.reconciled()
    (noted,) = trade.noted(found)
    settle = trade.house.reconciling.settle.settle
    settle(noted.id, Resolution.NOTHING, "活动费率")
    trade.change(payment, lambda line: [line._replace(amount=line.amount - 100)], day=found.day)
    again = trade.house.reconciling.day.again(date.fromisoformat(found.day))
    (noted,) = trade.noted(again)
    assert (noted.outcome, noted.effect, noted.gone_on) == (Outcome.AMOUNT, -100, None)
    assert (noted.state, noted.resolution) == (DiscrepancyState.OPEN, None)
    assert again.unexplained == 0
    assert settle(noted.id, Resolution.SUSPENSE, "活动费率").resolved_by
    then = trade.reconciled()
    assert (then.theirs, then.standing) == (then.ours, ())


def test_a_hand_books_what_a_corrected_bill_says_more() -> None:
    trade, found, noted = _settled()
    again = _corrected(trade, found.day, _drawn(50))
    assert again.unexplained == 0
    effects = {one.effect: one.state for one in trade.noted(again)}
    assert effects == {-DRAWN: DiscrepancyState.RESOLVED, -50: DiscrepancyState.OPEN}
    (rest,) = [one for one in trade.noted(again) if one.id != noted.id]
    trade.house.reconciling.settle.settle(rest.id, Resolution.BANK, "提现到银行")
    assert _corrected(trade, found.day, _drawn(50)).unexplained == 0
    then = trade.reconciled()
    assert (then.theirs, then.standing, then.unexplained) == (then.ours, (), 0)


def test_a_correction_that_is_taken_back_leaves_what_the_hand_resolved() -> None:
    trade, found, noted = _settled()
    _corrected(trade, found.day, _drawn(50))
    again = _corrected(trade, found.day, _drawn(0))
    (left,) = [one for one in trade.noted(again) if one.gone_on is None]
    assert (left.id, left.effect) == (noted.id, -DRAWN)
    then = trade.reconciled()
    assert (then.theirs, then.standing, then.unexplained) == (then.ours, (), 0)


def test_what_a_hand_resolved_is_corrected_away_and_back() -> None:
    trade, found, _ = _settled()
    trade.reconciled()
    without = _corrected(
        trade, found.day, lambda told: [one for one in told if one.kind is not LineKind.OTHER]
    )
    assert without.unexplained == 0
    assert [one.effect for one in _standing(trade)] == [DRAWN]
    _corrected(trade, found.day, _drawn(0))
    assert _standing(trade) == []
    days, _ = trade.house.reconciling.read.days(after=None, limit=9)
    assert [day.unexplained for day in days] == [0, 0]


def test_a_movements_bill_without_a_row_says_nothing_of_what_the_account_held() -> None:
    trade = Trade()
    trade.sold()
    first = trade.reconciled()
    day = trade.end_day()
    trade.house.bills.empty.add((BillKind.FLOWS, day.isoformat()))
    found = trade.house.reconciling.day.reconcile(day)
    assert (found.own, trade.noted(found)) == (first.own, [])


def test_a_day_that_was_built_on_another_result_than_stands_is_refused() -> None:
    trade = Trade(partner=True)
    trade.change(trade.sold(), lambda _: [])
    first = trade.reconciled()
    trade.sold()
    day, run = trade.end_day(), trade.house.reconciling.day

    def meanwhile(told: Told) -> Told:
        trade.house.bills.changed.clear()
        run.again(date.fromisoformat(first.day))
        return told

    trade.house.bills.changed[BillKind.PAYMENTS, day.isoformat()] = meanwhile
    with pytest.raises(ReconciliationUnsettledError):
        run.reconcile(day)
    run.reconcile(day)
    days, _ = trade.house.reconciling.read.days(after=None, limit=9)
    assert [day.unexplained for day in days] == [0, 0]
