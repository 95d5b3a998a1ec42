"""When an order can be disputed, and until when it must be decided. Pure."""

from datetime import datetime, timedelta

from chalicelib.orders.model import Order, OrderState

DECIDED_WITHIN = timedelta(days=7)

FREEZE_MARGIN = timedelta(days=2)
"""How long before its freeze ends a dispute must be decided, so that it can be carried out."""

_HOLDING = frozenset({OrderState.PAID, OrderState.SHIPPED})


def is_disputable(order: Order, *, now: datetime, freeze_days: int) -> bool:
    """Tell whether an order holds money, and for long enough to decide about it."""
    return order.state in _HOLDING and now < _frozen_until(order, freeze_days) - FREEZE_MARGIN


def decide_by(order: Order, *, now: datetime, freeze_days: int) -> datetime:
    """Return until when a dispute that is opened now must be decided."""
    return min(now + DECIDED_WITHIN, _frozen_until(order, freeze_days) - FREEZE_MARGIN)


def _frozen_until(order: Order, freeze_days: int) -> datetime:
    return order.created_at + timedelta(days=freeze_days)
