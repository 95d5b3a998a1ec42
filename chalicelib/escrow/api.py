"""Shipping an order, and confirming that it came."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from chalicelib.catalog.api import Price
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Api, Call
from chalicelib.escrow import wiring
from chalicelib.escrow.model import (
    AlreadyShippedError,
    OrderNotReceivableError,
    OrderNotShippableError,
    ReleaseTooLargeError,
)
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import OrderId
from chalicelib.kernel.money import fen
from chalicelib.orders import wiring as orders
from chalicelib.orders.api import OrderView, shown
from chalicelib.orders.model import OrderDisputedError, OrderNotFoundError

api = Api(__name__, authenticator=wiring.authenticator)


class ShipOrder(BaseModel):
    """The carrier's code at WeChat, such as `SF`, and the parcel's number.

    `contact` is the sender's masked telephone, without which some carriers give no word.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    carrier: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,20}$")]
    tracking_number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{4,40}$")]
    contact: Annotated[str, StringConstraints(pattern=r"^\d{3}\*{4}\d{4}$")] | None = None


@api.post(
    "/v1/orders/{order_id}/shipment",
    scopes=[Scope.MERCHANT],
    body=ShipOrder,
    answer=OrderView,
    status=201,
    refusals=[OrderNotFoundError, OrderNotShippableError, AlreadyShippedError],
)
def ship_order(call: Call, order_id: str, body: ShipOrder) -> OrderView:
    """Say that a paid order is on its way."""
    merchant_id, asked = call.caller.own_merchant_id, OrderId.parse(order_id)
    order = wiring.ship().ship(
        merchant_id, asked, body.carrier, body.tracking_number, contact=body.contact
    )
    return shown(orders.read_orders().with_lines(order))


class ReleasePart(BaseModel):
    """How much of the held money is the merchant's now, in fen."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Price


@api.post(
    "/v1/orders/{order_id}/releases",
    scopes=[Scope.MEMBER],
    body=ReleasePart,
    answer=OrderView,
    idempotent=True,
    refusals=[
        OrderNotFoundError,
        OrderNotReceivableError,
        OrderDisputedError,
        ReleaseTooLargeError,
        IdempotencyKeyReusedError,
    ],
)
def release_part(call: Call, order_id: str, body: ReleasePart) -> OrderView:
    """Release a part of the held money before all has come, as at a milestone."""
    order = wiring.release().release_part(
        call.caller.member_id,
        OrderId.parse(order_id),
        fen(body.amount.amount),
        key=call.idempotency_key,
    )
    return shown(orders.read_orders().with_lines(order))


@api.post(
    "/v1/orders/{order_id}/receipt",
    scopes=[Scope.MEMBER],
    answer=OrderView,
    idempotent=True,
    refusals=[OrderNotFoundError, OrderNotReceivableError, OrderDisputedError],
)
def confirm_receipt(call: Call, order_id: str) -> OrderView:
    """Confirm that the goods came: the held money becomes the merchant's."""
    order = wiring.release().confirm(call.caller.member_id, OrderId.parse(order_id))
    return shown(orders.read_orders().with_lines(order))
