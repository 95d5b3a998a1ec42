"""The doorbell and the guarantee: what they say, and what they keep silent about."""

import json
from typing import Any

import pytest

from chalicelib.books import jobs, wiring
from chalicelib.kernel.errors import TryAgainError
from chalicelib.ledger.logbook import OvertakenError
from tests.fakes.house import House


@pytest.fixture
def wired(quick_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(wiring, "sequencer", lambda: quick_house.sequencer)
    monkeypatch.setattr(wiring, "logbook", lambda: quick_house.logbook)
    return quick_house


def oldest(printed: str) -> list[int]:
    """Return every measure of the oldest row's age."""
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line["OldestRowSeconds"][0] for line in lines if "OldestRowSeconds" in line]


def test_a_ring_numbers_what_waits_and_says_how_long_it_waited(
    wired: House, capsys: pytest.CaptureFixture[str]
) -> None:
    wired.merchant()
    wired.clock.move(seconds=45)
    assert jobs._sequence(rung=True) == {"rows": 1}
    printed = capsys.readouterr().out
    assert oldest(printed) == [45]
    (metric,) = [
        json.loads(line)["_aws"]["CloudWatchMetrics"][0]
        for line in printed.splitlines()
        if "CloudWatchMetrics" in line
    ]
    assert metric["Namespace"] == "Shoukuan"
    assert metric["Dimensions"] == [["service"]]
    assert jobs._sequence(rung=True) == {"rows": 0}
    assert oldest(capsys.readouterr().out) == []
    assert jobs._sequence(rung=False) == {"rows": 0}
    assert oldest(capsys.readouterr().out) == [0]


def test_what_could_not_look_says_nothing_so_that_the_alarm_rings(
    wired: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wired.merchant()

    def overtaken(_head: Any) -> Any:
        raise OvertakenError("somebody else")

    logbook = type(wired.logbook)
    monkeypatch.setattr(logbook, "head", overtaken)
    assert jobs._sequence(rung=False) == {"rows": 0}
    assert oldest(capsys.readouterr().out) == []
    assert len(wired.clock.pauses) > 10, "it does not spin"

    def away(_logbook: Any) -> Any:
        raise TryAgainError("the database is away")

    monkeypatch.setattr(logbook, "head", away)
    with pytest.raises(TryAgainError):
        jobs._sequence(rung=False)
    assert oldest(capsys.readouterr().out) == []


def test_the_alarm_listens_to_what_is_measured() -> None:
    with open(".chalice/resources.json") as file:  # noqa: PTH123
        alarm = json.load(file)["Resources"]["OldestRowAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Shoukuan", "OldestRowSeconds")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "shoukuan"}]
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (30, "breaching")
