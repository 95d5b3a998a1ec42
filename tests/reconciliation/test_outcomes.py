"""What can come of a line: each way in which two books differ, by how much, and who must look."""

import pytest

from chalicelib.providers.bills import LineState
from chalicelib.providers.refunds import RefundStatus
from chalicelib.reconciliation.model import DiscrepancyState, Outcome
from tests.reconciliation.test_days import counted
from tests.reconciliation.trade import Change, Trade

PAID, FEE = 3998, 15
OPEN, WAITING = DiscrepancyState.OPEN, DiscrepancyState.WAITING


@pytest.mark.parametrize(
    ("change", "outcome", "effect"),
    [
        (lambda _: [], Outcome.MISSING_THERE, -PAID),
        (lambda line: [line._replace(amount=line.amount + 1)], Outcome.AMOUNT, 1),
        (lambda line: [line._replace(amount=line.amount - 1)], Outcome.AMOUNT, -1),
        (lambda line: [line._replace(state=LineState.FAILED)], Outcome.STATE, 0),
        (lambda line: [line._replace(fee=FEE + 1)], Outcome.FEE, 0),
        (lambda line: [line, line._replace(line=9)], Outcome.DUPLICATE, PAID),
    ],
    ids=["missing there", "more", "less", "failed", "another fee", "twice"],
)
def test_a_line_that_differs(change: Change, outcome: Outcome, effect: int) -> None:
    trade = Trade()
    trade.sold()
    trade.change(trade.sold(), change)
    found = trade.reconciled()
    (noted,) = trade.noted(found)
    assert (noted.outcome, noted.effect, noted.state) == (outcome, effect, OPEN)
    assert found.unexplained == 0
    assert found.theirs - found.ours == effect - 2 * FEE
    assert counted(found)["payment", "matched"] == 1


def test_a_payment_of_nobody_is_a_persons() -> None:
    trade = Trade()
    payment = trade.sold()
    name = "pay_of_nobody"
    trade.change(
        payment,
        lambda line: [line, line._replace(line=9, number=name, payment=name, reference="42")],
    )
    (noted,) = trade.noted(trade.reconciled())
    assert (noted.outcome, noted.effect, noted.state) == (Outcome.MISSING_HERE, PAID, OPEN)
    assert noted.number == name


def test_what_was_paid_near_midnight_is_waited_for_one_day() -> None:
    trade = Trade()
    trade.house.clock.move(seconds=7 * 3600)
    trade.change(trade.sold(), lambda _: [])
    first = trade.reconciled()
    (noted,) = trade.noted(first)
    assert (noted.outcome, noted.state) == (Outcome.MISSING_THERE, WAITING)
    trade.reconciled()
    (noted,) = trade.noted(first)
    assert (noted.state, noted.gone_on) == (OPEN, None)


def test_what_was_paid_before_midnight_and_numbered_after_goes_by_itself() -> None:
    trade = Trade()
    trade.house.catch_up()
    payment = trade.sold(heard=False)
    trade.house.provider.failures = [ConnectionError("never asked")]
    day = trade.end_day()
    trade.house.provider.failures = []
    trade.house.capture.capture(trade.house.provider.paid[payment.id])
    first = trade.house.reconciling.day.reconcile(day)
    (noted,) = trade.noted(first)
    assert (noted.outcome, noted.effect, noted.state) == (Outcome.MISSING_HERE, PAID, WAITING)
    assert noted.resolved_by == f"captured/{payment.id}"
    then = trade.reconciled()
    (noted,) = trade.noted(first)
    assert (noted.gone_on, noted.state) == (then.day, DiscrepancyState.MATCHED)
    assert trade.noted(then) == []


def test_a_refund_in_process_is_in_transit_until_it_is_paid() -> None:
    trade = Trade()
    refund = trade.refund(trade.sold(), 1000)
    first = trade.reconciled()
    (noted,) = trade.noted(first)
    assert (noted.outcome, noted.effect, noted.state) == (Outcome.MISSING_HERE, -1000, WAITING)
    assert first.unexplained == 0
    trade.end(refund)
    second = trade.reconciled()
    assert (second.unexplained, second.standing) == (0, ())
    assert second.theirs == second.ours == PAID - 1000 - (FEE - 3)


def test_a_refund_that_was_closed_stands_until_its_money_is_back() -> None:
    trade = Trade()
    refund = trade.refund(trade.sold(), 1000)
    first = trade.reconciled()
    trade.end(refund, RefundStatus.CLOSED)
    trade.reconciled()
    (noted,) = trade.noted(first)
    assert noted.state is DiscrepancyState.MATCHED
    third = trade.reconciled()
    assert third.theirs == third.ours == PAID - FEE


def test_money_that_was_drawn_is_a_persons() -> None:
    trade = Trade()
    trade.sold()
    trade.house.bill_books.drawn(700, note="提现")
    found = trade.reconciled()
    (noted,) = trade.noted(found)
    assert (noted.outcome, noted.effect, noted.state) == (Outcome.MISSING_HERE, -700, OPEN)
    assert (noted.kind, noted.note) == ("other", "提现")


def test_the_first_day_notes_what_the_account_held_before() -> None:
    trade = Trade()
    trade.house.bill_books.drawn(-500)
    trade.end_day()
    trade.sold()
    found = trade.house.reconciling.day.reconcile(trade.end_day())
    (noted,) = trade.noted(found)
    assert (noted.outcome, noted.effect, noted.state) == (Outcome.OPENING, 500, OPEN)
    assert found.unexplained == 0


def test_a_day_without_a_movement_before_any_is_even() -> None:
    trade = Trade()
    trade.house.merchant()
    found = trade.reconciled()
    assert (found.theirs, found.ours, found.bills, found.funnel) == (0, 0, (), ())


def test_an_entry_that_was_parked_beside_a_capture_is_said_twice() -> None:
    trade = Trade()
    payment = trade.sold()
    word = trade.house.provider.paid[payment.id]
    trade.house.capture.capture(word.evolve(amount=word.amount + word.amount))
    found = trade.reconciled()
    (noted,) = trade.noted(found)
    assert (noted.outcome, noted.effect) == (Outcome.DUPLICATE, -2 * PAID)
    assert noted.entry.startswith("parked/")
