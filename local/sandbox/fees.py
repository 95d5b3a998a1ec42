"""What WeChat Pay keeps of a payment (手续费), and what of it a refund gives back."""

from collections.abc import Iterable

from local.sandbox.orders import Order
from local.sandbox.refund import Refund

BASIS = 10_000


def fee_of(total: int, basis_points: int) -> int:
    """Return the fee of a payment, rounded half up to the fen."""
    return (total * basis_points + BASIS // 2) // BASIS


def given_back(refunds: Iterable[Refund]) -> int:
    """Return what of a fee these refunds gave back; those that were closed gave nothing."""
    return sum(refund.fee_back for refund in refunds if refund.counts)


def fee_back(order: Order, before: Iterable[Refund], amount: int) -> int:
    """Return what one more refund gives back: a full refund gives all, a part is rounded down.

    Once a refund was closed, more may be out than the sum of parts says: then this gives nothing.
    """
    counting = [refund for refund in before if refund.counts]
    refunded = sum(refund.asked.amount.refund for refund in counting) + amount
    due = order.fee * refunded // order.prepay.amount.total
    return max(0, due - given_back(counting))
