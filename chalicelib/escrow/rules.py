"""When goods are taken as received, and what the platform takes. Pure."""

from datetime import datetime, timedelta

from chalicelib.kernel.money import Money
from chalicelib.ledger.movement import Shares
from chalicelib.orders.model import Order, OrderState, Shipment
from chalicelib.orders.rules import agreed_between

FREEZE_MARGIN = timedelta(days=1)
"""How long before its freeze ends the provider must have been told where frozen money goes."""


def shipment(
    carrier: str,
    tracking_number: str,
    contact: str | None,
    *,
    at: datetime,
    receipt_days: int,
    frozen_until: datetime,
) -> Shipment:
    """Return a shipment that is taken as received after so many days, and before the freeze ends.

    Held money can't be kept aside for longer than the provider freezes it.
    """
    return Shipment(
        carrier=carrier,
        tracking_number=tracking_number,
        contact=contact,
        shipped_at=at,
        receipt_due_at=min(at + timedelta(days=receipt_days), frozen_until - FREEZE_MARGIN),
    )


def is_same_parcel(order: Order, carrier: str, tracking_number: str) -> bool:
    """Tell whether an order was shipped just so."""
    sent = order.shipment
    return sent is not None and (sent.carrier, sent.tracking_number) == (carrier, tracking_number)


def is_receipt_due(order: Order, *, now: datetime) -> bool:
    """Tell whether a shipped order is taken as received."""
    sent = order.shipment
    open_to = order.state is OrderState.SHIPPED and order.dispute is None
    return open_to and sent is not None and now >= sent.receipt_due_at


def parts_of(order: Order, amount: Money) -> tuple[Money, Shares]:
    """Return the fee and the partners' shares in a release of so much of an order."""
    kept = order.released - order.returned
    return agreed_between(order, kept, kept + amount)
