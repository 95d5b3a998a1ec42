"""How every check stands, as figures."""

import pytest

from app import app
from chalicelib.health import wiring
from chalicelib.health.model import CheckName, State
from server.context import LambdaContext
from tests.edge.calls import listening
from tests.fakes.health import examination
from tests.fakes.house import House

EVENT = dict.fromkeys(("version", "account", "region", "source", "time", "id"), "") | {
    "detail": {},
    "detail-type": "Scheduled Event",
    "resources": [],
}


def test_each_check_is_told_with_its_grade_and_all_together_by_how_many_stand_badly(
    quick_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = examination(quick_house.table, quick_house.clock, dead={"commands": 3})
    monkeypatch.setattr(wiring, "examine", lambda: examine)
    with listening() as ear:
        app.handler_map["watch_health"](EVENT, LambdaContext())
    report = examine.examine()
    grades = {line["check"]: line["CheckState"] for line in ear.lines if "CheckState" in line}
    assert set(grades) == set(CheckName)
    assert grades[CheckName.DEAD_COMMANDS] == [2]
    assert grades[CheckName.SEQUENCER] == [0]
    standing = {one["state"]: one["ChecksStanding"] for one in ear.lines if "ChecksStanding" in one}
    states = [check.state for check in report.checks]
    assert standing == {word: [states.count(word)] for word in (State.WARNING, State.FAILING)}
    assert [line["outcome"] for line in ear.lines if "JobRun" in line] == ["done"]
    assert len({line["trace"] for line in ear.lines}) == 1, "a run has an id of its own"
