"""A run killed after any of its commits, then a hand, then a corrected bill: all comes even."""

import pytest

from chalicelib.reconciliation.model import DiscrepancyState, Resolution
from chalicelib.storage.commit import Commits, Effort, Work
from tests.reconciliation.trade import Trade

COMMITS = 8
"""How many a run of this day makes."""


class KilledError(BaseException):
    """Nobody catches it."""


def _resolved(trade: Trade, *states: DiscrepancyState) -> None:
    """Let a hand resolve all that stands in these states."""
    standing, _ = trade.house.reconciling.read.standing(after=None, limit=99)
    for one in standing:
        if one.state in states and one.effect:
            trade.house.reconciling.settle.settle(one.id, Resolution.SUSPENSE, "说明")


@pytest.mark.parametrize("corrected", [False, True], ids=["the same bill", "a corrected bill"])
@pytest.mark.parametrize("by_hand", [False, True], ids=["alone", "a hand between"])
@pytest.mark.parametrize("number", range(1, COMMITS + 1))
def test_a_killed_run_loses_nothing_and_books_nothing_twice(
    *, number: int, by_hand: bool, corrected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade, done = Trade(), list[int]()
    trade.sold(heard=False)
    trade.change(trade.sold(), lambda line: [line._replace(amount=line.amount - 7), line])
    refund = trade.refund(trade.sold(), 500)
    trade.house.bill_books.drawn(700)
    day, run, commit = trade.end_day(), trade.house.reconciling.day, vars(Commits)["_commit"]

    def killed(self: Commits, work: Work, deadline: float, effort: Effort) -> None:
        commit(self, work, deadline, effort)
        done.append(1)
        if len(done) == number:
            raise KilledError

    with monkeypatch.context() as until_killed:
        until_killed.setattr(Commits, "_commit", killed)
        with pytest.raises(KilledError):
            run.reconcile(day)
    if by_hand:
        _resolved(trade, DiscrepancyState.OPEN, DiscrepancyState.WAITING)
    if corrected:
        trade.house.bills.changed.clear()
    assert run.again(day).unexplained == 0
    trade.end(refund)
    for _ in range(6):
        found = trade.reconciled()
        assert found.unexplained == 0
        _resolved(trade, DiscrepancyState.OPEN)
    assert (found.theirs, found.standing) == (found.ours, ())
