"""Who may do what to whose: every route, every caller, what is theirs and what is not.

What a caller's scope allows is read from the document (`x-scopes`); whose a thing is, is said here.
A route without a row fails, and so does a row without a route.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.front import described
from tests.edge.calls import listening
from tests.fakes.premises import Reply, premises
from tests.security.world import CALLERS, MISSING, PARCEL, PNG, STRANGERS, World

SCOPE_OF = {
    "shopper": "member",
    "other shopper": "member",
    "merchant": "merchant",
    "other merchant": "merchant",
    "operator": "operator",
    "partner": "partner",
    "member by issuer": "",  # the issuer can't make shoppers
}
OWNERS = {
    "order": {"shopper", "merchant", "operator"},
    "merchant": {"merchant", "operator"},
    "anybody": set(CALLERS),  # nobody's in particular, or the caller's own by construction
}


@dataclass(frozen=True)
class Row:
    """What an owner's call comes to, with what body, and whose the thing in the address is."""

    status: int
    whose: str = "anybody"
    body: Any = None
    order: str = "paid"
    media: str = "application/json"


DATE = {"business_date": "{day}"}
ONE_FEN = {"amount": {"amount": 1}}
ROWS: Mapping[str, Row] = {
    "GET /healthz": Row(200),
    "GET /openapi.json": Row(200),
    "POST /v1/sessions": Row(201, body={"provider": "wechat", "code": "somebody"}),
    "POST /v1/merchants": Row(201, body={"name": "丙"}),
    "GET /v1/merchants/{merchant_id}": Row(200, "merchant"),
    "POST /v1/merchants/{merchant_id}/terms": Row(200, "merchant", {}),
    "POST /v1/merchants/{merchant_id}/advances": Row(201, "merchant", ONE_FEN),
    "GET /v1/merchants/{merchant_id}/orders": Row(200, "merchant"),
    "GET /v1/merchants/{merchant_id}/balances": Row(200, "merchant"),
    "GET /v1/merchants/{merchant_id}/entries": Row(200, "merchant"),
    "GET /v1/merchants/{merchant_id}/days": Row(200, "merchant"),
    "GET /v1/merchants/{merchant_id}/payouts": Row(200, "merchant"),
    "GET /v1/merchants/{merchant_id}/statements/{day}": Row(200, "merchant"),
    "POST /v1/products": Row(201, body={"title": "茶", "price": {"amount": 1}, "stock": 1}),
    "GET /v1/products/{product_id}": Row(200),
    "POST /v1/orders": Row(
        201,
        body={
            "merchant_id": "{merchant_id}",
            "lines": [{"product_id": "{product_id}", "quantity": 1}],
        },
    ),
    "GET /v1/orders": Row(200),
    "GET /v1/orders/{order_id}": Row(200, "order"),
    "POST /v1/orders/{order_id}/payments": Row(
        201, "order", {"provider": "wechatpay"}, order="unpaid"
    ),
    "GET /v1/orders/{order_id}/shipment": Row(200, "order", order="shipped"),
    "POST /v1/orders/{order_id}/shipment": Row(201, "order", PARCEL),
    "POST /v1/orders/{order_id}/receipt": Row(200, "order", order="shipped"),
    "POST /v1/orders/{order_id}/releases": Row(200, "order", ONE_FEN),
    "POST /v1/orders/{order_id}/refunds": Row(201, "order", ONE_FEN | {"reason": "少发"}),
    "GET /v1/orders/{order_id}/refunds": Row(200, "order", order="refunded"),
    "GET /v1/orders/{order_id}/refunds/{refund_id}": Row(200, "order", order="refunded"),
    # No refund of this world waits for a hand: what an operator may do, the refund's state refuses.
    "POST /v1/orders/{order_id}/refunds/{refund_id}/funding": Row(409, "order", order="refunded"),
    "POST /v1/orders/{order_id}/refunds/{refund_id}/retry": Row(409, "order", order="refunded"),
    "POST /v1/orders/{order_id}/refunds/{refund_id}/settlement": Row(
        409, "order", {"reference": "bank 1"}, order="refunded"
    ),
    "POST /v1/orders/{order_id}/disputes": Row(201, "order", {"reason": "碎了"}),
    "GET /v1/orders/{order_id}/disputes": Row(200, "order", order="disputed"),
    "POST /v1/orders/{order_id}/disputes/{dispute_id}/withdrawal": Row(
        200, "order", order="disputed"
    ),
    "POST /v1/orders/{order_id}/disputes/{dispute_id}/decision": Row(
        200, "order", {"reason": "退一半"}, order="disputed"
    ),
    "POST /v1/orders/{order_id}/disputes/{dispute_id}/statements": Row(
        201, "order", {"text": "没有碎"}, order="disputed"
    ),
    "POST /v1/orders/{order_id}/disputes/{dispute_id}/evidence": Row(
        201, "order", PNG, order="disputed", media="image/png"
    ),
    "GET /v1/orders/{order_id}/disputes/{dispute_id}/evidence": Row(200, "order", order="disputed"),
    "GET /v1/orders/{order_id}/disputes/{dispute_id}/evidence/{evidence_id}": Row(
        200, "order", order="disputed"
    ),
    "POST /v1/settlements": Row(201, body=DATE),
    "GET /v1/settlements/{settlement_id}": Row(200),
    "GET /v1/settlements/{settlement_id}/payouts": Row(200),
    "GET /v1/payouts/{payout_id}": Row(200, "merchant"),
    "GET /v1/ledger/accounts/{account}": Row(200),
    "GET /v1/ledger/days/{day}": Row(200),
    "GET /v1/health/report": Row(200),
    "POST /v1/reconciliations": Row(202, body=DATE),
    "GET /v1/reconciliations": Row(200),
    "GET /v1/reconciliations/{business_date}": Row(200),
    "GET /v1/reconciliations/{business_date}/runs": Row(200),
    "GET /v1/reconciliations/{business_date}/discrepancies": Row(200),
    "GET /v1/reconciliations/{business_date}/report": Row(200),
    "GET /v1/discrepancies": Row(200),
    # Nothing differs in this world: an operator is let in, and finds none.
    "GET /v1/discrepancies/{discrepancy_id}": Row(404),
    "POST /v1/discrepancies/{discrepancy_id}/owner": Row(404, body={"owner": "me"}),
    "POST /v1/discrepancies/{discrepancy_id}/resolution": Row(
        404, body={"how": "nothing", "remark": "no"}
    ),
    # Whoever knocks here is believed for a signature, never for a token.
    "GET /v1/notifications/wechat": Row(400),
    "POST /v1/notifications/wechat": Row(400, body=b"{}"),
    "POST /v1/notifications/wechatpay": Row(400, body=b"{}"),
    "POST /v1/notifications/wechatpay/complaints": Row(400, body=b"{}"),
    "POST /v1/notifications/wechatpay/payouts": Row(400, body=b"{}"),
    "POST /v1/notifications/wechatpay/refunds": Row(400, body=b"{}"),
}
SCOPES = {
    f"{method.upper()} {path}": frozenset(operation.get("x-scopes", ()))
    for path, operations in described()["paths"].items()
    for method, operation in operations.items()
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with listening(), premises() as opened:
        yield World(opened)


@pytest.fixture(autouse=True)
def _as_it_was(world: World) -> Iterator[None]:
    """Let no call change what the next one meets."""
    table = world.premises.table
    saved = table.saved()
    with listening():
        yield
    table.restore(saved)


def asked(world: World, route: str, caller: str, **words: str) -> Reply:
    method, _, path = route.partition(" ")
    row = ROWS[route]
    held = world.own(getattr(world, row.order)) | words
    body = filled(row.body, world.own())
    headers = {"Content-Type": row.media} if row.body is not None else {}
    target = path.format(**held)
    return world.premises.ask(method, target, body, token=world.tokens[caller], headers=headers)


def filled(body: Any, words: Mapping[str, str]) -> Any:
    match body:
        case dict():
            return {name: filled(value, words) for name, value in body.items()}
        case list():
            return [filled(value, words) for value in body]
        case str():
            return body.format(**words)
        case _:
            return body


def test_every_route_has_its_row_and_every_row_its_route() -> None:
    assert set(ROWS) == set(SCOPES)


@pytest.mark.parametrize("stranger", STRANGERS)
def test_who_can_not_be_known_is_let_in_nowhere(world: World, stranger: str) -> None:
    for route, scopes in SCOPES.items():
        reply = asked(world, route, stranger)
        if scopes:
            assert (reply.status, reply.code) == (401, "unauthenticated"), (route, reply)
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        else:
            assert reply.status == ROWS[route].status, (route, reply)


@pytest.mark.parametrize("route", SCOPES)
def test_each_caller_gets_what_is_its_own_and_nothing_else(world: World, route: str) -> None:
    row, scopes, table = ROWS[route], SCOPES[route], world.premises.table
    saved = table.saved()
    for caller in CALLERS:
        reply = asked(world, route, caller)
        allowed = not scopes or SCOPE_OF[caller] in scopes
        if not allowed:
            assert (reply.status, reply.code) == (403, "forbidden"), (caller, reply)
            assert table.saved() == saved, f"{caller} is refused, and something was written"
        elif caller in OWNERS[row.whose]:
            assert reply.status == row.status, (caller, reply)
        else:
            assert reply.status == 404, (caller, reply)
            assert table.saved() == saved, f"{caller} is refused, and something was written"
        table.restore(saved)


FOREIGN = [
    (route, caller)
    for route, scopes in SCOPES.items()
    for caller in CALLERS
    if SCOPE_OF[caller] in scopes and caller not in OWNERS[ROWS[route].whose]
]


@pytest.mark.parametrize(("route", "caller"), FOREIGN)
def test_what_is_anothers_can_not_be_told_from_what_is_not(
    world: World, route: str, caller: str
) -> None:
    """No existence oracle: the same words for a stranger's thing and for none."""
    anothers = asked(world, route, caller)
    none = asked(world, route, caller, **MISSING)
    assert (anothers.status, anothers.body) == (none.status, none.body)


INNER = [
    (route, word, caller)
    for route, scopes in SCOPES.items()
    for word in ("dispute_id", "evidence_id", "refund_id")
    if f"{{{word}}}" in route
    for caller in ("shopper", "merchant", "operator")
    if SCOPE_OF[caller] in scopes
]


@pytest.mark.parametrize(("route", "word", "caller"), INNER)
def test_what_lies_in_another_order_is_not_found_in_ones_own(
    world: World, route: str, word: str, caller: str
) -> None:
    """The outer id is the caller's, the inner one is another order's."""
    assert asked(world, route, caller, order_id=world.paid).status == 404
    assert asked(world, route, caller, **{word: MISSING[word]}).status == 404


def test_a_row_that_is_wrong_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix can fail: let every merchant see every order, and it does."""
    monkeypatch.setattr("chalicelib.orders.api.Caller.own_merchant_id", world.merchant_id)
    with pytest.raises(AssertionError):
        test_each_caller_gets_what_is_its_own_and_nothing_else(world, "GET /v1/orders/{order_id}")
