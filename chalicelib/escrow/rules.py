"""When goods are taken as received, and what the platform takes. Pure."""

from datetime import datetime, timedelta

from chalicelib.kernel.money import Money, fen
from chalicelib.ledger.postings import Shares
from chalicelib.orders.model import Order, OrderState, Shipment

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
    return order.state is OrderState.SHIPPED and sent is not None and now >= sent.receipt_due_at


def parts_of(order: Order, amount: Money) -> tuple[Money, Shares]:
    """Return the fee and the partners' shares in a release of so much of an order.

    They are what was agreed for the whole, in proportion to all that is released up to now, rounded
    half up, less what was taken before: so the parts of many releases sum to the agreed whole.
    """
    before, after = order.released, order.released + amount

    def part(agreed: Money) -> Money:
        return _portion(agreed, after, order.total) - _portion(agreed, before, order.total)

    return part(order.fee), [(share.partner_id, part(share.amount)) for share in order.shares]


def _portion(agreed: Money, released: Money, total: Money) -> Money:
    doubled = 2 * agreed.amount * released.amount + total.amount
    return fen(doubled // (2 * total.amount))
