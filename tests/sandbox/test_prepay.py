"""What a prepay may say, what it answers, and what becomes of the order."""

from typing import Any

import pytest

from tests.sandbox.shop import JSAPI, NUMBER, Clock, Shop

GOODS = {"merchant_goods_id": "1", "quantity": 1, "unit_price": 1999}
NUMBER_QUERY = f"out-trade-no/{NUMBER}"
STORE = {"id": "1", "name": "大厦店", "area_code": "440305", "address": "科技中一道"}


@pytest.mark.parametrize(
    "changed",
    [
        {"out_trade_no": "a" * 6},
        {"out_trade_no": "a" * 32},
        {"out_trade_no": "A-b_c|d*1"},
        {"description": "拿" * 127},
        {"attach": "铁" * 128},
        {"notify_url": "https://shop.test/" + "n" * 237},
        {"notify_url": "http://localhost:8000/v1/notifications/wechatpay"},
        {"notify_url": "http://[::1]:8000/n"},
        {"amount": {"total": 1}},
        {"time_expire": "2026-11-24T16:30:00+08:00"},
        {"time_expire": "2026-11-24T08:30:00.250Z"},
        {"time_expire": "2020-01-01T00:00:00Z"},
        {"goods_tag": "WXG", "support_fapiao": True, "settle_info": {"profit_sharing": True}},
        {"detail": {"cost_price": 1, "invoice_id": "i", "goods_detail": [GOODS]}},
        {"scene_info": {"payer_client_ip": "14.23.150.211", "store_info": STORE}},
    ],
)
def test_a_good_prepay_is_taken(shop: Shop, changed: dict[str, Any]) -> None:
    reply = shop.call("POST", JSAPI, shop.form() | changed)
    assert reply.status == 200, reply.json
    assert len(reply.json["prepay_id"]) == 36


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("/out_trade_no", {"out_trade_no": "a" * 5}),
        ("/out_trade_no", {"out_trade_no": "a" * 33}),
        ("/out_trade_no", {"out_trade_no": "order@1"}),
        ("/out_trade_no", {"out_trade_no": "order1\n"}),
        ("/out_trade_no", {"out_trade_no": 1234567}),
        ("/description", {"description": ""}),
        ("/description", {"description": "拿" * 128}),
        ("/attach", {"attach": "铁" * 129}),
        ("/goods_tag", {"goods_tag": "g" * 33}),
        ("/notify_url", {"notify_url": "http://shop.test/n"}),
        ("/notify_url", {"notify_url": "https://shop.test/n?order=1"}),
        ("/notify_url", {"notify_url": "https://10.0.0.1/n"}),
        ("/notify_url", {"notify_url": "https://shop.test/" + "n" * 238}),
        ("/notify_url", {"notify_url": "ftp://127.0.0.1/n"}),
        ("/notify_url", {"notify_url": "http://[half"}),
        ("/time_expire", {"time_expire": "2026-11-24T16:30:00"}),
        ("/time_expire", {"time_expire": "2026-11-24 16:30:00+08:00"}),
        ("/time_expire", {"time_expire": "2026-13-24T16:30:00+08:00"}),
        ("/time_expire", {"time_expire": "2027-03-24T16:30:00+08:00"}),
        ("/amount/total", {"amount": {"total": 0}}),
        ("/amount/total", {"amount": {"total": -1}}),
        ("/amount/total", {"amount": {"total": 1999.0}}),
        ("/amount/total", {"amount": {"total": "1999"}}),
        ("/amount/total", {"amount": {"total": True}}),
        ("/amount/currency", {"amount": {"total": 1, "currency": "USD"}}),
        ("/amount/payer_total", {"amount": {"total": 1, "payer_total": 1}}),
        ("/payer/openid", {"payer": {}}),
        ("/payer/openid", {"payer": {"openid": ""}}),
        (
            "/detail/goods_detail/0/quantity",
            {"detail": {"goods_detail": [GOODS | {"quantity": 0}]}},
        ),
        ("/scene_info/payer_client_ip", {"scene_info": {}}),
        ("/settle_info/profit_sharing", {"settle_info": {"profit_sharing": "true"}}),
        ("/support_fapiao", {"support_fapiao": 1}),
        ("/colour", {"colour": "green"}),
        ("/mchid", {"mchid": None}),
        ("/description", {"description": "half a pair \ud800"}),
    ],
)
def test_a_wrong_field_is_named(shop: Shop, field: str, changed: dict[str, Any]) -> None:
    reply = shop.call("POST", JSAPI, shop.form() | changed)
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")
    assert reply.json["detail"]["field"] == field
    assert reply.json["detail"]["location"] == "body"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"amount": NaN}',
        b'{"mchid": "1", "mchid": "1"}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_object_is_refused(shop: Shop, body: bytes) -> None:
    reply = shop.call("POST", JSAPI, body)
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"mchid": "1900000000"}, "MCH_NOT_EXISTS"), ({"appid": "wx1"}, "APPID_MCHID_NOT_MATCH")],
)
def test_merchant_and_app_are_ours(shop: Shop, changed: dict[str, Any], code: str) -> None:
    assert shop.call("POST", JSAPI, shop.form() | changed).code == code


