"""When an order can be disputed, and until when it must be decided. Pure."""

from datetime import datetime, timedelta

from chalicelib.disputes.model import Evidence, NotEvidenceError
from chalicelib.orders.model import Order, OrderState

DECIDED_WITHIN = timedelta(days=7)

FREEZE_MARGIN = timedelta(days=2)
"""How long before its freeze ends a dispute must be decided, so that it can be carried out."""

_HOLDING = frozenset({OrderState.PAID, OrderState.SHIPPED})


def is_disputable(order: Order, *, now: datetime, freeze_days: int) -> bool:
    """Tell whether an order holds money, and for long enough to decide about it."""
    return order.state in _HOLDING and now < _frozen_until(order, freeze_days) - FREEZE_MARGIN


def decide_by(
    order: Order, *, now: datetime, freeze_days: int, within: timedelta = DECIDED_WITHIN
) -> datetime:
    """Return until when a dispute that is opened now must be decided."""
    return min(now + within, _frozen_until(order, freeze_days) - FREEZE_MARGIN)


def _frozen_until(order: Order, freeze_days: int) -> datetime:
    return order.created_at + timedelta(days=freeze_days)


FILE_BYTES_MAX = 3 * 1024 * 1024
MEDIA_TYPES = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "application/pdf": b"%PDF-",
}


def assert_evidence(media_type: str, body: bytes) -> None:
    """Raise `NotEvidenceError` unless a file is the picture or PDF that it says it is."""
    beginning = MEDIA_TYPES.get(media_type)
    if beginning is None:
        raise NotEvidenceError("send a picture or a PDF", accepted=sorted(MEDIA_TYPES))
    if not body.startswith(beginning):
        raise NotEvidenceError("the file is not what it says it is", media_type=media_type)
    if len(body) > FILE_BYTES_MAX:
        raise NotEvidenceError("the file is too long", bytes_max=FILE_BYTES_MAX)


def document_name(evidence: Evidence) -> str:
    """Return where a file is kept."""
    return f"disputes/{evidence.dispute_id}/{evidence.sha256}"
