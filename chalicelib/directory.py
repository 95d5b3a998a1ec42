"""Who answers where, so that a function enters a room only when somebody asks for it.

A deployed function serves one part of the API and knows only addresses when it starts; the room
behind one is imported by the first request to it. Only the room through which every notification
passes is entered at once: Lambda gives a function that starts a whole processor. The rooms' own
declarations are the truth, and a test holds this page to them.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.edge.http import Api

NOTIFICATIONS, ROOMS = "notifications", "rooms"
NOTIFIED = "/v1/notifications/"
_ENTERED_AT_ONCE = {NOTIFICATIONS: ("payments",), ROOMS: ()}

_FRONT = "front"

BY_ROOM = {
    _FRONT: """
        GET  /healthz
        GET  /openapi.json
    """,
    "people": """
        POST /v1/sessions
        POST /v1/merchants
        POST /v1/merchants/{merchant_id}/terms
        GET  /v1/merchants/{merchant_id}
    """,
    "catalog": """
        POST /v1/products
        GET  /v1/products/{product_id}
    """,
    "orders": """
        POST /v1/orders
        GET  /v1/orders
        GET  /v1/orders/{order_id}
        GET  /v1/merchants/{merchant_id}/orders
    """,
    "payments": """
        POST /v1/orders/{order_id}/payments
        POST /v1/notifications/wechatpay
    """,
    "escrow": """
        POST /v1/orders/{order_id}/shipment
        POST /v1/orders/{order_id}/releases
        POST /v1/orders/{order_id}/receipt
    """,
    "refunds": """
        POST /v1/orders/{order_id}/refunds
        GET  /v1/orders/{order_id}/refunds
        GET  /v1/orders/{order_id}/refunds/{refund_id}
        POST /v1/orders/{order_id}/refunds/{refund_id}/funding
        POST /v1/orders/{order_id}/refunds/{refund_id}/retry
        POST /v1/orders/{order_id}/refunds/{refund_id}/settlement
        POST /v1/notifications/wechatpay/refunds
    """,
    "delivery": """
        GET  /v1/orders/{order_id}/shipment
        GET  /v1/notifications/wechat
        POST /v1/notifications/wechat
    """,
    "settlement": """
        POST /v1/settlements
        GET  /v1/settlements/{settlement_id}
        GET  /v1/settlements/{settlement_id}/payouts
        GET  /v1/merchants/{merchant_id}/payouts
        GET  /v1/payouts/{payout_id}
        POST /v1/merchants/{merchant_id}/advances
        POST /v1/notifications/wechatpay/payouts
    """,
    "disputes": """
        POST /v1/orders/{order_id}/disputes
        GET  /v1/orders/{order_id}/disputes
        POST /v1/orders/{order_id}/disputes/{dispute_id}/withdrawal
        POST /v1/orders/{order_id}/disputes/{dispute_id}/decision
        POST /v1/orders/{order_id}/disputes/{dispute_id}/statements
        POST /v1/orders/{order_id}/disputes/{dispute_id}/evidence
        GET  /v1/orders/{order_id}/disputes/{dispute_id}/evidence
        GET  /v1/orders/{order_id}/disputes/{dispute_id}/evidence/{evidence_id}
    """,
    "complaints": """
        POST /v1/notifications/wechatpay/complaints
    """,
    "books": """
        GET  /v1/merchants/{merchant_id}/balances
        GET  /v1/merchants/{merchant_id}/statements/{day}
        GET  /v1/merchants/{merchant_id}/entries
        GET  /v1/merchants/{merchant_id}/days
        GET  /v1/ledger/days/{day}
        GET  /v1/ledger/accounts/{account}
    """,
    "health": """
        GET  /v1/health/report
    """,
    "reconciliation": """
        POST /v1/reconciliations
        GET  /v1/reconciliations
        GET  /v1/reconciliations/{business_date}
        GET  /v1/reconciliations/{business_date}/runs
        GET  /v1/reconciliations/{business_date}/discrepancies
        GET  /v1/reconciliations/{business_date}/report
        GET  /v1/discrepancies
        GET  /v1/discrepancies/{discrepancy_id}
        POST /v1/discrepancies/{discrepancy_id}/owner
        POST /v1/discrepancies/{discrepancy_id}/resolution
    """,
}


def routes() -> Iterator[tuple[str, str, str]]:
    """Return every room, method and path."""
    for room, listed in BY_ROOM.items():
        for line in listed.strip().splitlines():
            method, path = line.split()
            yield room, method, path


def doors(part: str) -> Blueprint:
    """Return the routes of one part of the API; behind each, its room is entered when asked."""
    assert part in _ENTERED_AT_ONCE, f"no part of the API: {part}"
    blueprint = Blueprint(__name__)
    for room, method, path in routes():
        if path.startswith(NOTIFIED) == (part == NOTIFICATIONS):
            route = blueprint.route(path, methods=[method], content_types=["*/*"])
            route(_door(room, method, path))
    for room in _ENTERED_AT_ONCE[part]:
        _entered(room)
    return blueprint


def _door(room: str, method: str, path: str) -> Any:
    def enter(**path_parameters: str) -> Response:
        return _entered(room).views[method, path](**path_parameters)

    return enter


def _entered(room: str) -> Api:
    """Import a room's routes; those of no room are the front's."""
    from chalicelib import outside

    api: Api = import_module(f"chalicelib.{_FRONT if room == _FRONT else f'{room}.api'}").api
    api.watch = outside.watch
    return api