def test_the_same_again_has_the_same_prepay_id_while_it_lives(shop: Shop, clock: Clock) -> None:
    first = shop.prepaid()
    clock.forward(minutes=119)
    assert shop.prepaid() == first
    clock.forward(minutes=1)
    assert shop.prepaid() != first


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "两杯拿铁"},
        {"amount": {"total": 2000, "currency": "CNY"}},
        {"attach": "order:2"},
        {"payer": {"openid": "another"}},
    ],
)
def test_the_same_number_with_other_words_is_refused(shop: Shop, changed: dict[str, Any]) -> None:
    shop.prepaid()
    reply = shop.call("POST", JSAPI, shop.form() | changed)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")


def test_the_default_currency_is_no_other_word(shop: Shop) -> None:
    assert shop.prepaid(amount={"total": 1999}) == shop.prepaid(
        amount={"total": 1999, "currency": "CNY"}
    )


def test_a_paid_order_is_neither_prepaid_nor_closed(shop: Shop) -> None:
    shop.prepaid()
    shop.control("pay", out_trade_no=NUMBER, deliver=False)
    assert shop.call("POST", JSAPI, shop.form()).code == "ORDERPAID"
    assert shop.close().code == "ORDERPAID"
    assert shop.query().json["trade_state"] == "SUCCESS"


def test_a_closed_order_stays_closed(shop: Shop) -> None:
    shop.prepaid()
    assert [shop.close().status for _ in range(2)] == [204, 204]
    assert shop.call("POST", JSAPI, shop.form()).code == "ORDER_CLOSED"
    assert shop.control("pay", out_trade_no=NUMBER).code == "ORDER_CLOSED"
    assert shop.query().json["trade_state"] == "CLOSED"


@pytest.mark.parametrize(
    ("expiry", "open_seconds"),
    [
        ("2026-11-24T16:05:00+08:00", 300),
        ("2026-11-24T08:00:10Z", 60),  # under a minute counts as a minute
        (None, 7 * 86_400),
    ],
)
def test_an_unpaid_order_closes_at_its_expiry(
    shop: Shop, clock: Clock, expiry: str | None, open_seconds: int
) -> None:
    shop.prepaid(**({"time_expire": expiry} if expiry else {}))
    clock.forward(seconds=open_seconds - 1)
    assert shop.query().json["trade_state"] == "NOTPAY"
    clock.forward(seconds=1)
    assert shop.query().json["trade_state"] == "CLOSED"
    assert shop.control("pay", out_trade_no=NUMBER).code == "ORDER_CLOSED"


def test_a_query_tells_what_was_paid(shop: Shop) -> None:
    shop.prepaid(attach="order:1")
    before = shop.query().json
    assert before["trade_state"] == "NOTPAY"
    assert not {"transaction_id", "payer", "success_time", "bank_type"} & set(before)
    paid = shop.control("pay", out_trade_no=NUMBER, deliver=False).json
    after = shop.query().json
    assert after["transaction_id"] == paid["transaction_id"]
    assert len(after["transaction_id"]) == 28
    assert after["transaction_id"].isdigit()
    assert after["success_time"] == "2026-11-24T16:00:00+08:00"
    assert after["attach"] == "order:1"
    by_id = f"/v3/pay/transactions/id/{after['transaction_id']}?mchid={shop.keys.mch_id}"
    assert shop.call("GET", by_id).json == after


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("out-trade-no/unknown?mchid={mchid}", 404, "ORDER_NOT_EXIST"),
        ("id/4200000000?mchid={mchid}", 404, "ORDER_NOT_EXIST"),
        (NUMBER_QUERY, 400, "PARAM_ERROR"),
        (NUMBER_QUERY + "?mchid=1", 400, "MCH_NOT_EXISTS"),
        (NUMBER_QUERY + "?mchid={mchid}&x=1", 400, "PARAM_ERROR"),
    ],
)
def test_a_wrong_query_is_refused(shop: Shop, target: str, status: int, code: str) -> None:
    shop.prepaid()
    path = f"/v3/pay/transactions/{target.format(mchid=shop.keys.mch_id)}"
    reply = shop.call("GET", path)
    assert (reply.status, reply.code) == (status, code)


def test_a_close_of_what_never_was_is_refused(shop: Shop) -> None:
    assert (shop.close().status, shop.close().code) == (404, "ORDER_NOT_EXIST")
