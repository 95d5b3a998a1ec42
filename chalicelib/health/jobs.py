"""The room's schedule: how every check stands, as figures that alarms and dashboards can read."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.edge import observe
from chalicelib.health import wiring
from chalicelib.health.model import State

blueprint = Blueprint(__name__)

_GRADES = {State.OK: 0, State.WARNING: 1, State.FAILING: 2}


@blueprint.schedule(Rate(5, unit=Rate.MINUTES))
@observe.job
def watch_health(_event: CloudWatchEvent) -> Any:
    """Tell how every check of the report stands."""
    report = wiring.examine().examine()
    for state in (State.WARNING, State.FAILING):
        standing = sum(check.state is state for check in report.checks)
        observe.count("ChecksStanding", times=standing, state=state)
    for check in report.checks:
        facts = {"state": check.state, "figure": check.figure, "says": check.says}
        grade = _GRADES[check.state]
        observe.measure("CheckState", grade, unit=observe.Unit.COUNT, check=check.name, facts=facts)
    return {"state": report.state}
