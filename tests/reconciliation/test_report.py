"""A day's report: what it sums to, how its sheet is spelled, and that its page runs nothing."""

import csv
import io
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from typing_extensions import override

from chalicelib.providers.bills import BillKind
from chalicelib.reconciliation.api import sheet, words
from chalicelib.reconciliation.api.chart import WIDTH, steps
from chalicelib.reconciliation.model import (
    DiscrepancyState,
    Outcome,
    Reconciliation,
    Resolution,
)
from chalicelib.reconciliation.usecases import report
from tests.reconciliation.desk import Desk

REPORT, DATE = "/v1/reconciliations/{business_date}/report", "2026-11-24"
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def sheet_of(desk: Desk, day: str = DATE) -> list[dict[str, str]]:
    reply = desk.get(REPORT, {"format": "csv"}, business_date=day)
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(reply.body, newline="")))


def page_of(desk: Desk, day: str = DATE) -> str:
    reply = desk.get(REPORT, {"format": "html"}, business_date=day)
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    return str(reply.body)


class Tags(HTMLParser):
    """Sees which elements a page has, with their attributes, and its texts."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def differing(desk: Desk) -> Reconciliation:
    """End a day on which one notification got lost and somebody drew money."""
    desk.sold()
    desk.sold(heard=False, price=500)
    desk.house.bill_books.drawn(2_500, "=cmd|' /C calc'!A1")
    return desk.reconciled()


def test_the_report_sums_up(desk: Desk) -> None:
    found = differing(desk)
    shown = desk.get(REPORT, business_date=DATE).body
    accounts = {one["account"]: one for one in shown["accounts"]}
    clearing = accounts["provider:wechatpay:clearing"]
    assert clearing["closing"]["amount"] == clearing["debits"]["amount"] == found.ours == 3998
    assert accounts["provider:wechatpay:fees"]["closing"]["amount"] == 0  # booked after the close
    effects = sum(one["effect"]["amount"] for one in shown["discrepancies"])
    assert found.theirs - found.ours == effects == 1000 - 2500 - found.fees
    assert shown["complete"]
    desk.end_day()
    then = desk.house.reconciling.day.reconcile(desk.house.reconciling.day.missed()[0])
    later = desk.get(REPORT, business_date=then.day).body
    accounts = {one["account"]: one for one in later["accounts"]}
    assert accounts["provider:wechatpay:clearing"]["opening"]["amount"] == 3998
    assert accounts["provider:wechatpay:fees"]["closing"]["amount"] == found.fees
    assert [one["business_date"] for one in later["discrepancies"]] == [DATE]  # it still stands


def test_the_sheet_is_exact(desk: Desk) -> None:
    found = differing(desk)
    rows = sheet_of(desk)
    assert set(rows[0]) == set(sheet.COLUMNS)

    def of(record: str) -> list[dict[str, str]]:
        return [row for row in rows if row["record"] == record]

    totals = {row["name"]: int(row["closing_fen"]) for row in of("total")}
    assert totals == {
        "own": found.own,
        "frozen": 0,
        "theirs": found.theirs,
        "ours": 3998,
        "unexplained": 0,
        "fees": found.fees,
    }
    assert len(of("account")) == 6
    assert [
        (row["kind"], row["outcome"], row["items"], row["theirs_fen"]) for row in of("funnel")
    ] == [
        ("other", "missing_here", "1", "-2500"),
        ("payment", "matched", "1", "3998"),
        ("payment", "missing_here", "1", "1000"),
    ]
    differences = {row["kind"]: row for row in of("discrepancy")}
    assert differences["payment"]["resolved_by"].startswith("captured/pay_")
    assert differences["other"]["effect_fen"] == "-2500"
    assert sum(int(row["effect_fen"]) for row in of("discrepancy")) == found.theirs - found.ours
    assert sum(int(row["effect_fen"]) for row in of("standing")) == found.theirs - found.ours
    assert {row["age_days"] for row in of("discrepancy")} == {"1"}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", '=a,b\n"c']
)
def test_no_cell_of_the_sheet_is_a_formula(desk: Desk, text: str) -> None:
    desk.house.bill_books.drawn(2_500, text)
    desk.sold()
    desk.reconciled()
    notes = [row["note"] for row in sheet_of(desk) if row["kind"] == "other" and row["note"]]
    assert notes == [f"'{text}"]


def test_the_page_is_for_reading_and_runs_nothing(desk: Desk) -> None:
    desk.house.bill_books.drawn(2_500, EVIL)
    desk.sold()
    desk.reconciled()
    found = desk.one(DATE, Outcome.MISSING_HERE)
    desk.house.reconciling.settle.assign(found.id, EVIL, EVIL)
    page = page_of(desk)
    tags = Tags(page)
    assert tags.open == []
    assert not {tag for tag, _ in tags.seen} & {"script", "img", "link", "iframe", "form", "a"}
    names = {name for _, attributes in tags.seen for name in attributes}
    assert not names & {"src", "href", "style", "srcset"}
    assert not {name for name in names if name.startswith("on")}
    assert "url(" not in page
    assert "http" not in page
    assert tags.texts.count(EVIL) == 3
    assert "−¥25.00" in page
    assert "对账" in page


@pytest.mark.parametrize(
    ("draw", "unheard", "said"),
    [
        (False, False, "All that stands between the books is explained"),
        (True, False, "Nothing is unexplained; 1 difference open"),
        (True, True, "Nothing is unexplained; 1 difference open"),
    ],
)
def test_the_page_begins_with_how_the_day_went(
    desk: Desk, said: str, *, draw: bool, unheard: bool
) -> None:
    desk.sold(heard=not unheard)
    if draw:
        desk.house.bill_books.drawn(100)
    desk.reconciled()
    assert said in page_of(desk)


def test_a_day_that_agrees_and_one_that_nobody_can_explain_say_so(desk: Desk) -> None:
    desk.house.bill_books.fee_basis_points = 0
    desk.sold()
    agreed = desk.reconciled()
    assert "The books agree, to the fen" in page_of(desk)
    assert [step.label for step in steps(agreed)] == [
        "our clearing 我方待清算",
        "the provider's closing 渠道期末",
    ]
    desk.house.bills.changed[BillKind.PAYMENTS, "2026-11-25"] = lambda lines: [
        line._replace(amount=line.amount - 7) for line in lines
    ]
    desk.sold()
    then = desk.reconciled()
    assert then.unexplained == 7
    assert "¥0.07 is unexplained" in page_of(desk, then.day)


def test_the_steps_lead_from_our_books_to_theirs(desk: Desk) -> None:
    for found in (differing(desk), differing(desk)):
        way = steps(found)
        assert (way[0].end, way[-1].end) == (found.ours, found.theirs)
        for before, after in pairwise(way[:-1]):
            assert before.end == after.begin
        assert way[-2].end == found.theirs
        page = page_of(desk, found.day)
        ends = [
            int(x) + int(width) for x, width in re.findall(r'x="(\d+)"[^>]*width="(\d+)"', page)
        ]
        assert ends
        assert max(ends) <= WIDTH


def test_every_word_on_the_page_is_known() -> None:
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.STATES) == set(DiscrepancyState)


def test_what_is_too_much_for_a_page_is_said_to_be(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "LISTED_MAX", 2)
    differing(desk)
    assert not desk.get(REPORT, business_date=DATE).body["complete"]
    assert [row["record"] for row in sheet_of(desk)][-3:] == ["discrepancy"] * 2 + ["unlisted"]
    assert "More are in GET /v1/discrepancies" in page_of(desk)


def test_a_form_that_there_is_not_is_refused(desk: Desk) -> None:
    assert desk.get(REPORT, {"format": "pdf"}, business_date=DATE).status == 400


def test_what_differed_and_moves_no_money_is_on_its_days_page(desk: Desk) -> None:
    desk.sold()
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = lambda lines: [
        line._replace(fee=line.fee + 1) for line in lines
    ]
    desk.reconciled()
    found = desk.one(DATE, Outcome.FEE)
    desk.house.reconciling.settle.settle(found.id, Resolution.NOTHING, "a trial rate")
    assert "a trial rate" in page_of(desk)
    assert "gone on 2026-11-24" in page_of(desk)
