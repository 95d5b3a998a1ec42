"""Paying an order, and hearing from the provider."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from chalicelib.edge import observe
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Answer, Api, Call
from chalicelib.edge.limits import PAYMENT
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import OrderId, PaymentId
from chalicelib.kernel.money import Money
from chalicelib.orders.model import OrderNotFoundError
from chalicelib.payments import wiring
from chalicelib.payments.model import (
    OrderNotPayableError,
    PaymentNotPayableError,
    PaymentState,
    ProviderNotOfferedError,
    SellerUnknownError,
)
from chalicelib.payments.rules import take_complaint_command
from chalicelib.providers.complaints import Complained
from chalicelib.providers.funds import Transferred
from chalicelib.providers.port import (
    Collected,
    Heard,
    NotificationRefusedError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.refunds import Refunded

if TYPE_CHECKING:
    from chalicelib.payments.usecases.start import Started

api = Api(__name__, authenticator=wiring.authenticator)

WECHATPAY = "wechatpay"


class StartPayment(BaseModel):
    """With whom to pay."""

    model_config = ConfigDict(extra="forbid", strict=True)

    provider: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}$")]


class PaymentView(BaseModel):
    """A payment; `invoke` is what the mini-program hands to the provider's cashier.

    It is null when the payment is captured already, and when the provider's answer got lost: the
    status is then 202, and the same request under the same key asks again.
    """

    id: PaymentId
    order_id: OrderId
    provider: str
    state: PaymentState
    amount: Money
    created_at: AwareDatetime
    invoke: dict[str, str] | None


@api.post(
    "/v1/orders/{order_id}/payments",
    scopes=[Scope.MEMBER],
    body=StartPayment,
    answer=PaymentView,
    status=201,
    idempotent=True,
    limit=PAYMENT,
    refusals=[
        OrderNotFoundError,
        OrderNotPayableError,
        PaymentNotPayableError,
        ProviderNotOfferedError,
        SellerUnknownError,
        ProviderRejectedError,
        ProviderUnavailableError,
        IdempotencyKeyReusedError,
    ],
)
def start_payment(call: Call, order_id: str, body: StartPayment) -> PaymentView | Answer:
    """Start a payment of all that an order is due."""
    started = wiring.start_payment().start(
        call.caller.member_id, OrderId.parse(order_id), body.provider, key=call.idempotency_key
    )
    view = _shown(started)
    waiting = started.payment.state is PaymentState.PENDING and started.invoke is None
    return Answer(view, status=202) if waiting else view


@api.post(
    "/v1/notifications/wechatpay",
    raw=True,
    quiet=True,
    status=204,
    refusals=[NotificationRefusedError],
)
def wechatpay_notified(call: Call) -> None:
    """Book what WeChat Pay says was paid; answered only when it is safe."""
    heard = word_in(call)
    if isinstance(heard, Transferred | Refunded):
        observe.count("NotificationRefused", provider=WECHATPAY, reason="door")
        raise NotificationRefusedError("this word belongs to another door", reason="door")
    hear_of_payment(heard)


def word_in(call: Call) -> Heard:
    """Return what WeChat Pay verifiably says at any of its doors, and count what is refused."""
    try:
        return wiring.heard_in(call.headers, call.raw_body)
    except NotificationRefusedError as refused:
        observe.count("NotificationRefused", provider=WECHATPAY, reason=refused.reason)
        raise


def hear_of_payment(heard: Heard) -> None:
    """Book a payment, at whichever door it was told: money is money. Anything else is counted.

    A complaint says nothing but its id, so any door can hand it on to whom it concerns.
    """
    if isinstance(heard, Collected):
        wiring.hear().hear(heard)
    elif isinstance(heard, Complained):
        wiring.hand_on(take_complaint_command(heard))
    else:
        observe.count("NotificationIgnored", provider=WECHATPAY)
        observe.note("an event of no concern", what=type(heard).__name__)


def _shown(started: "Started") -> PaymentView:
    payment = started.payment
    return PaymentView(
        id=payment.id,
        order_id=payment.order_id,
        provider=payment.provider,
        state=payment.state,
        amount=payment.amount,
        created_at=payment.created_at,
        invoke=started.invoke,
    )
