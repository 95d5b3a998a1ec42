"""What people do about differences: nothing is edited away, and nothing is done twice."""

from datetime import date

import pytest

from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.reconciliation.model import (
    Discrepancy,
    DiscrepancyNotFoundError,
    DiscrepancyNotOpenError,
    DiscrepancyState,
    Outcome,
    Reconciliation,
    Resolution,
)
from tests.reconciliation.trade import Trade

DRAWN = 700


def _drawn() -> tuple[Trade, Reconciliation, Discrepancy]:
    trade = Trade()
    trade.sold()
    trade.house.bill_books.drawn(DRAWN)
    found = trade.reconciled()
    (noted,) = trade.noted(found)
    return trade, found, noted


def _balance(trade: Trade, account: str) -> int:
    return sum(
        posting.amount.amount if posting.side == "debit" else -posting.amount.amount
        for entry in trade.house.entries()
        if entry.kind == "discrepancy_settled"
        for posting in entry.postings
        if posting.account == account
    )


@pytest.mark.parametrize(
    ("how", "account"),
    [(Resolution.BANK, "bank"), (Resolution.SUSPENSE, "platform:suspense")],
)
def test_a_difference_is_resolved_by_an_entry(how: Resolution, account: str) -> None:
    trade, found, noted = _drawn()
    settle = trade.house.reconciling.settle.settle
    resolved = settle(noted.id, how, "提现到银行")
    assert resolved.state is DiscrepancyState.RESOLVED
    assert resolved.resolved_by == f"discrepancy_settled/{noted.id}"
    assert settle(noted.id, how, "提现到银行") == resolved.evolve(version=2)
    assert _balance(trade, account) == DRAWN
    assert _balance(trade, "provider:wechatpay:clearing") == -DRAWN
    # It stands until the day of its entry is compared.
    assert found.theirs - found.ours == -DRAWN - found.fees
    then = trade.reconciled()
    assert (then.unexplained, then.standing) == (0, ())
    assert then.theirs == then.ours
    again = trade.house.reconciling.day.reconcile(date.fromisoformat(then.day))
    assert (again.unexplained, again.standing) == (0, ())


def test_what_moves_no_money_is_resolved_by_a_remark() -> None:
    trade = Trade()
    trade.change(trade.sold(), lambda line: [line._replace(fee=line.fee + 1)])
    found = trade.reconciled()
    (noted,) = trade.noted(found)
    assert noted.outcome is Outcome.FEE
    resolved = trade.house.reconciling.settle.settle(noted.id, Resolution.NOTHING, "活动费率")
    assert (resolved.state, resolved.gone_on) == (DiscrepancyState.RESOLVED, found.day)
    standing, _ = trade.house.reconciling.read.standing(after=None, limit=9)
    assert {one.outcome for one in standing} == {Outcome.FEES}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (Resolution.BANK, (Resolution.BANK, "另一种说法")),
        (Resolution.BANK, (Resolution.SUSPENSE, "说明")),
        (None, (Resolution.NOTHING, "说明")),
    ],
    ids=["with other words", "in another way", "money by a remark"],
)
def test_what_is_resolved_stays(first: Resolution | None, then: tuple[Resolution, str]) -> None:
    trade, _, noted = _drawn()
    settle = trade.house.reconciling.settle.settle
    if first is not None:
        settle(noted.id, first, "说明")
    entries = len(trade.house.entries())
    with pytest.raises(DiscrepancyNotOpenError):
        settle(noted.id, *then)
    assert len(trade.house.entries()) == entries


def test_a_difference_has_an_owner_and_the_last_word_counts() -> None:
    trade, found, noted = _drawn()
    assign = trade.house.reconciling.settle.assign
    assign(noted.id, "op_lin", "在查")
    rows = len(trade.house.rows())
    assign(noted.id, "op_lin", "在查")
    assert len(trade.house.rows()) == rows
    assign(noted.id, "op_wu", "等回单")
    (now,) = trade.noted(found)
    assert (now.owner, now.remark, now.state) == ("op_wu", "等回单", DiscrepancyState.OPEN)
    trade.house.reconciling.day.reconcile(date.fromisoformat(found.day))
    (now,) = trade.noted(found)
    assert now.owner == "op_wu"


def test_a_difference_that_is_not_there_is_refused() -> None:
    hands = Trade().house.reconciling.settle
    nobody = DiscrepancyId.derive("nobody")
    with pytest.raises(DiscrepancyNotFoundError):
        hands.assign(nobody, "op_lin", "")
    with pytest.raises(DiscrepancyNotFoundError):
        hands.settle(nobody, Resolution.BANK, "")


def test_what_turned_up_by_itself_after_a_hand_is_a_persons_again() -> None:
    trade = Trade()
    payment = trade.sold()
    trade.change(payment, lambda _: [])
    first = trade.reconciled()
    (noted,) = trade.noted(first)
    trade.house.reconciling.settle.settle(noted.id, Resolution.SUSPENSE, "账单里没有")
    trade.reconciled()
    trade.house.bills.changed.clear()
    trade.house.reconciling.day.again(date.fromisoformat(first.day))
    standing, _ = trade.house.reconciling.read.standing(after=None, limit=9)
    (left,) = standing
    assert left.effect == noted.effect * -1
    assert left.state is DiscrepancyState.OPEN
    days, _ = trade.house.reconciling.read.days(after=None, limit=9)
    assert [day.unexplained for day in days] == [0, 0]
