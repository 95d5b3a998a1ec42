"""A shipment as it stands, and the door at which WeChat's pushes knock."""

from pydantic import AwareDatetime, BaseModel

from chalicelib.delivery import wiring
from chalicelib.delivery.model import ReportState, ShipmentNotFoundError
from chalicelib.edge import observe
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Answer, Api, Call
from chalicelib.kernel.ids import OrderId
from chalicelib.orders.api import visible
from chalicelib.orders.model import OrderNotFoundError
from chalicelib.providers.port import NotificationRefusedError

api = Api(__name__, authenticator=wiring.authenticator)

_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


class ReportView(BaseModel):
    """What WeChat said to a shipment; `reason` is its own code when it refused."""

    state: ReportState
    reported_at: AwareDatetime
    reason: str | None


class ParcelView(BaseModel):
    """A parcel on its way; `report` is null until WeChat has answered."""

    order_id: OrderId
    carrier: str
    tracking_number: str
    shipped_at: AwareDatetime
    receipt_due_at: AwareDatetime
    report: ReportView | None


@api.get(
    "/v1/orders/{order_id}/shipment",
    scopes=[Scope.MEMBER, Scope.MERCHANT, Scope.OPERATOR],
    answer=ParcelView,
    refusals=[OrderNotFoundError, ShipmentNotFoundError],
)
def get_shipment(call: Call, order_id: str) -> ParcelView:
    """Show the parcel of an order to those whose it is, and whether WeChat knows of it."""
    order, _ = visible(call.caller, order_id)
    sent = order.shipment
    if sent is None:
        raise ShipmentNotFoundError("this order was not shipped")
    report = wiring.reports().find(order.id)
    return ParcelView(
        order_id=order.id,
        carrier=sent.carrier,
        tracking_number=sent.tracking_number,
        shipped_at=sent.shipped_at,
        receipt_due_at=sent.receipt_due_at,
        report=ReportView(
            state=report.state, reported_at=report.reported_at, reason=report.reason or None
        )
        if report
        else None,
    )


@api.get(
    "/v1/notifications/wechat",
    quiet=True,
    media=["text/plain"],
    refusals=[NotificationRefusedError],
)
def wechat_looks(call: Call) -> Answer:
    """Prove to WeChat that this address is ours, when pushes are set up in its console."""
    return Answer(wiring.echo(call.parameters), status=200, headers=_PLAIN)


@api.post(
    "/v1/notifications/wechat",
    raw=True,
    quiet=True,
    media=["text/plain"],
    refusals=[NotificationRefusedError],
)
def wechat_pushed(call: Call) -> Answer:
    """Take what WeChat says of a delivery as a hint; answered when it is safe in the queue."""
    try:
        pushed = wiring.pushed_in(call.parameters, call.raw_body)
    except NotificationRefusedError as refused:
        observe.count("NotificationRefused", provider="wechat", reason=refused.reason)
        raise
    if not wiring.hear_of_receipts().hear(pushed):
        observe.count("NotificationIgnored", provider="wechat")
    return Answer("success", status=200, headers=_PLAIN)
