"""Disputes, told over HTTP."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from local.story import Story, new_key
from tests.stories.test_payment import TOTAL, Purchase, move_clock, run_tick
from tests.stories.test_refunds import end
from tests.stories.test_release import DAY, receive, ship

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


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


def dispute(purchase: Purchase, reason: str = "空包裹", key: str = "") -> Any:
    path = f"/v1/orders/{purchase.order_id}/disputes"
    return purchase.shopper.post(path, {"reason": reason}, key=key or new_key())


def of(purchase: Purchase, opened: Any, rest: str) -> str:
    return f"/v1/orders/{purchase.order_id}/disputes/{opened.body['id']}/{rest}"


def test_silence_is_no_consent_while_it_is_disputed(paid: Purchase) -> None:
    ship(paid)
    opened = dispute(paid)
    assert (opened.status, opened.body["state"]) == (201, "open")
    refused = receive(paid)
    assert (refused.status, refused.body["code"]) == (409, "order_disputed")
    run_tick(paid.story)
    try:
        move_clock(paid.story, 6 * DAY)
        run_tick(paid.story)
        order = paid.order()
        assert (order["state"], order["disputed"]) == ("shipped", True)
        assert order["held"]["amount"] == TOTAL
        move_clock(paid.story, 8 * DAY)
        run_tick(paid.story)
        run_tick(paid.story)
        order = paid.order()
        assert (order["state"], order["disputed"]) == ("refunded", False)
        (found,) = paid.merchant.get(f"/v1/orders/{paid.order_id}/disputes").body["items"]
        assert (found["state"], found["decision"]["by"]) == ("closed", "by rule")
    finally:
        move_clock(paid.story, 0)


def test_both_sides_are_heard_and_it_is_split(paid: Purchase) -> None:
    ship(paid)
    opened = dispute(paid)
    said = paid.merchant.post(
        of(paid, opened, "statements"), {"text": "已按实物发货"}, key=new_key()
    )
    assert (said.status, said.body["party"]) == (201, "merchant")
    path = of(paid, opened, "evidence")
    headers = {"Content-Type": "image/png", "Idempotency-Key": "photo"}
    photo = paid.shopper.post_raw(path, PNG, headers)
    assert (photo.status, photo.body["size"]) == (201, len(PNG))
    listed = paid.merchant.get(path).body["items"]
    assert [one["party"] for one in listed] == ["merchant", "shopper"]
    file = paid.story.operator().get(f"{path}/{photo.body['id']}").body
    assert base64.b64decode(file["content_base64"]) == PNG
    decision = {"refund": {"amount": 700, "currency": "CNY"}, "reason": "各半"}
    operator = paid.story.operator()
    decided = operator.post(of(paid, opened, "decision"), decision, key=new_key())
    assert (decided.status, decided.body["state"]) == (200, "decided")
    assert operator.post(of(paid, opened, "decision"), decision, key=new_key()).status == 200
    run_tick(paid.story)
    order = paid.order()
    assert (order["state"], order["released"]["amount"]) == ("released", TOTAL - 700)
    (refund,) = paid.shopper.get(f"/v1/orders/{paid.order_id}/refunds").body["items"]
    run_tick(paid.story)
    assert end(paid, refund["id"]) == [204]
    other = operator.post(of(paid, opened, "decision"), {"reason": "不同"}, key=new_key())
    assert (other.status, other.body["code"]) == (409, "dispute_not_open")


def test_what_is_withdrawn_goes_on(paid: Purchase) -> None:
    ship(paid)
    opened = dispute(paid)
    gone = paid.shopper.post(of(paid, opened, "withdrawal"), key=new_key())
    assert (gone.status, gone.body["state"]) == (200, "withdrawn")
    assert receive(paid).body["state"] == "released"


def test_what_can_not_be_disputed_is_said_by_name(paid: Purchase) -> None:
    first = dispute(paid, key="d")
    assert dispute(paid, key="d").body == first.body
    assert dispute(paid, "另一个", key="d").status == 422
    twice = dispute(paid)
    assert (twice.status, twice.body["code"]) == (409, "already_disputed")
    someone = paid.story.shopper("a-stranger")
    path = f"/v1/orders/{paid.order_id}/disputes"
    assert someone.post(path, {"reason": "我的"}, key=new_key()).status == 404
    assert someone.get(of(paid, first, "evidence")).status == 404
    for raw, media in ((b"MZ", "image/png"), (PNG, "application/x-msdownload"), (b"", "")):
        headers = {"Content-Type": media, "Idempotency-Key": new_key()}
        refused = paid.shopper.post_raw(of(paid, first, "evidence"), raw, headers)
        assert (refused.status, refused.body["code"]) == (400, "not_evidence")
    asked = {"amount": {"amount": 1, "currency": "CNY"}, "reason": "x"}
    refund = paid.merchant.post(f"/v1/orders/{paid.order_id}/refunds", asked, key=new_key())
    assert (refund.status, refund.body["code"]) == (409, "order_disputed")
    over = {"refund": {"amount": TOTAL + 1, "currency": "CNY"}, "reason": "x"}
    operator = paid.story.operator()
    assert operator.post(of(paid, first, "decision"), over, key=new_key()).status == 409
    unpaid = Purchase(paid.story)
    late = dispute(unpaid)
    assert (late.status, late.body["code"]) == (409, "order_not_disputable")
