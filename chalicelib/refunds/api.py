"""Refunds, over HTTP."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from chalicelib.catalog.api import Price
from chalicelib.edge.callers import Caller, Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.limits import REFUND
from chalicelib.edge.texts import Text64, visible
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import OrderId, PaymentId, ProductId, RefundId
from chalicelib.kernel.money import Money, fen
from chalicelib.orders.api import visible as visible_order
from chalicelib.orders.model import OrderDisputedError, OrderNotFoundError
from chalicelib.payments.api import hear_of_payment, word_in
from chalicelib.providers.port import NotificationRefusedError
from chalicelib.providers.refunds import Refunded
from chalicelib.refunds import wiring
from chalicelib.refunds.model import (
    REASON_CHARACTERS_MAX,
    OrderNotRefundableError,
    RefundNotFoundError,
    RefundNotWaitingError,
    RefundState,
    RefundTooLargeError,
    TooManyRefundsError,
)
from chalicelib.refunds.usecases import Shown

api = Api(__name__, authenticator=wiring.authenticator)

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=REASON_CHARACTERS_MAX),
    AfterValidator(visible),
]


class RefundOrder(BaseModel):
    """How much goes back to the shopper, and the reason that they read."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Price
    reason: Reason


class LineRefund(BaseModel):
    """What of a refund falls on a product."""

    product_id: ProductId
    amount: Money


class RefundView(BaseModel):
    """A refund: `waiting` for released money to come back, on its way, or at its end.

    `failure` says in the provider's word why it does not go on.
    """

    id: RefundId
    order_id: OrderId
    payment_id: PaymentId
    amount: Money
    state: RefundState
    reason: str
    created_at: AwareDatetime
    lines: list[LineRefund]
    failure: str | None


class RefundList(BaseModel):
    """An order's refunds; there are fifty at most, and those of late money."""

    items: list[RefundView]
    next: None = None


class SettleRefund(BaseModel):
    """How the platform paid it: a bank's reference."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reference: Text64


@api.post(
    "/v1/orders/{order_id}/refunds",
    scopes=[Scope.MERCHANT, Scope.OPERATOR],
    body=RefundOrder,
    answer=RefundView,
    status=201,
    idempotent=True,
    limit=REFUND,
    refusals=[
        OrderNotFoundError,
        OrderNotRefundableError,
        OrderDisputedError,
        RefundTooLargeError,
        TooManyRefundsError,
        IdempotencyKeyReusedError,
    ],
)
def refund_order(call: Call, order_id: str, body: RefundOrder) -> RefundView:
    """Refund an order, whole or in part; several refunds are spaced by a minute."""
    asked = OrderId.parse(order_id)
    refund = wiring.accept_refund().accept(
        asked,
        fen(body.amount.amount),
        body.reason,
        merchant_id=call.caller.only_merchant_id,
        caller=call.caller.subject,
        key=call.idempotency_key,
    )
    return _shown(call.caller, order_id, refund.id)


@api.get(
    "/v1/orders/{order_id}/refunds",
    scopes=[Scope.MEMBER, Scope.MERCHANT, Scope.OPERATOR],
    answer=RefundList,
    refusals=[OrderNotFoundError],
)
def list_refunds(call: Call, order_id: str) -> RefundList:
    """List an order's refunds to its shopper, its merchant, or an operator."""
    shown = wiring.read_refunds().of_order(visible_order(call.caller, order_id))
    return RefundList(items=[_view(one) for one in shown])


@api.get(
    "/v1/orders/{order_id}/refunds/{refund_id}",
    scopes=[Scope.MEMBER, Scope.MERCHANT, Scope.OPERATOR],
    answer=RefundView,
    refusals=[OrderNotFoundError, RefundNotFoundError],
)
def get_refund(call: Call, order_id: str, refund_id: str) -> RefundView:
    """Show a refund."""
    return _shown(call.caller, order_id, RefundId.parse(refund_id))


@api.post(
    "/v1/orders/{order_id}/refunds/{refund_id}/funding",
    scopes=[Scope.OPERATOR],
    answer=RefundView,
    idempotent=True,
    limit=REFUND,
    refusals=[OrderNotFoundError, RefundNotFoundError, RefundNotWaitingError],
)
def fund_refund(call: Call, order_id: str, refund_id: str) -> RefundView:
    """Pay a waiting refund for its merchant, which owes it from then on."""
    refund = wiring.refund_hands().fund(OrderId.parse(order_id), RefundId.parse(refund_id))
    return _shown(call.caller, order_id, refund.id)


@api.post(
    "/v1/orders/{order_id}/refunds/{refund_id}/retry",
    scopes=[Scope.OPERATOR],
    answer=RefundView,
    idempotent=True,
    limit=REFUND,
    refusals=[OrderNotFoundError, RefundNotFoundError, RefundNotWaitingError],
)
def retry_refund(call: Call, order_id: str, refund_id: str) -> RefundView:
    """Send a refund that the provider closed again, under a fresh number."""
    refund = wiring.refund_hands().retry(OrderId.parse(order_id), RefundId.parse(refund_id))
    return _shown(call.caller, order_id, refund.id)


@api.post(
    "/v1/orders/{order_id}/refunds/{refund_id}/settlement",
    scopes=[Scope.OPERATOR],
    body=SettleRefund,
    answer=RefundView,
    idempotent=True,
    limit=REFUND,
    refusals=[OrderNotFoundError, RefundNotFoundError, RefundNotWaitingError],
)
def settle_refund(call: Call, order_id: str, refund_id: str, body: SettleRefund) -> RefundView:
    """Record that the platform paid a refund from its bank, since the provider can't."""
    refund = wiring.refund_hands().settle(
        OrderId.parse(order_id), RefundId.parse(refund_id), reference=body.reference
    )
    return _shown(call.caller, order_id, refund.id)


@api.post(
    "/v1/notifications/wechatpay/refunds",
    raw=True,
    quiet=True,
    status=204,
    refusals=[NotificationRefusedError],
)
def wechatpay_refunded(call: Call) -> None:
    """Book what WeChat Pay says of a refund; answered only when it is safe."""
    heard = word_in(call)
    if isinstance(heard, Refunded):
        wiring.advance_refund().hear(heard)
    else:
        hear_of_payment(heard)


def _shown(caller: Caller, order_id: str, refund_id: RefundId) -> RefundView:
    shown = wiring.read_refunds().of_order(visible_order(caller, order_id))
    found = next((one for one in shown if one.refund.id == refund_id), None)
    if found is None:
        raise RefundNotFoundError("there is no such refund")
    return _view(found)


def _view(shown: Shown) -> RefundView:
    refund = shown.refund
    return RefundView(
        id=refund.id,
        order_id=refund.order_id,
        payment_id=refund.payment_id,
        amount=refund.amount,
        state=refund.state,
        reason=refund.reason,
        created_at=refund.created_at,
        lines=[LineRefund(product_id=product, amount=part) for product, part in shown.lines],
        failure=refund.failure or None,
    )
