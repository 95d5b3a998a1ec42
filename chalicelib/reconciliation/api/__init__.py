"""Reconciliation, over HTTP."""

import re
from datetime import date

from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Answer, Api, Call
from chalicelib.edge.limits import RUN
from chalicelib.edge.pages import InvalidCursorError, Page, next_cursor, place_in
from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.ledger.days import DayNotClosedError, business_day
from chalicelib.reconciliation import wiring
from chalicelib.reconciliation.api.page import page_of
from chalicelib.reconciliation.api.sheet import csv_of
from chalicelib.reconciliation.api.views import (
    AskedView,
    AssignDiscrepancy,
    AttemptView,
    DayView,
    DiscrepancyView,
    ListPage,
    ReportView,
    ResolveDiscrepancy,
    ResultView,
    RunList,
    RunReconciliation,
    ShowReport,
    listed,
)
from chalicelib.reconciliation.model import (
    DiscrepancyNotFoundError,
    DiscrepancyNotOpenError,
    ReconciliationNotFoundError,
    ReconciliationOutOfOrderError,
    ReconciliationUnsettledError,
)

api = Api(__name__, authenticator=wiring.authenticator)

_DAYS = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ON_DAY = re.compile(r"dcr_[0-9A-Z]{26}")
_STANDING = re.compile(r"\d{4}-\d\d-\d\d/dcr_[0-9A-Z]{26}", re.ASCII)
_NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@api.post(
    "/v1/reconciliations",
    scopes=[Scope.OPERATOR],
    body=RunReconciliation,
    answer=AskedView,
    status=202,
    idempotent=True,
    limit=RUN,
    refusals=[DayNotClosedError, ReconciliationOutOfOrderError],
)
def run_reconciliation(_call: Call, body: RunReconciliation) -> Answer:
    """Reconcile a closed business day, or do it again; it takes minutes, and supersedes."""
    asked = wiring.request_run().request(date.fromisoformat(body.business_date))
    view = AskedView(business_date=asked.day, after_run=asked.after_run, asked_at=asked.at)
    return Answer(view, status=202, headers={"Location": f"/v1/reconciliations/{asked.day}"})


@api.get(
    "/v1/reconciliations",
    scopes=[Scope.OPERATOR],
    query=ListPage,
    answer=Page[ResultView],
    refusals=[InvalidCursorError],
)
def list_reconciliations(_call: Call, query: ListPage) -> Page[ResultView]:
    """List the business days that were reconciled, newest first."""
    name = "reconciliations"
    after = place_in(name, query.cursor, _DAYS)
    found, ended = wiring.read_reconciliations().days(after=after, limit=query.limit)
    items = [ResultView.of(one) for one in found]
    return Page[ResultView](items=items, next=next_cursor(name, ended))


@api.get(
    "/v1/reconciliations/{business_date}",
    scopes=[Scope.OPERATOR],
    answer=DayView,
    refusals=[ReconciliationNotFoundError],
)
def get_reconciliation(_call: Call, business_date: str) -> DayView:
    """Show what came of a business day, and of the last attempt at it."""
    day = _day(business_date)
    found, attempt = wiring.read_reconciliations().day(day)
    return DayView(
        business_date=day,
        result=ResultView.of(found) if found else None,
        last_attempt=AttemptView.of(attempt) if attempt else None,
    )


@api.get(
    "/v1/reconciliations/{business_date}/runs",
    scopes=[Scope.OPERATOR],
    answer=RunList,
    refusals=[ReconciliationNotFoundError],
)
def list_runs(_call: Call, business_date: str) -> RunList:
    """List what each run of a business day came to, oldest first."""
    day, reading = _day(business_date), wiring.read_reconciliations()
    reading.day(day)
    return RunList(items=[ResultView.of(one) for one in reading.runs(day)])


