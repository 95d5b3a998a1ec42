"""Reconciliation over HTTP: what an operator asks, reads and decides."""

import json

import pytest

from chalicelib.edge.callers import Scope
from chalicelib.providers.bills import BillBrokenError, BillKind, BillLine, BillNotReadyError
from chalicelib.reconciliation.model import DiscrepancyState, Outcome
from tests.reconciliation.desk import Desk, codes

DAY, DATE = "/v1/reconciliations/{business_date}", "2026-11-24"
ONE = "/v1/discrepancies/{discrepancy_id}"
RUN = json.dumps({"business_date": DATE})


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def drawn(desk: Desk) -> str:
    """Let a day end on which somebody drew money from our account; return the difference."""
    desk.sold()
    desk.house.bill_books.drawn(2_500)
    return desk.one(desk.reconciled().day, Outcome.MISSING_HERE).id


def test_a_run_is_asked_for_and_done_by_a_worker(desk: Desk) -> None:
    desk.sold()
    assert codes(desk.post("/v1/reconciliations", RUN)) == (404, "day_not_closed")
    desk.end_day()
    asked = desk.post("/v1/reconciliations", RUN)
    assert (asked.status, asked.body["after_run"]) == (202, 0)
    assert asked.headers["Location"] == f"/v1/reconciliations/{DATE}"
    assert codes(desk.get(DAY, business_date=DATE)) == (404, "reconciliation_not_found")
    desk.house.run_errands()
    shown = desk.get(DAY, business_date=DATE).body
    assert shown["last_attempt"]["done"]
    assert shown["result"]["run"] == 1
    assert shown["result"]["ours"] == {"amount": 3998, "currency": "CNY"}
    assert shown["result"]["theirs"]["amount"] == shown["result"]["own"]["amount"] == 3998 - 15
    assert shown["result"]["unexplained"]["amount"] == 0
    bill = next(one for one in shown["result"]["bills"] if one["kind"] == "payments")
    assert bill["document"] in desk.house.documents.files
    assert desk.post("/v1/reconciliations", RUN).body["after_run"] == 1
    desk.house.run_errands()
    runs = desk.get(f"{DAY}/runs", business_date=DATE).body["items"]
    assert [one["run"] for one in runs] == [1, 2]


def test_a_day_goes_after_the_day_before_and_the_first_may_go_again(desk: Desk) -> None:
    desk.sold()
    first = desk.reconciled()
    desk.end_day()
    third = desk.end_day().isoformat()
    late = desk.post("/v1/reconciliations", json.dumps({"business_date": third}))
    assert codes(late) == (409, "reconciliation_out_of_order")
    desk.house.reconciling.day.reconcile(desk.house.reconciling.day.missed()[0])
    assert desk.post("/v1/reconciliations", RUN).status == 202
    desk.house.run_errands()
    assert [one.run for one in desk.house.reconciling.read.runs(first.day)] == [1, 2]


@pytest.mark.parametrize("text", ["", "2026-13-01", "2026-1-1", "20261124", "２０２６-11-24", 5])
def test_what_is_no_day_is_refused(desk: Desk, text: object) -> None:
    reply = desk.post("/v1/reconciliations", json.dumps({"business_date": text}))
    assert codes(reply) == (400, "invalid_body")
    assert codes(desk.get(DAY, business_date=str(text))) == (404, "reconciliation_not_found")
    assert desk.get(f"{DAY}/report", business_date=str(text)).status == 404


def broken(_lines: list[BillLine]) -> list[BillLine]:
    raise BillBrokenError("the bill is broken: no amount of yuan", line=7, column="订单金额")


def not_ready(_lines: list[BillLine]) -> list[BillLine]:
    raise BillNotReadyError("the bill is being made")


def test_a_refused_bill_says_where_and_leaves_what_was_found(desk: Desk) -> None:
    desk.sold()
    before = desk.reconciled()
    desk.house.bills.changed[BillKind.PAYMENTS, DATE] = broken
    desk.post("/v1/reconciliations", RUN)
    with pytest.raises(BillBrokenError):
        desk.house.run_errands()
    shown = desk.get(DAY, business_date=DATE).body
    attempt = shown["last_attempt"]
    assert (attempt["done"], attempt["code"]) == (False, "bill_broken")
    assert (attempt["line"], attempt["column"]) == (7, "订单金额")
    assert shown["result"]["run"] == before.run == 1


