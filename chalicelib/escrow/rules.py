"""When goods are taken as received, and what the platform takes. Pure."""

from datetime import datetime, timedelta

from chalicelib.kernel.money import Money
from chalicelib.orders.model import Order, OrderState, Shipment


def shipment(carrier: str, tracking_number: str, *, at: datetime, receipt_days: int) -> Shipment:
    """Return a shipment that is taken as received after so many days."""
    return Shipment(
        carrier=carrier,
        tracking_number=tracking_number,
        shipped_at=at,
        receipt_due_at=at + timedelta(days=receipt_days),
    )


def is_same_parcel(order: Order, carrier: str, tracking_number: str) -> bool:
    """Tell whether an order was shipped just so."""
    sent = order.shipment
    return sent is not None and (sent.carrier, sent.tracking_number) == (carrier, tracking_number)


def is_receipt_due(order: Order, *, now: datetime) -> bool:
    """Tell whether a shipped order is taken as received."""
    sent = order.shipment
    return order.state is OrderState.SHIPPED and sent is not None and now >= sent.receipt_due_at


def platform_fee(amount: Money, *, basis_points: int) -> Money:
    """Return the platform's part of what is released, rounded half up to the fen."""
    return amount.share(basis_points=basis_points)
