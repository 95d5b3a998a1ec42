"""`make reconcile`: what it says, what it exits with, and how it shows how far it is."""

import io
import json
from pathlib import Path

import pytest
from typing_extensions import override

from chalicelib.edge import observe
from chalicelib.providers.bills import BillBrokenError, BillKind, BillLine
from local import reconcile
from local.progress import ProgressBar
from tests.reconciliation.desk import Desk

DATE = "2026-11-24"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(reconcile, "settle_where_it_runs", lambda: "here")
    for name in ("DAY", "JSON", "HTML"):
        monkeypatch.delenv(name, raising=False)
    return Desk(monkeypatch)


def test_a_day_that_agrees(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.sold()
    desk.end_day()
    assert reconcile.main([]) == 0  # yesterday
    printed = capsys.readouterr()
    assert "1  payment       matched" in printed.out
    assert "¥39.83" in printed.out
    assert "payments            1 lines" in printed.err
    assert "\r" not in printed.err


def test_the_result_as_json_and_the_page_in_a_file(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    desk.house.bill_books.drawn(100)
    desk.sold()
    desk.end_day()
    page = tmp_path / "page.html"
    monkeypatch.setenv("DAY", DATE)
    monkeypatch.setenv("HTML", str(page))
    assert reconcile.main(["--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["business_date"], shown["unexplained"]["amount"]) == (DATE, 0)
    assert "1 difference open" in page.read_text()


def counting(lines: list[BillLine]) -> list[BillLine]:
    observe.count("ProviderCall", provider="wechatpay", fate="answered")
    return lines


def test_what_is_counted_meanwhile_is_not_in_the_result(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.sold()
    desk.end_day()
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = counting
    assert reconcile.main(["--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["business_date"] == DATE
    assert "ProviderCall" in printed.err


def broken(_lines: list[BillLine]) -> list[BillLine]:
    raise BillBrokenError("the bill is broken: no amount of yuan", line=7, column="订单金额")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_refused_bill_says_where(
    desk: Desk, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    desk.sold()
    desk.end_day()
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = broken
    assert reconcile.main(["--json"] if as_json else []) == 2
    said = capsys.readouterr().out
    if as_json:
        told = json.loads(said)
        assert (told["code"], told["line"], told["column"]) == ("bill_broken", "7", "订单金额")
    else:
        assert "line 7, column 订单金额" in said


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30"])
def test_what_is_no_day(desk: Desk, monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    monkeypatch.setenv("DAY", day)
    assert reconcile.main([]) == 2


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar_and_a_file_a_line_a_stage() -> None:
    for to, mark in ((Terminal(), "█"), (io.StringIO(), "")):
        progress = ProgressBar(to)
        for stage, lines in (("payments", 10_000), ("payments", 20_001), ("ours", 7)):
            progress.tell(stage, lines)
        progress.end()
        written = to.getvalue()
        assert ("\r" in written) == bool(mark)
        assert mark in written
        if not mark:
            first, last = written.splitlines()
            assert ("20,001 lines" in first, "7 lines" in last) == (True, True)
