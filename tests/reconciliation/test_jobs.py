"""The schedule and the queue: when a day is tried, and what is told of it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from app import app
from chalicelib.kernel.errors import PlatformError
from chalicelib.providers.bills import BillBrokenError, BillKind, BillNotReadyError
from chalicelib.providers.port import ProviderUnavailableError
from server.context import LambdaContext
from server.schedules import schedules_of
from tests.edge.calls import Ear, listening
from tests.reconciliation.desk import Desk

DATE = "2026-11-24"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


EVENT = dict.fromkeys(("version", "account", "region", "source", "time", "id"), "") | {
    "detail": {},
    "detail-type": "Scheduled Event",
    "resources": [],
}


def scheduled(desk: Desk) -> tuple[Any, Ear]:
    handler = app.handler_map["reconcile_closed_days"]
    with listening() as ear:
        return handler(EVENT, LambdaContext()), ear


def delivered(message: dict[str, str]) -> tuple[Any, Ear]:
    record = {"messageId": "m", "body": json.dumps(message), "eventSource": "aws:sqs"}
    with listening() as ear:
        event = {"Records": [record]}
        return app.handler_map["run_reconciliations"](event, LambdaContext()), ear


def refusing(error: PlatformError) -> Any:
    def refuse(_lines: object) -> object:
        raise error

    return refuse


def test_days_are_tried_from_ten_in_the_morning(desk: Desk) -> None:
    desk.sold()
    desk.end_day()  # 16:00 in China
    desk.sold()
    desk.end_day()
    desk.house.clock.move(seconds=int(timedelta(hours=17, minutes=59).total_seconds()))
    assert scheduled(desk)[0] == {"reconciled": []}
    desk.house.clock.move(seconds=60)
    answer, ear = scheduled(desk)
    assert answer == {"reconciled": [DATE, "2026-11-25"]}
    first = next(line for line in ear.lines if "ReconciledLines" in line)
    assert (first["kind"], first["outcome"]) == ("payment", "matched")
    assert first["ReconciledLines"] == [1]
    assert [line["UnexplainedFen"] for line in ear.lines if "UnexplainedFen" in line] == [[0]] * 2
    assert scheduled(desk)[0] == {"reconciled": []}


def test_a_bill_that_is_not_ready_is_noted_and_asked_for_again(desk: Desk) -> None:
    desk.sold()
    desk.end_day()
    error = BillNotReadyError("the bill is being made")
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = refusing(error)
    answer, ear = scheduled(desk)
    assert answer == {"reconciled": []}
    assert ear.about("a bill is not ready yet")[0]["day"] == DATE
    assert not [line for line in ear.lines if line.get("level") == "ERROR"]
    desk.house.bills.changed.clear()
    assert scheduled(desk)[0] == {"reconciled": [DATE]}


def test_a_refused_bill_is_an_alarm_and_stops_the_days_after_it(desk: Desk) -> None:
    for _ in range(2):
        desk.sold()
        desk.end_day()
    error = BillBrokenError("the bill is broken", line=7, column="订单金额")
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = refusing(error)
    answer, ear = scheduled(desk)
    assert answer == {"reconciled": []}
    (told,) = ear.about("a day could not be reconciled")
    assert (told["level"], told["code"], told["where_line"]) == ("ERROR", "bill_broken", "7")
    assert [line["day"] for line in ear.lines if "ReconciliationRefused" in line] == [DATE]


def test_what_may_pass_by_itself_comes_again(desk: Desk) -> None:
    desk.sold()
    desk.end_day()
    error = ProviderUnavailableError("away")
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = refusing(error)
    message = {"command": "reconcile", "day": DATE}
    assert delivered(message)[0]["batchItemFailures"] == [{"itemIdentifier": "m"}]
    desk.house.bills.changed.clear()
    assert delivered(message)[0]["batchItemFailures"] == []
    assert desk.house.reconciling.read.result(DATE).run == 1
    broken = BillBrokenError("the bill is broken")
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = refusing(broken)
    answer, ear = delivered(message)
    assert answer["batchItemFailures"] == []  # an answer, not a mishap
    assert ear.about("a day could not be reconciled")
    assert desk.house.reconciling.read.result(DATE).run == 1
    assert delivered({"command": "other"})[0]["batchItemFailures"]


def test_what_nobody_can_explain_is_an_alarm(desk: Desk) -> None:
    desk.sold()
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = lambda lines: [
        line._replace(amount=line.amount - 7) for line in lines
    ]
    desk.end_day()
    _, ear = scheduled(desk)
    assert [line["UnexplainedFen"] for line in ear.lines if "UnexplainedFen" in line] == [[7]]
    assert [line["OpenDiscrepancies"] for line in ear.lines if "OpenDiscrepancies" in line] == [[1]]
    assert ear.about("the provider's books and ours differ by what nobody can explain")


def test_the_schedule_runs_every_half_hour_locally_too() -> None:
    found = {schedule.name: schedule.every for schedule in schedules_of(app)}
    assert found["reconcile_closed_days"] == timedelta(minutes=30)
