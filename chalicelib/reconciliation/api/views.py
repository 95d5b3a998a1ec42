"""What reconciliation's routes take and show."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from chalicelib.edge.texts import Text64, visible
from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger.chart import Side
from chalicelib.providers.bills import BillFile, BillKind
from chalicelib.reconciliation.model import (
    Attempt,
    Discrepancy,
    DiscrepancyState,
    Outcome,
    Reconciliation,
    Resolution,
)
from chalicelib.reconciliation.rules import age_days, document_name
from chalicelib.reconciliation.usecases.report import Report


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("it is no date: YYYY-MM-DD") from None


Remark = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(visible),
]


class RunReconciliation(BaseModel):
    """A business day that is over."""

    model_config = ConfigDict(extra="forbid", strict=True)

    business_date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_day)]


class AssignDiscrepancy(BaseModel):
    """Who looks after it, and what is known; without a remark the old one stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    owner: Text64
    remark: Remark | None = None


class ResolveDiscrepancy(BaseModel):
    """How it is resolved, and why; `nothing` is for what moves no money."""

    model_config = ConfigDict(extra="forbid", strict=True)

    how: Resolution
    remark: Remark


class ListPage(BaseModel):
    """From where on, and how many."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=512)
    limit: int = Field(default=20, ge=1, le=100)


class ShowReport(BaseModel):
    """In which form."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "csv", "html"] = "json"


class AskedView(BaseModel):
    """A run that was asked for: done when `run` is above `after_run`, or refused after `asked_at`.

    Both are shown by `GET /v1/reconciliations/{date}`, the latter as its `last_attempt`.
    """

    business_date: str
    after_run: int
    asked_at: AwareDatetime


class CountView(BaseModel):
    """So many lines of a kind came to this."""

    kind: str
    outcome: Outcome
    lines: int
    amount: Money


class StandingView(BaseModel):
    """What of one outcome stands between the two books; the effect is theirs less ours."""

    outcome: Outcome
    state: DiscrepancyState
    items: int
    effect: Money


class BillView(BaseModel):
    """A bill as it was fetched, and the name under which the documents bucket keeps it."""

    kind: BillKind
    sha1: str = Field(description="Over the uncompressed text, as the provider told it")
    bytes: int
    document: str


class ResultView(BaseModel):
    """A day as one run found it: `theirs` = `own` + `frozen` = `ours` + standing + `unexplained`.

    `own` is what our own account held at the day's end, as the provider says; `frozen` what it kept
    frozen under sellers; `ours` what our books say of both, at the position where the day closed.
    """

    business_date: str
    provider: str
    run: int
    at: AwareDatetime
    position: int
    own: Money
    frozen: Money
    theirs: Money
    ours: Money
    unexplained: Money
    fees: Money = Field(description="What the provider kept of the day, in all")
    funnel: list[CountView]
    standing: list[StandingView]
    bills: list[BillView]

    @classmethod
    def of(cls, found: Reconciliation) -> Self:
        """Show a run's result."""
        return cls(
            business_date=found.day,
            provider=found.provider,
            run=found.run,
            at=found.at,
            position=found.position,
            own=fen(found.own),
            frozen=fen(found.frozen),
            theirs=fen(found.theirs),
            ours=fen(found.ours),
            unexplained=fen(found.unexplained),
            fees=fen(found.fees),
            funnel=[CountView(**dict(one) | {"amount": fen(one.amount)}) for one in found.funnel],
            standing=[
                StandingView(**dict(one) | {"effect": fen(one.effect)}) for one in found.standing
            ],
            bills=[_bill(found.provider, bill) for bill in found.bills],
        )


class AttemptView(BaseModel):
    """How the last attempt went; of a bill that was refused, where it is broken."""

    at: AwareDatetime
    done: bool
    code: str | None
    detail: str | None
    line: int | None
    column: str | None
    facts: dict[str, str]

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Show an attempt."""
        facts = dict(attempt.facts)
        line, column = facts.pop("line", ""), facts.pop("column", None)
        return cls(
            at=attempt.at,
            done=attempt.done,
            code=attempt.code or None,
            detail=attempt.detail or None,
            line=int(line) if line.isascii() and line.isdigit() else None,
            column=column,
            facts=facts,
        )


class DayView(BaseModel):
    """A business day: its last result, if there is one, and how the last attempt at it went."""

    business_date: str
    result: ResultView | None
    last_attempt: AttemptView | None


class RunList(BaseModel):
    """What each run of a day came to, oldest first."""

    items: list[ResultView]
    next: None = None


class DiscrepancyView(BaseModel):
    """Where the two books differ, since when, and what became of it."""

    id: DiscrepancyId
    business_date: str
    age_days: int = Field(description="How long it stands, or stood")
    outcome: Outcome
    kind: str
    state: DiscrepancyState
    effect: Money = Field(description="What it explains of theirs less ours")
    theirs: Money | None
    ours: Money | None
    fee: Money
    number: str | None
    reference: str | None
    payment: str | None
    seller: str | None
    at: str | None
    bill: str | None
    line: int | None
    entry: str | None
    note: str | None
    found_at: AwareDatetime
    owner: str | None
    remark: str | None
    resolved_by: str | None = Field(description="The key of the entry that resolves it")
    signed_by: str | None
    gone_on: str | None

    @classmethod
    def of(cls, one: Discrepancy, today: date) -> Self:
        """Show a discrepancy, as old as it is today."""
        texts = ("number", "reference", "payment", "seller", "at", "bill", "entry", "note")
        said = ("owner", "remark", "resolved_by", "signed_by")
        return cls(
            id=one.id,
            business_date=one.day,
            age_days=age_days(one, today),
            outcome=one.outcome,
            kind=one.kind,
            state=one.state,
            effect=fen(one.effect),
            theirs=fen(one.theirs) if one.theirs is not None else None,
            ours=fen(one.ours) if one.ours is not None else None,
            fee=fen(one.fee),
            line=one.line,
            found_at=one.found_at,
            gone_on=one.gone_on,
            **{name: getattr(one, name) or None for name in (*texts, *said)},
        )


class AccountDayView(BaseModel):
    """An account over a business day, on its own side."""

    account: str
    side: Side
    opening: Money
    debits: Money
    credits: Money
    closing: Money


class ReportView(BaseModel):
    """A day's report; `complete` tells whether all differences are listed here."""

    result: ResultView
    accounts: list[AccountDayView]
    discrepancies: list[DiscrepancyView]
    complete: bool

    @classmethod
    def of(cls, report: Report) -> Self:
        """Show a report."""
        return cls(
            result=ResultView.of(report.found),
            accounts=[AccountDayView(**one._asdict()) for one in report.accounts],
            discrepancies=listed(report.differences, report.today),
            complete=report.complete,
        )


def listed(found: Sequence[Discrepancy], today: date) -> list[DiscrepancyView]:
    """Show some discrepancies."""
    return [DiscrepancyView.of(one, today) for one in found]


def _bill(provider: str, bill: BillFile) -> BillView:
    return BillView(
        kind=bill.kind, sha1=bill.sha1, bytes=bill.bytes, document=document_name(provider, bill)
    )