def test_what_stands_is_listed_the_oldest_first_with_its_age(desk: Desk) -> None:
    ids = [drawn(desk), drawn(desk), drawn(desk)]
    standing = desk.get("/v1/discrepancies", {"limit": "2"}).body
    assert standing["items"][0]["id"] == ids[0]
    assert [one["age_days"] for one in standing["items"]] == [3, 2]
    more = desk.get("/v1/discrepancies", {"cursor": standing["next"]}).body
    assert [one["age_days"] for one in more["items"]] == [1, 1]  # with the last day's fees
    days = desk.get("/v1/reconciliations", {"limit": "2"}).body
    assert [one["business_date"] for one in days["items"]] == ["2026-11-26", "2026-11-25"]
    rest = desk.get("/v1/reconciliations", {"cursor": days["next"]}).body
    assert [one["business_date"] for one in rest["items"]] == [DATE]
    on_day = desk.get(f"{DAY}/discrepancies", {"limit": "1"}, business_date=DATE).body
    assert len(on_day["items"]) == 1
    cursor = {"cursor": on_day["next"]}
    assert desk.get(f"{DAY}/discrepancies", cursor, business_date=DATE).body["next"] is None
    assert codes(desk.get("/v1/discrepancies", cursor)) == (400, "invalid_cursor")


def test_a_person_takes_a_difference_on_and_resolves_it_by_an_entry(desk: Desk) -> None:
    found = drawn(desk)
    taken = desk.post(f"{ONE}/owner", '{"owner":"王芳"}', discrepancy_id=found).body
    assert (taken["owner"], taken["remark"], taken["state"]) == ("王芳", None, "open")
    body = '{"how":"bank","remark":"drawn to the bank"}'
    done = desk.post(f"{ONE}/resolution", body, discrepancy_id=found).body
    assert done["state"] == DiscrepancyState.RESOLVED
    assert done["resolved_by"] == f"discrepancy_settled/{found}"
    assert (done["owner"], done["signed_by"]) == ("王芳", "ops:wang")
    assert desk.post(f"{ONE}/resolution", body, discrepancy_id=found).body == done
    other = desk.post(f"{ONE}/resolution", '{"how":"suspense","remark":"?"}', discrepancy_id=found)
    assert codes(other) == (409, "discrepancy_not_open")
    kept = desk.post(f"{ONE}/owner", '{"owner":"李雷"}', discrepancy_id=found).body
    assert (kept["owner"], kept["remark"]) == ("李雷", "drawn to the bank")
    assert desk.get(ONE, discrepancy_id=found).body == kept
    then = desk.reconciled()
    assert (then.theirs, then.unexplained, then.standing) == (then.ours, 0, ())
    gone = desk.get(ONE, discrepancy_id=found).body
    assert (gone["gone_on"], gone["age_days"]) == (then.day, 1)  # no older, though it is a day on


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"how":"burn","remark":"x"}',
        '{"how":"bank"}',
        '{"how":"bank","remark":" "}',
        '{"how":"bank","remark":"x","effect":0}',
        '{"how":"bank","remark":"a\\u202eb"}',
    ],
)
def test_a_resolution_is_one_of_three_with_a_reason(desk: Desk, body: str) -> None:
    found = drawn(desk)
    reply = desk.post(f"{ONE}/resolution", body, discrepancy_id=found)
    assert codes(reply) == (400, "invalid_body")
    assert desk.one(DATE, Outcome.MISSING_HERE).state is DiscrepancyState.OPEN


@pytest.mark.parametrize(("path", "status"), [("dcr_x", 400), ("dcr_" + "0" * 26, 404)])
def test_a_difference_that_is_none(desk: Desk, path: str, status: int) -> None:
    assert desk.get(ONE, discrepancy_id=path).status == status
    owner = desk.post(f"{ONE}/owner", '{"owner":"a"}', discrepancy_id=path)
    assert owner.status == status


@pytest.mark.parametrize("scope", [Scope.MEMBER, Scope.MERCHANT])
def test_it_is_for_operators_alone(desk: Desk, scope: Scope) -> None:
    desk.badge.scope = scope
    assert codes(desk.get("/v1/reconciliations")) == (403, "forbidden")
    assert codes(desk.post("/v1/reconciliations", RUN)) == (403, "forbidden")
