"""Refunds, told over HTTP: every outcome on the wire, and every mistake by its name."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.story import Story, new_key
from tests.stories.test_payment import TOTAL, Purchase, move_clock, run_tick
from tests.stories.test_release import receive, ship

REFUNDS = "/v3/refund/domestic/refunds"


@pytest.fixture(autouse=True)
def clock(story: Story) -> Iterator[None]:
    """Turn the clock back when a story has moved it."""
    yield
    move_clock(story, 0)


@pytest.fixture
def paid(story: Story) -> Purchase:
    purchase = Purchase(story)
    assert story.paid(purchase.pay()) == [204]
    return purchase


def ask(purchase: Purchase, amount: int = 500, *, key: str = "", **body: Any) -> Any:
    asked = {"amount": {"amount": amount, "currency": "CNY"}, "reason": "不想要了"} | body
    path = f"/v1/orders/{purchase.order_id}/refunds"
    return purchase.merchant.post(path, asked, key=key or new_key())


def shown(purchase: Purchase, refund_id: str) -> Any:
    return purchase.shopper.get(f"/v1/orders/{purchase.order_id}/refunds/{refund_id}").body


def end(purchase: Purchase, number: str, outcome: str = "success") -> list[int]:
    path = f"/control/refunds/{number}"
    reply = purchase.story.sandbox.post(path, {"outcome": outcome})
    assert reply.status == 200, reply.body
    return [each["status"] for each in reply.body["deliveries"]]


def fault(purchase: Purchase, kind: str, path: str = REFUNDS, method: str = "POST") -> None:
    planned = {"path": path, "method": method, "kind": kind, "times": 1}
    assert purchase.story.sandbox.post("/control/faults", planned).status == 200


def in_transit(purchase: Purchase) -> int:
    run_tick(purchase.story)
    entries = purchase.entries()
    return sum(
        posting.amount.amount if posting.side == "credit" else -posting.amount.amount
        for entry in entries
        for posting in entry.postings
        if posting.account == "refunds:in_transit" and entry.order_id == purchase.order_id
    )


def test_a_part_goes_back_before_anything_is_released(paid: Purchase) -> None:
    asked = ask(paid)
    assert (asked.status, asked.body["state"]) == (201, "queued")
    assert sum(line["amount"]["amount"] for line in asked.body["lines"]) == 500
    run_tick(paid.story)
    assert shown(paid, asked.body["id"])["state"] == "processing"
    assert end(paid, asked.body["id"]) == [204]
    assert shown(paid, asked.body["id"])["state"] == "succeeded"
    order = paid.order()
    assert (order["held"]["amount"], order["refunded"]["amount"]) == (TOTAL - 500, 500)
    assert order["state"] == "paid"
    assert in_transit(paid) == 0
    listed = paid.merchant.get(f"/v1/orders/{paid.order_id}/refunds").body["items"]
    assert [one["id"] for one in listed] == [asked.body["id"]]


def test_all_goes_back_and_so_do_the_goods(paid: Purchase) -> None:
    asked = ask(paid, TOTAL)
    run_tick(paid.story)
    end(paid, asked.body["id"])
    assert paid.order()["state"] == "refunded"
    again = ask(paid, 1)
    assert (again.status, again.body["code"], again.body["remaining"]) == (
        409,
        "refund_too_large",
        0,
    )


@pytest.mark.parametrize("kind", ["drop_answer", "unsigned", "bad_signature", "html_502"])
def test_a_lost_answer_pays_once(paid: Purchase, kind: str) -> None:
    fault(paid, kind)
    asked = ask(paid)
    run_tick(paid.story)
    run_tick(paid.story)
    end(paid, asked.body["id"])
    assert shown(paid, asked.body["id"])["state"] == "succeeded"
    refunds = paid.story.sandbox.get("/control/refunds").body["items"]
    mine = [one for one in refunds if one["out_refund_no"].startswith(asked.body["id"])]
    assert [one["status"] for one in mine] == ["SUCCESS"]


def test_a_lost_notification_is_asked_for(paid: Purchase) -> None:
    asked = ask(paid)
    run_tick(paid.story)
    path = f"/control/refunds/{asked.body['id']}"
    paid.story.sandbox.post(path, {"outcome": "success", "deliver": False})
    offset = int(paid.story.control.get("/status").body["offset_seconds"])
    paid.story.control.post("/clock", {"offset_seconds": offset + 1200})
    run_tick(paid.story)
    assert shown(paid, asked.body["id"])["state"] == "succeeded"


def test_what_the_shopper_can_not_take_waits_for_a_person(paid: Purchase) -> None:
    asked = ask(paid)
    run_tick(paid.story)
    assert end(paid, asked.body["id"], "abnormal") == [204]
    assert shown(paid, asked.body["id"])["state"] == "abnormal"
    assert end(paid, asked.body["id"]) == [204]
    assert shown(paid, asked.body["id"])["state"] == "succeeded"


def test_what_the_provider_closed_goes_again_or_is_paid_by_bank(paid: Purchase) -> None:
    asked = ask(paid)
    run_tick(paid.story)
    end(paid, asked.body["id"], "closed")
    assert shown(paid, asked.body["id"])["state"] == "closed"
    hand = f"/v1/orders/{paid.order_id}/refunds/{asked.body['id']}"
    operator = paid.story.operator()
    retried = operator.post(f"{hand}/retry", key=new_key())
    assert (retried.status, retried.body["state"]) == (200, "queued")
    offset = int(paid.story.control.get("/status").body["offset_seconds"])
    paid.story.control.post("/clock", {"offset_seconds": offset + 1200})
    run_tick(paid.story)
    end(paid, f"{asked.body['id']}_2", "closed")
    settled = operator.post(f"{hand}/settlement", {"reference": "ICBC 42"}, key=new_key())
    assert (settled.status, settled.body["state"]) == (200, "settled")
    assert operator.post(f"{hand}/settlement", {"reference": "x"}, key=new_key()).status == 200


def test_released_money_comes_back_from_who_got_it(paid: Purchase) -> None:
    ship(paid)
    receive(paid)
    run_tick(paid.story)
    asked = ask(paid, 700)
    assert (asked.status, asked.body["state"]) == (201, "waiting")
    run_tick(paid.story)
    assert shown(paid, asked.body["id"])["state"] == "processing"
    end(paid, asked.body["id"])
    run_tick(paid.story)
    path = f"/v1/merchants/{paid.merchant_id}/balances"
    assert paid.merchant.get(path).body["available"]["amount"] == TOTAL - 700


def test_too_little_money_waits_and_goes(paid: Purchase) -> None:
    sandbox = paid.story.sandbox
    sandbox.post("/control/settings", {"refund_balance": 0})
    asked = ask(paid)
    run_tick(paid.story)
    waiting = shown(paid, asked.body["id"])
    assert (waiting["state"], waiting["failure"]) == ("queued", "NOT_ENOUGH")
    sandbox.post("/control/settings", {"refund_balance": None})
    offset = int(paid.story.control.get("/status").body["offset_seconds"])
    paid.story.control.post("/clock", {"offset_seconds": offset + 1200})
    run_tick(paid.story)
    assert shown(paid, asked.body["id"])["state"] == "processing"


def test_what_can_not_be_refunded_is_said_by_name(paid: Purchase) -> None:
    for body in (
        {"amount": {"amount": 0, "currency": "CNY"}},
        {"reason": ""},
        {"reason": "字" * 81},
    ):
        wrong = ask(paid, **body)
        assert (wrong.status, wrong.body["code"]) == (400, "invalid_body"), body
    over = ask(paid, TOTAL + 1)
    assert (over.status, over.body["code"], over.body["remaining"]) == (
        409,
        "refund_too_large",
        TOTAL,
    )
    first = ask(paid, 500, key="once")
    assert ask(paid, 500, key="once").body["id"] == first.body["id"]
    other = ask(paid, 501, key="once")
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    stranger = paid.story.merchant(paid.story.registered("别家"))
    asked = {"amount": {"amount": 1, "currency": "CNY"}, "reason": "x"}
    path = f"/v1/orders/{paid.order_id}/refunds"
    assert stranger.post(path, asked, key=new_key()).status == 404
    assert paid.shopper.post(path, asked, key=new_key()).status == 403
    unpaid = Purchase(paid.story)
    refused = ask(unpaid)
    assert (refused.status, refused.body["code"]) == (409, "order_not_refundable")


def test_late_money_goes_back_by_itself(story: Story) -> None:
    purchase = Purchase(story)
    first, second = purchase.pay(), purchase.pay()
    story.paid(first)
    story.paid(second)
    run_tick(story)
    (late,) = purchase.shopper.get(f"/v1/orders/{purchase.order_id}/refunds").body["items"]
    assert (late["payment_id"], late["amount"]["amount"]) == (second, TOTAL)
    run_tick(story)
    end(purchase, late["id"])
    assert shown(purchase, late["id"])["state"] == "succeeded"
