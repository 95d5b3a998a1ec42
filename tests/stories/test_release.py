"""From paid to the merchant's own, told over HTTP."""

from typing import Any

import pytest

from local.story import Story, new_key
from tests.stories.test_payment import TOTAL, Purchase, move_clock, run_tick

PARCEL = {"carrier": "SF", "tracking_number": "SF1234567890"}
DAY = 86_400


@pytest.fixture
def paid(story: Story) -> Purchase:
    purchase = Purchase(story)
    assert story.paid(purchase.pay()) == [204]
    return purchase


def ship(purchase: Purchase, **parcel: Any) -> Any:
    path = f"/v1/orders/{purchase.order_id}/shipment"
    return purchase.merchant.post(path, PARCEL | parcel, key=new_key())


def receive(purchase: Purchase) -> Any:
    return purchase.shopper.post(f"/v1/orders/{purchase.order_id}/receipt", key=new_key())


def available(purchase: Purchase) -> int:
    run_tick(purchase.story)
    path = f"/v1/merchants/{purchase.merchant_id}/balances"
    body = purchase.merchant.get(path).body
    assert body["held"]["amount"] + body["available"]["amount"] == TOTAL
    return int(body["available"]["amount"])


def test_shipped_received_released(paid: Purchase) -> None:
    shipped = ship(paid)
    assert (shipped.status, shipped.body["state"]) == (201, "shipped")
    assert shipped.body["shipment"]["tracking_number"] == PARCEL["tracking_number"]
    assert ship(paid).body == shipped.body
    assert available(paid) == 0
    received = receive(paid)
    assert (received.status, received.body["state"]) == (200, "released")
    assert received.body["held"]["amount"] == 0
    assert receive(paid).body == received.body
    assert available(paid) == TOTAL
    kinds = [entry.kind for entry in paid.entries()]
    assert sorted(kinds) == ["order_released", "payment_captured"]


def test_silence_is_consent_after_ten_days(paid: Purchase) -> None:
    ship(paid)
    run_tick(paid.story)
    try:
        move_clock(paid.story, 10 * DAY + 1)
        run_tick(paid.story)
        assert paid.order()["state"] == "released"
    finally:
        move_clock(paid.story, 0)


def test_what_can_not_be_is_said_by_name(paid: Purchase) -> None:
    early = receive(paid)
    assert (early.status, early.body["code"]) == (409, "order_not_receivable")
    for parcel in (
        {"carrier": ""},
        {"carrier": "顺丰"},
        {"tracking_number": "1"},
        {"tracking_number": "x" * 41},
        {"weight": 3},
    ):
        wrong = ship(paid, **parcel)
        assert (wrong.status, wrong.body["code"]) == (400, "invalid_body"), parcel
    ship(paid)
    other = ship(paid, tracking_number="SF0987654321")
    assert (other.status, other.body["code"]) == (409, "already_shipped")
    stranger = paid.story.merchant(paid.story.registered("别家"))
    path = f"/v1/orders/{paid.order_id}/shipment"
    assert stranger.post(path, PARCEL, key=new_key()).status == 404
    someone = paid.story.shopper("somebody-else")
    path = f"/v1/orders/{paid.order_id}/receipt"
    assert someone.post(path, key=new_key()).status == 404
    unpaid = Purchase(paid.story)
    refused = ship(unpaid)
    assert (refused.status, refused.body["code"]) == (409, "order_not_shippable")


def parcel(purchase: Purchase) -> Any:
    return purchase.merchant.get(f"/v1/orders/{purchase.order_id}/shipment")


def test_wechat_is_told_of_the_parcel_and_tells_of_its_receipt(story: Story) -> None:
    purchase = Purchase(story)
    payment_id = purchase.pay()
    story.paid(payment_id)
    assert parcel(purchase).body["code"] == "shipment_not_found"
    ship(purchase, contact="189****1234")
    run_tick(story)
    shown = parcel(purchase)
    assert (shown.status, shown.body["report"]["state"]) == (200, "reported")
    told = story.sandbox.post(f"/control/parcels/{payment_id}", {"outcome": "received"})
    assert [each["status"] for each in told.body["deliveries"]] == [200]
    run_tick(story)
    assert purchase.order()["state"] == "released"


def test_a_forged_push_is_refused(story: Story) -> None:
    for query in ("", "?signature=0&timestamp=1&nonce=2&msg_signature=3"):
        for raw in (b"", b'{"Encrypt":"AAAA"}', b"<xml/>"):
            reply = story.api.post_raw(f"/v1/notifications/wechat{query}", raw, {})
            assert (reply.status, reply.body["code"]) == (400, "notification_refused")
        reply = story.api.get(f"/v1/notifications/wechat{query}")
        assert (reply.status, reply.body["code"]) == (400, "notification_refused")
