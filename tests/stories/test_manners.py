"""HTTP manners: who may do what, and what is said about bad input."""

from typing import Any

import pytest

from app import app
from chalicelib.kernel.ids import (
    DiscrepancyId,
    MerchantId,
    OrderId,
    PayoutId,
    ProductId,
    SettlementId,
)
from local.client import Client
from local.story import Story, new_key

ORDER, PRODUCT, MERCHANT = OrderId.derive("x"), ProductId.derive("x"), MerchantId.derive("x")
SETTLEMENT, PAYOUT = SettlementId.derive("x"), PayoutId.derive("x")
DISCREPANCY = DiscrepancyId.derive("x")
ROUTES: list[tuple[str, str, set[str]]] = [
    ("POST", "/v1/merchants", {"operator"}),
    ("GET", f"/v1/merchants/{MERCHANT}", {"operator", "merchant"}),
    ("POST", "/v1/products", {"merchant"}),
    ("GET", f"/v1/products/{PRODUCT}", {"member", "merchant", "operator"}),
    ("POST", "/v1/orders", {"member"}),
    ("GET", "/v1/orders", {"member"}),
    ("GET", f"/v1/orders/{ORDER}", {"member", "merchant", "operator"}),
    ("POST", f"/v1/orders/{ORDER}/payments", {"member"}),
    ("POST", f"/v1/orders/{ORDER}/shipment", {"merchant"}),
    ("POST", f"/v1/orders/{ORDER}/receipt", {"member"}),
    ("GET", f"/v1/merchants/{MERCHANT}/orders", {"operator", "merchant"}),
    ("GET", f"/v1/merchants/{MERCHANT}/balances", {"operator", "merchant"}),
    ("GET", f"/v1/merchants/{MERCHANT}/entries", {"operator", "merchant"}),
    ("GET", f"/v1/merchants/{MERCHANT}/days", {"operator", "merchant"}),
    ("POST", f"/v1/merchants/{MERCHANT}/terms", {"operator"}),
    ("POST", f"/v1/orders/{ORDER}/releases", {"member"}),
    ("GET", f"/v1/merchants/{MERCHANT}/statements/2026-11-24", {"operator", "merchant"}),
    ("GET", f"/v1/merchants/{MERCHANT}/payouts", {"operator", "merchant"}),
    ("POST", f"/v1/merchants/{MERCHANT}/advances", {"operator"}),
    ("POST", "/v1/settlements", {"operator"}),
    ("GET", f"/v1/settlements/{SETTLEMENT}", {"operator"}),
    ("GET", f"/v1/settlements/{SETTLEMENT}/payouts", {"operator"}),
    ("GET", f"/v1/payouts/{PAYOUT}", {"operator", "merchant"}),
    ("GET", "/v1/ledger/accounts/platform:suspense", {"operator"}),
    ("GET", "/v1/ledger/days/2026-11-24", {"operator"}),
    ("GET", "/v1/health/report", {"operator"}),
    ("POST", "/v1/reconciliations", {"operator"}),
    ("GET", "/v1/reconciliations", {"operator"}),
    ("GET", "/v1/reconciliations/2020-11-24", {"operator"}),
    ("GET", "/v1/reconciliations/2020-11-24/runs", {"operator"}),
    ("GET", "/v1/reconciliations/2020-11-24/discrepancies", {"operator"}),
    ("GET", "/v1/reconciliations/2020-11-24/report", {"operator"}),
    ("GET", "/v1/discrepancies", {"operator"}),
    ("GET", f"/v1/discrepancies/{DISCREPANCY}", {"operator"}),
    ("POST", f"/v1/discrepancies/{DISCREPANCY}/owner", {"operator"}),
    ("POST", f"/v1/discrepancies/{DISCREPANCY}/resolution", {"operator"}),
]


@pytest.fixture
def callers(story: Story) -> dict[str, Client]:
    return {
        "member": story.shopper("somebody"),
        "merchant": story.merchant(MerchantId.derive("unregistered")),
        "operator": story.operator(),
    }


def call(client: Client, method: str, path: str) -> Any:
    return client.get(path) if method == "GET" else client.post(path, {}, key=new_key())


def test_every_route_is_open_to_its_callers_and_to_nobody_else(
    story: Story, callers: dict[str, Client]
) -> None:
    for method, path, scopes in ROUTES:
        assert call(story.api, method, path).status == 401
        assert call(story.api.signed_in("e30.e30.e30"), method, path).status == 401
        for scope, client in callers.items():
            reply = call(client, method, path)
            if scope in scopes:
                assert reply.status in {200, 400, 404}, (scope, path, reply)
            else:
                assert (reply.status, reply.body["code"]) == (403, "forbidden"), (scope, path)