@api.get(
    "/v1/reconciliations/{business_date}/discrepancies",
    scopes=[Scope.OPERATOR],
    query=ListPage,
    answer=Page[DiscrepancyView],
    refusals=[ReconciliationNotFoundError, InvalidCursorError],
)
def list_days_discrepancies(
    _call: Call, business_date: str, query: ListPage
) -> Page[DiscrepancyView]:
    """List what a business day's bills showed."""
    day, reading = _day(business_date), wiring.read_reconciliations()
    name = f"discrepancies on {day}"
    after = place_in(name, query.cursor, _ON_DAY)
    reading.day(day)
    found, ended = reading.on(day, after=after, limit=query.limit)
    return Page[DiscrepancyView](items=listed(found, _today()), next=next_cursor(name, ended))


@api.get(
    "/v1/reconciliations/{business_date}/report",
    scopes=[Scope.OPERATOR],
    query=ShowReport,
    answer=ReportView,
    media=["text/csv", "text/html"],
    refusals=[ReconciliationNotFoundError],
)
def get_report(_call: Call, business_date: str, query: ShowReport) -> ReportView | Answer:
    """Show a business day's report: accounts, lines, differences; as JSON, CSV, or a page."""
    report = wiring.report_day().report(_day(business_date))
    if query.format == "csv":
        headers = {"Content-Type": "text/csv; charset=utf-8"}
        return Answer(csv_of(report), status=200, headers=headers)
    if query.format == "html":
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": _NO_SCRIPTS,
        }
        return Answer(page_of(report), status=200, headers=headers)
    return ReportView.of(report)


@api.get(
    "/v1/discrepancies",
    scopes=[Scope.OPERATOR],
    query=ListPage,
    answer=Page[DiscrepancyView],
    refusals=[InvalidCursorError],
)
def list_discrepancies(_call: Call, query: ListPage) -> Page[DiscrepancyView]:
    """List what stands between the two books, the oldest first."""
    name = "what stands"
    after = place_in(name, query.cursor, _STANDING)
    found, ended = wiring.read_reconciliations().standing(after=after, limit=query.limit)
    return Page[DiscrepancyView](items=listed(found, _today()), next=next_cursor(name, ended))


@api.get(
    "/v1/discrepancies/{discrepancy_id}",
    scopes=[Scope.OPERATOR],
    answer=DiscrepancyView,
    refusals=[DiscrepancyNotFoundError],
)
def get_discrepancy(_call: Call, discrepancy_id: str) -> DiscrepancyView:
    """Show a discrepancy."""
    found = wiring.read_reconciliations().discrepancy(DiscrepancyId.parse(discrepancy_id))
    return DiscrepancyView.of(found, _today())


@api.post(
    "/v1/discrepancies/{discrepancy_id}/owner",
    scopes=[Scope.OPERATOR],
    body=AssignDiscrepancy,
    answer=DiscrepancyView,
    idempotent=True,
    refusals=[DiscrepancyNotFoundError, ReconciliationUnsettledError],
)
def assign_discrepancy(
    _call: Call, discrepancy_id: str, body: AssignDiscrepancy
) -> DiscrepancyView:
    """Say who looks after a discrepancy, and what is known of it; the last word counts."""
    asked = DiscrepancyId.parse(discrepancy_id)
    found = wiring.settle_discrepancy().assign(asked, body.owner, body.remark)
    return DiscrepancyView.of(found, _today())


@api.post(
    "/v1/discrepancies/{discrepancy_id}/resolution",
    scopes=[Scope.OPERATOR],
    body=ResolveDiscrepancy,
    answer=DiscrepancyView,
    idempotent=True,
    refusals=[DiscrepancyNotFoundError, DiscrepancyNotOpenError, ReconciliationUnsettledError],
)
def resolve_discrepancy(
    call: Call, discrepancy_id: str, body: ResolveDiscrepancy
) -> DiscrepancyView:
    """Resolve a discrepancy by one entry, against the bank or the suspense; or by a remark."""
    asked = DiscrepancyId.parse(discrepancy_id)
    found = wiring.settle_discrepancy().settle(asked, body.how, body.remark, by=call.caller.subject)
    return DiscrepancyView.of(found, _today())


def _day(text: str) -> str:
    """Return a day as it is spelled; what is no day was not reconciled."""
    try:
        if _DAYS.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise ReconciliationNotFoundError("there is no such day", day=text[:16])


def _today() -> date:
    return business_day(wiring.clock().now())
