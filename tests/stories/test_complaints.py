"""Complaints to WeChat Pay, told over HTTP: from the payer's word to the decision they read."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.story import Story, new_key
from tests.stories.test_payment import TOTAL, Purchase, move_clock, run_tick
from tests.stories.test_refunds import fault
from tests.stories.test_release import receive, ship

COMPLAINTS = "/v3/merchant-service/complaints-v2"
DOOR = "/v1/notifications/wechatpay"


@pytest.fixture(autouse=True)
def clock(story: Story) -> Iterator[None]:
    """Turn the clock back when a story has moved it."""
    yield
    move_clock(story, 0)


@pytest.fixture
def bought(story: Story) -> tuple[Purchase, str]:
    """A purchase that is paid and on its way, and its payment."""
    purchase = Purchase(story)
    payment_id = purchase.pay()
    assert story.paid(payment_id) == [204]
    ship(purchase)
    run_tick(story)
    return purchase, payment_id


def complain(purchase: Purchase, payment_id: str, **how: Any) -> Any:
    body = {"out_trade_no": payment_id, "text": "箱子是空的", **how}
    reply = purchase.story.sandbox.post("/control/complaints", body)
    assert reply.status == 200, reply.body
    return reply.body


def at_the_sandbox(purchase: Purchase, complaint_id: str) -> Any:
    listed = purchase.story.sandbox.get("/control/complaints").body["items"]
    return next(one for one in listed if one["complaint_id"] == complaint_id)


def answers(complaint: Any) -> list[str]:
    kind = "MERCHANT_RESPONSE"
    steps = complaint["history"]
    return [step["operate_details"] for step in steps if step["operate_type"] == kind]


def disputes(purchase: Purchase) -> Any:
    return purchase.shopper.get(f"/v1/orders/{purchase.order_id}/disputes").body["items"]


def decide(purchase: Purchase, refund: int) -> Any:
    (dispute,) = disputes(purchase)
    path = f"/v1/orders/{purchase.order_id}/disputes/{dispute['id']}/decision"
    decision = {"refund": {"amount": refund, "currency": "CNY"}, "reason": "各半"}
    reply = purchase.story.operator().post(path, decision, key=new_key())
    assert reply.status == 200, reply.body
    return dispute


def test_a_complaint_from_the_payers_word_to_the_decision(bought: tuple[Purchase, str]) -> None:
    purchase, payment_id = bought
    told = complain(purchase, payment_id, times=3)
    assert [each["status"] for each in told["deliveries"]] == [204, 204, 204]
    run_tick(purchase.story)
    (dispute,) = disputes(purchase)
    assert dispute["state"] == "open"
    refused = receive(purchase)
    assert (refused.status, refused.body["code"]) == (409, "order_disputed")
    path = f"/v1/orders/{purchase.order_id}/disputes/{dispute['id']}/evidence"
    (said,) = purchase.merchant.get(path).body["items"]
    assert said["party"] == "shopper"
    assert said["text"] == f"微信支付投诉 {told['complaint_id']}：箱子是空的"
    seen = at_the_sandbox(purchase, told["complaint_id"])
    assert (seen["complaint_state"], len(answers(seen))) == ("PROCESSING", 1)
    decide(purchase, 700)
    run_tick(purchase.story)
    run_tick(purchase.story)
    seen = at_the_sandbox(purchase, told["complaint_id"])
    assert seen["complaint_state"] == "PROCESSED"
    assert answers(seen)[1:] == [f"争议 {dispute['id']} 已裁决：退款 7.00 元，原路退回。各半"]
    order = purchase.order()
    assert (order["state"], order["released"]["amount"]) == ("released", TOTAL - 700)


def test_it_joins_the_dispute_that_the_shopper_opened(bought: tuple[Purchase, str]) -> None:
    purchase, payment_id = bought
    path = f"/v1/orders/{purchase.order_id}/disputes"
    opened = purchase.shopper.post(path, {"reason": "少了一件"}, key=new_key()).body
    told = complain(purchase, payment_id)
    run_tick(purchase.story)
    assert [one["id"] for one in disputes(purchase)] == [opened["id"]]
    assert purchase.shopper.post(f"{path}/{opened['id']}/withdrawal", key=new_key()).status == 200
    run_tick(purchase.story)
    seen = at_the_sandbox(purchase, told["complaint_id"])
    assert seen["complaint_state"] == "PROCESSED"
    assert answers(seen)[1:] == [f"争议 {opened['id']} 已由您在小程序中撤回，订单照常进行。"]


def test_a_lost_notification_costs_minutes(bought: tuple[Purchase, str]) -> None:
    purchase, payment_id = bought
    complain(purchase, payment_id, deliver=False)
    assert disputes(purchase) == []
    run_tick(purchase.story)  # every schedule runs
    assert [one["state"] for one in disputes(purchase)] == ["open"]


@pytest.mark.parametrize("door", ["", "/refunds", "/payouts"])
def test_a_true_word_at_the_wrong_door_is_not_lost(bought: tuple[Purchase, str], door: str) -> None:
    purchase, payment_id = bought
    url = f"{purchase.story.stack.environment()['PUBLIC_BASE_URL']}{DOOR}{door}"
    told = complain(purchase, payment_id, notify_url=url)
    assert [each["status"] for each in told["deliveries"]] == [204]
    deadline = time.monotonic() + 20
    while not disputes(purchase):  # no schedule may run meanwhile, for it would find it too
        assert time.monotonic() < deadline, "nobody took it up"
        time.sleep(0.1)


def test_an_answer_done_in_silence_is_said_once(bought: tuple[Purchase, str]) -> None:
    purchase, payment_id = bought
    told = complain(purchase, payment_id)
    run_tick(purchase.story)
    dispute = decide(purchase, 700)
    fault(purchase, "drop_answer", path=f"{COMPLAINTS}/*/response")
    fault(purchase, "drop_answer", path=f"{COMPLAINTS}/*/complete")
    run_tick(purchase.story)
    move_clock(purchase.story, 660)
    run_tick(purchase.story)
    seen = at_the_sandbox(purchase, told["complaint_id"])
    assert seen["complaint_state"] == "PROCESSED"
    assert len([words for words in answers(seen) if dispute["id"] in words]) == 1
