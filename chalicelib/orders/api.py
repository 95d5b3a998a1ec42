"""Orders, over HTTP."""

import re
from collections.abc import Sequence

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from chalicelib.catalog.model import OutOfStockError
from chalicelib.edge.callers import Caller, Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.limits import ORDER
from chalicelib.edge.pages import InvalidCursorError, Page, next_cursor, place_in
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import MerchantId, OrderId, ProductId
from chalicelib.kernel.money import Money
from chalicelib.orders import wiring
from chalicelib.orders.model import (
    LINES_MAX,
    QUANTITY_MAX,
    OrderNotFoundError,
    OrderState,
    OrderTotalTooLargeError,
    Placed,
    ProductsNotFoundError,
    Shipment,
    Wanted,
)
from chalicelib.people import wiring as people
from chalicelib.people.model import MerchantNotFoundError

api = Api(__name__, authenticator=wiring.authenticator)

_LIST = "orders"


class PlaceLine(BaseModel):
    """So many of a product; the price is the catalogue's."""

    model_config = ConfigDict(extra="forbid", strict=True)

    product_id: ProductId
    quantity: int = Field(ge=1, le=QUANTITY_MAX)


class PlaceOrder(BaseModel):
    """What a shopper wants of one merchant."""

    model_config = ConfigDict(extra="forbid", strict=True)

    merchant_id: MerchantId
    lines: list[PlaceLine] = Field(min_length=1, max_length=LINES_MAX)

    @model_validator(mode="after")
    def _each_product_once(self) -> "PlaceOrder":
        if len({line.product_id for line in self.lines}) != len(self.lines):
            raise ValueError("each product once: say how many in its quantity")
        return self


class LineView(BaseModel):
    """A line of an order."""

    product_id: ProductId
    title: str
    quantity: int
    price: Money
    total: Money


class ShipmentView(BaseModel):
    """Goods on their way; unless the shopper speaks, they are taken as received when it is due."""

    carrier: str
    tracking_number: str
    shipped_at: AwareDatetime
    receipt_due_at: AwareDatetime


_PLACE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/ord_[0-9A-Z]{26}"
_IN_MEMBERS_LIST, _IN_MERCHANTS_LIST = re.compile(rf"order/{_PLACE}"), re.compile(_PLACE)
"""Places in a shopper's and in a merchant's list, as their pages end with."""


class OrderView(BaseModel):
    """An order: `due` is to be paid, `held` is kept aside (担保), `released` is not any more.

    `refunded` is on its way back to the shopper, or there; `disputed` says that the hold stays.
    """

    id: OrderId
    state: OrderState
    merchant_id: MerchantId
    total: Money
    due: Money
    held: Money
    released: Money
    refunded: Money
    disputed: bool
    lines: list[LineView]
    created_at: AwareDatetime
    expires_at: AwareDatetime
    shipment: ShipmentView | None


class ListOrders(BaseModel):
    """Which orders, and from where on."""

    model_config = ConfigDict(extra="forbid")

    state: OrderState | None = None
    cursor: str | None = Field(default=None, max_length=512)
    limit: int = Field(default=20, ge=1, le=100)


@api.post(
    "/v1/orders",
    scopes=[Scope.MEMBER],
    body=PlaceOrder,
    answer=OrderView,
    status=201,
    idempotent=True,
    limit=ORDER,
    refusals=[
        ProductsNotFoundError,
        OutOfStockError,
        OrderTotalTooLargeError,
        IdempotencyKeyReusedError,
    ],
)
def place_order(call: Call, body: PlaceOrder) -> OrderView:
    """Place an order at the catalogue's prices."""
    wanted = [Wanted(product_id=line.product_id, quantity=line.quantity) for line in body.lines]
    return shown(
        wiring.place_order().place(
            call.caller.member_id, body.merchant_id, wanted, key=call.idempotency_key
        )
    )


@api.get(
    "/v1/orders/{order_id}",
    scopes=[Scope.MEMBER, Scope.MERCHANT, Scope.OPERATOR],
    answer=OrderView,
    refusals=[OrderNotFoundError],
)
def get_order(call: Call, order_id: str) -> OrderView:
    """Show an order to its shopper, its merchant, or an operator."""
    return shown(visible(call.caller, order_id))


@api.get(
    "/v1/orders",
    scopes=[Scope.MEMBER],
    query=ListOrders,
    answer=Page[OrderView],
    refusals=[InvalidCursorError],
)
def list_orders(call: Call, query: ListOrders) -> Page[OrderView]:
    """List a shopper's own orders, newest first."""
    after = place_in(_LIST, query.cursor, _IN_MEMBERS_LIST)
    placed, ended = wiring.read_orders().of_member(
        call.caller.member_id, state=query.state, after=after, limit=query.limit
    )
    return _page(_LIST, placed, ended)


@api.get(
    "/v1/merchants/{merchant_id}/orders",
    scopes=[Scope.MERCHANT, Scope.OPERATOR],
    query=ListOrders,
    answer=Page[OrderView],
    refusals=[MerchantNotFoundError, InvalidCursorError],
)
def list_merchants_orders(call: Call, merchant_id: str, query: ListOrders) -> Page[OrderView]:
    """List a merchant's orders, all or in one state, newest first; a second behind the commits."""
    only = call.caller.only_merchant_id
    asked = people.merchants().shown_to(MerchantId.parse(merchant_id), only)
    name = f"{_LIST} of {asked}"
    after = place_in(name, query.cursor, _IN_MERCHANTS_LIST)
    placed, ended = wiring.read_orders().of_merchant(
        asked, state=query.state, after=after, limit=query.limit
    )
    return _page(name, placed, ended)


def _page(name: str, placed: Sequence[Placed], ended: str | None) -> Page[OrderView]:
    return Page[OrderView](
        items=[shown(one) for one in placed],
        next=next_cursor(name, ended),
    )


def visible(caller: Caller, order_id: str) -> Placed:
    """Return an order to those whose it is, or raise `OrderNotFoundError`."""
    asked, orders = OrderId.parse(order_id), wiring.read_orders()
    if Scope.OPERATOR in caller.scopes:
        return orders.for_operator(asked)
    if Scope.MERCHANT in caller.scopes:
        return orders.for_merchant(asked, caller.own_merchant_id)
    return orders.for_member(asked, caller.member_id)


def shown(placed: Placed) -> OrderView:
    """Show an order with its lines."""
    order, lines = placed
    return OrderView(
        id=order.id,
        state=order.state,
        merchant_id=order.merchant_id,
        total=order.total,
        due=order.due,
        held=order.held,
        released=order.released,
        refunded=order.refunded + order.returned,
        disputed=order.dispute is not None,
        lines=[
            LineView(
                product_id=line.product_id,
                title=line.title,
                quantity=line.quantity,
                price=line.price,
                total=line.total(),
            )
            for line in lines
        ],
        created_at=order.created_at,
        expires_at=order.expires_at,
        shipment=_shipment(order.shipment) if order.shipment else None,
    )


def _shipment(sent: Shipment) -> ShipmentView:
    return ShipmentView(
        carrier=sent.carrier,
        tracking_number=sent.tracking_number,
        shipped_at=sent.shipped_at,
        receipt_due_at=sent.receipt_due_at,
    )