def test_one_merchant_never_sees_anothers(story: Story) -> None:
    ours, other = story.registered("甲"), story.registered("乙")
    product = story.product(story.merchant(ours), "茶", 100, 5)
    order = story.order(story.shopper("a"), ours, product, 1)
    assert story.merchant(ours).get(f"/v1/orders/{order['id']}").status == 200
    assert story.merchant(other).get(f"/v1/orders/{order['id']}").status == 404
    assert story.merchant(other).get(f"/v1/merchants/{ours}").status == 404
    for kind in ("orders", "balances", "entries", "days", "payouts"):
        path = f"/v1/merchants/{ours}/{kind}"
        assert story.merchant(ours).get(path).status == 200
        assert story.merchant(other).get(path).status == 404
        assert story.operator().get(path).status == 200
    assert story.shopper("b").get(f"/v1/orders/{order['id']}").status == 404
    assert story.operator().get(f"/v1/orders/{order['id']}").status == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"title", "price", "stock"}),
        ({"title": " ", "price": {"amount": 0}, "stock": -1}, {"title", "price.amount", "stock"}),
        ({"title": "茶", "price": 19.99, "stock": "5"}, {"price", "stock"}),
        (
            {"title": "a\u0000b", "price": {"amount": 1, "currency": "USD"}, "stock": True},
            {"title", "price.currency", "stock"},
        ),
        (
            {"title": "茶", "price": {"amount": 1.5, "x": 1}, "stock": 1, "id": "me"},
            {"price.amount", "price.x", "id"},
        ),
    ],
)
def test_every_wrong_field_is_listed(story: Story, body: object, fields: set[str]) -> None:
    reply = story.merchant(MERCHANT).post("/v1/products", body, key=new_key())
    assert (reply.status, reply.body["code"]) == (400, "invalid_body")
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in reply.body["errors"]} == fields


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"", 400, "invalid_body"),
        (b"[]", 400, "invalid_body"),
        (b"{", 400, "invalid_body"),
        (b'{"name":"a","name":"b"}', 400, "invalid_body"),
        (b'{"name":NaN}', 400, "invalid_body"),
        (b'{"name":"\xff"}', 400, "invalid_body"),
        (b'{"name":"\\ud800"}', 400, "invalid_body"),
        (b"[" * 20_000, 400, "invalid_body"),
        (b'{"name":' + b"[" * 20_000, 400, "invalid_body"),
        (b'{"name":"' + b"a" * 300_000 + b'"}', 413, "body_too_large"),
        (b'{"name":"' + b"a" * 2_000_000 + b'"}', 413, "body_too_large"),
    ],
)
def test_bodies_that_nobody_can_read_are_refused(
    story: Story, raw: bytes, status: int, code: str
) -> None:
    token = story.operator()
    headers = {"Content-Type": "application/json", "Idempotency-Key": new_key()}
    headers["Authorization"] = f"Bearer {token._token}"
    reply = story.api.post_raw("/v1/merchants", raw, headers)
    assert (reply.status, reply.body["code"]) == (status, code)


def test_a_key_is_required_and_belongs_to_one_body(story: Story) -> None:
    operator = story.operator()
    assert operator.post("/v1/merchants", {"name": "甲"}).body["code"] == "idempotency_key_required"
    first = operator.post("/v1/merchants", {"name": "甲"}, key="one")
    assert operator.post("/v1/merchants", {"name": "甲"}, key="one").body == first.body
    reused = operator.post("/v1/merchants", {"name": "乙"}, key="one")
    assert (reused.status, reused.body["code"]) == (422, "idempotency_key_reused")


def test_what_is_not_there_and_not_possible_is_a_problem_too(story: Story) -> None:
    for method, path, status in [
        ("GET", "/v1/nothing", 404),
        ("GET", "/", 404),
        ("GET", "/v1/orders/x/y/z", 404),
        ("GET", "/v1/notifications/wechatpay", 405),
        ("POST", "/healthz", 405),
    ]:
        reply = call(story.api, method, path)
        assert reply.status == status
        assert reply.headers["Content-Type"] == "application/problem+json"
    media = story.api.post_raw("/v1/sessions", b"{}", {"Content-Type": "text/plain"})
    assert (media.status, media.body["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/v1/orders/%F0%9F%8D%B5", "/v1/orders/..%2F..", "/v1/orders/x"])
def test_ids_that_are_none_are_refused(story: Story, path: str) -> None:
    reply = story.operator().get(path)
    assert (reply.status, reply.body["code"]) == (400, "invalid_id")


def test_a_login_that_wechat_refuses_is_refused(story: Story) -> None:
    for code in ("bad-code", "bad"):
        reply = story.api.post("/v1/sessions", {"provider": "wechat", "code": code})
        assert (reply.status, reply.body["code"]) == (401, "login_refused")


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", "limit=x", "state=gone", "x=1"])
def test_a_query_that_makes_no_sense_is_refused(story: Story, query: str) -> None:
    assert story.shopper("a").get(f"/v1/orders?{query}").status == 400


def test_orders_are_listed_page_by_page(story: Story) -> None:
    shopper, merchant_id = story.shopper("lister"), story.registered("茶")
    product = story.product(story.merchant(merchant_id), "茶", 100, 50)
    placed = [story.order(shopper, merchant_id, product, 1)["id"] for _ in range(5)]
    seen, cursor = [], ""
    while True:
        reply = shopper.get(f"/v1/orders?limit=2{cursor}")
        seen += [order["id"] for order in reply.body["items"]]
        if reply.body["next"] is None:
            break
        cursor = f"&cursor={reply.body['next']}"
    assert seen == placed[::-1]
    assert shopper.get("/v1/orders?state=paid").body["items"] == []
    other = story.shopper("another")
    assert other.get(f"/v1/orders?limit=2{cursor}").body == {"items": [], "next": None}


def test_the_document_describes_every_route(story: Story) -> None:
    document = story.api.get("/openapi.json").body
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, of in document["paths"].items() for method in of}
    assert described == {(method, route) for route in app.routes for method in app.routes[route]}
