"""What a refund is made of, and when it may go. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.kernel.ids import RefundId
from chalicelib.kernel.money import Money, fen
from chalicelib.orders.model import Order, OrderDisputedError, OrderLine, OrderState
from chalicelib.orders.rules import Taken, agreed_between, ship_by
from chalicelib.payments.model import Payment
from chalicelib.refunds.model import (
    FINAL,
    REFUNDS_MAX,
    OrderNotRefundableError,
    Refund,
    RefundTooLargeError,
    TooManyRefundsError,
)

REFUNDED_WITHIN = timedelta(days=365)
SPACING = timedelta(minutes=1)
"""How far apart the provider wants two refunds of one payment."""

LOOK_AT_UNSHIPPED = timedelta(days=1)
"""How long after it was looked at an unshipped order that is disputed is looked at again."""

_COUNT_MAX = 10  # a bill may say anything

_PAID = frozenset({OrderState.PAID, OrderState.SHIPPED, OrderState.RELEASED, OrderState.REFUNDED})


def refuse(order: Order, payment: Payment | None, amount: Money, *, now: datetime) -> None:
    """Raise what stands in the way of refunding so much of an order."""
    if order.state not in _PAID or payment is None:
        raise OrderNotRefundableError("nothing was paid for this order", state=order.state)
    if now >= payment.created_at + REFUNDED_WITHIN:
        raise OrderNotRefundableError("a payment is refunded within a year", state=order.state)
    if order.dispute is not None:
        raise OrderDisputedError("the dispute decides what is refunded", dispute_id=order.dispute)
    if order.refunds >= REFUNDS_MAX:
        raise TooManyRefundsError("no more refunds of this payment", most=REFUNDS_MAX)
    most = order.refundable
    if payment.seller is not None and order.held.amount:
        most = order.held  # frozen money goes back before its seller can have the rest
    if amount > most:
        raise RefundTooLargeError("less can be refunded", remaining=most.amount)


def split(order: Order, amount: Money) -> tuple[Money, Money]:
    """Return what of a refund comes out of the hold, which goes first, and out of the released."""
    held = min(amount, order.held)
    return held, amount - held


def given_back(order: Order, returned: Money) -> Taken:
    """Return what platform and partners give back while so much released money is returned."""
    kept = order.released - order.returned
    return agreed_between(order, kept - returned, kept)


def net(refund: Refund) -> Money:
    """Return what of the released money the merchant itself gives back."""
    return refund.returned - sum((part for _, part in refund.shares), start=refund.fee)


def returns_stock(order: Order, held: Money) -> bool:
    """Tell whether nothing of an order ever left its merchant, and all of it is refunded."""
    untouched = order.state is OrderState.PAID and not order.releases
    return untouched and held == order.held


def is_unshipped(order: Order) -> bool:
    """Tell whether an order holds money for goods not shipped, and no dispute keeps it there."""
    return order.state is OrderState.PAID and order.dispute is None


def look_at_unshipped(order: Order, *, ship_days: int, now: datetime) -> datetime:
    """Return when an order that could not be refunded is looked at next."""
    return max(ship_by(order, ship_days=ship_days), now + LOOK_AT_UNSHIPPED)


def number_at_provider(refund: Refund) -> str:
    """Return the refund's number at the provider: a fresh one only for what was closed there."""
    return refund.id if refund.attempt == 1 else f"{refund.id}_{refund.attempt}"


def refund_of(number: str) -> tuple[RefundId, int]:
    """Return whose number this is, and which of its attempts, or raise `InvalidIdError`."""
    name = number[: len("rfd_") + 26]
    rest = number[len(name) :]
    counted = rest[:1] == "_" and rest[1:].isdecimal() and rest.isascii() and len(rest) < _COUNT_MAX
    attempt = int(rest[1:]) if counted else 1
    refund_id = RefundId.parse(name if rest in {"", f"_{attempt}"} else number)
    return refund_id, attempt


def may_go_at(refund: Refund, others: Sequence[Refund]) -> datetime | None:
    """Return when a refund may be sent, None for now: a minute after the payment's last one."""
    sent = [
        other.sent_at for other in others if other.id != refund.id and other.sent_at is not None
    ]
    return max(sent) + SPACING if sent else None


def goes_first(refunds: Sequence[Refund]) -> bool:
    """Tell whether frozen money is still to be refunded, so that unfreezing must wait.

    One that the provider has may be closed yet; then its money must not be the seller's already.
    """
    return any(refund.held.amount and refund.state not in FINAL for refund in refunds)


def over_lines(lines: Sequence[OrderLine], refunds: Sequence[Refund]) -> list[list[Money]]:
    """Allocate an order's refunds, in their order, over its lines (分摊), to the fen.

    Each goes over what is left of the lines, by the largest remainder, so that none is ever below
    zero or over its price, and the parts of a refund sum to it.
    """
    left = [line.total() for line in lines]
    allocated: list[list[Money]] = []
    for refund in refunds:
        assert not refund.late, "late money was paid for no line"
        weights = [part.amount for part in left]
        parts = refund.amount.split(weights) if sum(weights) else [fen(0) for _ in left]
        left = [part - taken for part, taken in zip(left, parts, strict=True)]
        allocated.append(parts)
    return allocated
