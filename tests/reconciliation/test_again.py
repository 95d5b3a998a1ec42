"""Days run again, in order or not, with bills that were corrected, broken or not there yet."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.kernel.errors import PlatformError
from chalicelib.ledger.days import DayNotClosedError
from chalicelib.providers.bills import BillBrokenError, BillKind, BillLine, BillNotReadyError
from chalicelib.reconciliation.model import (
    Outcome,
    ReconciliationOutOfOrderError,
    TooManyDiscrepanciesError,
)
from chalicelib.reconciliation.usecases import compare
from tests.reconciliation.trade import Trade


def test_a_day_run_again_is_the_same_day() -> None:
    trade = Trade()
    trade.sold()
    trade.sold(heard=False)
    trade.refund(trade.sold(), 500)
    day = trade.end_day()
    run = trade.house.reconciling.day.reconcile
    first, noted = run(day), trade.noted(run(day))
    entries = len(trade.house.entries())
    again = run(day)
    assert trade.noted(again) == noted
    same = {"run": 1, "at": first.at, "fees_booked": 1, "standing": first.standing}
    assert again.evolve(**same) == first
    assert again.run == 3
    assert len(trade.house.entries()) == entries
    assert [one.run for one in trade.house.reconciling.read.runs(again.day)] == [1, 2, 3]


def test_a_corrected_bill_supersedes_and_leaves_the_history() -> None:
    trade = Trade()
    trade.change(trade.sold(), lambda _: [])
    day = trade.end_day()
    first = trade.house.reconciling.day.reconcile(day)
    (missing,) = trade.noted(first)
    assert missing.outcome is Outcome.MISSING_THERE
    trade.house.bills.changed.clear()
    again = trade.house.reconciling.day.again(day)
    (gone,) = trade.noted(again)
    assert (gone.id, gone.gone_on) == (missing.id, again.day)
    assert again.unexplained == 0
    read = trade.house.reconciling.read
    assert read.result(again.day) == again
    assert read.runs(again.day) == [first, again]
    assert first.bills != again.bills


def test_what_is_corrected_away_and_back_stands_again() -> None:
    trade = Trade()
    payment = trade.sold()
    day, run = trade.end_day(), trade.house.reconciling.day.reconcile
    for lines, stands in ((0, 1), (1, 0), (0, 1)):
        trade.change(payment, lambda line, lines=lines: [line][:lines], day=day.isoformat())  # type: ignore[misc]
        found = run(day)
        assert found.unexplained == 0
        assert sum(one.gone_on is None for one in trade.noted(found)) == stands


def test_more_of_a_fee_is_booked_by_an_entry_of_its_own() -> None:
    trade = Trade()
    trade.sold()
    day, run = trade.end_day(), trade.house.reconciling.day.reconcile
    first = run(day)

    def dearer(told: list[BillLine]) -> list[BillLine]:
        return [line._replace(amount=line.amount + 5 * (line.kind == "fee")) for line in told]

    trade.house.bills.changed[BillKind.FLOWS, first.day] = dearer
    again = run(day)
    assert (first.fees, again.fees, again.fees_booked, again.unexplained) == (15, 20, 2, 0)
    keys = {one.key for one in trade.house.entries() if one.kind == "provider_fees"}
    assert keys == {f"provider_fees/wechatpay/{first.day}/{number}" for number in (1, 2)}


def test_days_are_reconciled_in_their_order() -> None:
    trade = Trade()
    trade.sold()
    first, second, third = trade.end_day(), trade.end_day(), trade.end_day()
    run = trade.house.reconciling.day.reconcile
    run(first)
    with pytest.raises(ReconciliationOutOfOrderError):
        run(third)
    run(second)
    run(third)
    run(first)


def test_a_day_that_is_not_over_is_refused() -> None:
    trade = Trade()
    trade.sold()
    day = trade.end_day() + timedelta(days=1)
    with pytest.raises(DayNotClosedError):
        trade.house.reconciling.day.reconcile(day)


def test_what_was_missed_is_found_however_long_ago() -> None:
    trade = Trade()
    trade.sold()
    first = trade.end_day()
    day = trade.house.reconciling.day
    assert day.missed() == [first]
    day.reconcile(first)
    assert day.missed() == []
    for _ in range(40):
        trade.end_day()
    missed = day.missed()
    assert missed == [first + timedelta(days=number) for number in range(1, 41)]
    for one in missed:
        assert day.reconcile(one).unexplained == 0


def _broken(_: list[BillLine]) -> list[BillLine]:
    raise BillBrokenError("a cell too many", line=7, column=3)


def _not_ready(_: list[BillLine]) -> list[BillLine]:
    raise BillNotReadyError("still being made")


@pytest.mark.parametrize(
    ("plant", "facts"), [(_broken, {"line": "7", "column": "3"}), (_not_ready, {})]
)
def test_a_bill_that_is_refused_leaves_all_as_it_was(
    plant: Callable[[list[BillLine]], list[BillLine]], facts: dict[str, str]
) -> None:
    trade = Trade()
    trade.sold()
    yesterday = trade.reconciled()
    trade.sold(heard=False)
    day, run = trade.end_day(), trade.house.reconciling.day.reconcile
    trade.house.bills.changed[BillKind.PAYMENTS, day.isoformat()] = plant
    read = trade.house.reconciling.read
    with pytest.raises(PlatformError) as refused:
        run(day)
    assert [row.kind for row in trade.house.rows()] == ["reconciliation.refused"]
    assert read.result(yesterday.day) == yesterday
    found, attempt = read.day(day.isoformat())
    assert found is None
    assert attempt is not None
    assert (attempt.done, attempt.code, dict(attempt.facts)) == (False, refused.value.code, facts)
    trade.house.bills.changed.clear()
    today = run(day)
    trade.house.bills.changed[BillKind.REFUNDS, day.isoformat()] = plant
    with pytest.raises(PlatformError):
        run(day)
    assert read.day(day.isoformat()).found == today


def test_so_much_that_differs_is_refused_with_nothing_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compare, "FOUND_MAX", 2)
    trade = Trade()
    for _ in range(3):
        trade.sold(heard=False)
    day = trade.end_day()
    with pytest.raises(TooManyDiscrepanciesError):
        trade.house.reconciling.day.reconcile(day)
    assert [row.kind for row in trade.house.rows()] == ["reconciliation.refused"]
    assert trade.house.reconciling.read.standing(after=None, limit=9) == ([], None)
    monkeypatch.setattr(compare, "FOUND_MAX", 3)
    assert trade.house.reconciling.day.reconcile(day).unexplained == 0
