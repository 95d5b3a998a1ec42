"""Days against the gateway's true bills, told over HTTP: matched, different, broken, corrected."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.client import Client
from local.control import Control
from local.stack import Stack
from local.story import Story, new_key
from tests.stories.conftest import QUICK
from tests.stories.test_payment import TOTAL, Purchase, run_tick

pytestmark = pytest.mark.xdist_group("reconciliation")

KEPT = 15  # 38 basis points of ¥39.98, half up
BROKEN = {
    "truncated": None,
    "other_merchant": "商户号",
    "unknown_column": "新增列",
    "extra_summary": None,
    "wrong_hash": None,
    "wrong_day": "交易时间",
    "gbk": None,
    "comma": "商品名称",
    "newline": None,
    "not_gzip": None,
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a house of its own: its days pass, and never come back."""
    folder = tmp_path_factory.mktemp("reconciled")
    with Stack(folder, overrides=QUICK) as running, Control(running):
        yield running


def sold(story: Story) -> tuple[Purchase, str]:
    purchase = Purchase(story)
    payment_id = purchase.pay()
    assert story.paid(payment_id) == [204]
    return purchase, payment_id


def plant(story: Story, day: str, bill: str, *differences: dict[str, Any], **more: Any) -> None:
    body = {"bill_date": day, "bill": bill, "differences": list(differences), **more}
    reply = story.sandbox.post("/control/bills", body)
    assert reply.status == 200, reply.body


def outcomes(result: Any) -> dict[tuple[str, str], int]:
    return {(count["kind"], count["outcome"]): count["lines"] for count in result["funnel"]}


def noted(operator: Client, day: str) -> list[Any]:
    items = operator.get(f"/v1/reconciliations/{day}/discrepancies?limit=100").body["items"]
    return [item for item in items if item["outcome"] != "fees"]


def test_a_day_of_sales_refunds_and_a_lost_notification(story: Story) -> None:
    story.fees(38)
    refunded, _ = sold(story)
    path = f"/v1/orders/{refunded.order_id}/refunds"
    body = {"amount": {"amount": 1000, "currency": "CNY"}, "reason": "少一罐"}
    refund = refunded.merchant.post(path, body, key=new_key()).body
    run_tick(story)
    story.sandbox.post(f"/control/refunds/{refund['id']}", {"outcome": "success"})
    lost = Purchase(story)
    story.paid(lost.pay(), deliver=False)
    day = story.day_over()
    result = story.reconciled(day)
    assert result["unexplained"]["amount"] == 0
    assert (
        outcomes(result)["payment", "matched"]
        + outcomes(result).get(("payment", "missing_here"), 0)
        == 2
    )
    assert outcomes(result)["refund", "matched"] == 1
    given_back = KEPT * 1000 // TOTAL
    assert result["fees"]["amount"] == 2 * KEPT - given_back
    assert story.shown(lost.shopper, lost.order_id)["state"] == "paid"
    then = story.reconciled(story.day_over())
    assert then["theirs"] == then["ours"]
    assert then["standing"] == []


def test_every_planted_difference_is_named_and_a_corrected_bill_supersedes(story: Story) -> None:
    operator = story.operator()
    payments = [sold(story)[1] for _ in range(5)]
    day = story.day_over()
    dropped, other, failed, twice, _ = payments
    plant(
        story,
        day,
        "trade_success",
        {"kind": "dropped", "number": dropped},
        {"kind": "amount", "number": other, "amount": 4000},
        {"kind": "fee", "number": failed, "fee": 99},
        {"kind": "duplicated", "number": twice},
        {"kind": "invented", "number": "nobody-1", "reference": "4200000000", "amount": 777},
    )
    plant(
        story,
        day,
        "fundflow",
        {"kind": "invented", "number": "draw-1", "reference": "F1", "amount": -5},
    )
    result = story.reconciled(day)
    assert outcomes(result) == {
        ("payment", "matched"): 1,
        ("payment", "amount"): 1,
        ("payment", "fee"): 1,
        ("payment", "duplicate"): 1,
        ("payment", "missing_here"): 1,
        ("entry", "missing_there"): 1,
        ("other", "missing_here"): 1,
    }
    found = {item["outcome"]: item for item in noted(operator, day)}
    assert {item["state"] for item in found.values()} == {"open"}
    taken = operator.post(
        f"/v1/discrepancies/{found['amount']['id']}/owner", {"owner": "小李"}, key=new_key()
    )
    assert taken.body["owner"] == "小李"
    for bill in ("trade_success", "fundflow"):
        plant(story, day, bill)
    corrected_supersedes(story, operator, day)


def corrected_supersedes(story: Story, operator: Client, day: str) -> None:
    corrected = story.reconciled(day)
    assert (outcomes(corrected), corrected["unexplained"]["amount"]) == (
        {("payment", "matched"): 5},
        0,
    )
    assert {item["state"] for item in noted(operator, day)} == {"matched"}
    runs = operator.get(f"/v1/reconciliations/{day}/runs").body["items"]
    assert len(runs) >= 2
    assert outcomes(runs[-1]) != outcomes(runs[-2])


def test_what_we_drew_ourselves_is_booked_by_a_hand(story: Story) -> None:
    operator = story.operator()
    sold(story)
    day = story.day_over()
    drawn = {"kind": "invented", "number": "draw-2", "reference": "DRAW", "amount": -500}
    plant(story, day, "fundflow", drawn)
    story.reconciled(day)
    (item,) = [one for one in noted(operator, day) if one["kind"] == "other"]
    path, body = f"/v1/discrepancies/{item['id']}/resolution", {"how": "bank", "remark": "提现"}
    first, again = (operator.post(path, body, key=new_key()) for _ in range(2))
    assert (first.status, first.body["state"], again.body) == (200, "resolved", first.body)
    refused = operator.post(path, {"how": "suspense", "remark": "?"}, key=new_key())
    assert (refused.status, refused.body["code"]) == (409, "discrepancy_not_open")
    run_tick(story)
    bank = operator.get("/v1/ledger/accounts/bank").body
    assert bank["balances"][0]["balance"]["amount"] == 500


@pytest.fixture(scope="module")
def closed(stack: Stack) -> Iterator[str]:
    """A business day with a sale, over and reconciled."""
    story = Story(stack)
    sold(story)
    day = story.day_over()
    story.reconciled(day)
    yield day
    story.close()


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_bill_is_refused_whole(story: Story, closed: str, kind: str) -> None:
    operator, day = story.operator(), closed
    before = operator.get(f"/v1/reconciliations/{day}").body["result"]
    plant(story, day, "trade_success", broken=kind)
    after = story.reconciled(day)
    shown = operator.get(f"/v1/reconciliations/{day}").body["last_attempt"]
    assert (shown["done"], shown["code"]) == (False, "bill_broken")
    if BROKEN[kind]:
        assert (shown["line"], shown["column"]) == (
            1 if kind == "unknown_column" else 2,
            BROKEN[kind],
        )
    assert after == before
    plant(story, day, "trade_success")
