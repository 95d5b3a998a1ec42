"""The report for operators."""

from pydantic import AwareDatetime, BaseModel, Field

from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.limits import REPORT
from chalicelib.health import wiring
from chalicelib.health.model import CheckName, State

api = Api(__name__, authenticator=wiring.authenticator)


class CheckView(BaseModel):
    """A check, and what to do about it; `figure` is null when its source gave no answer."""

    name: CheckName
    state: State
    figure: int | None
    unit: str
    says: str
    since: AwareDatetime | None
    about: list[str] = Field(description="Ids of up to five of what is meant")
    advice: str
    run_book: str


class ReportView(BaseModel):
    """Every check, the worst first; it stands as the worst does."""

    state: State
    at: AwareDatetime
    checks: list[CheckView]


@api.get("/v1/health/report", scopes=[Scope.OPERATOR], answer=ReportView, limit=REPORT)
def get_report(_call: Call) -> ReportView:
    """Report what is stuck, since when, and what to do about it."""
    report = wiring.examine().examine()
    return ReportView.model_validate(report.model_dump())
