"""What we ask of a provider about money on its way back to the payer.

Every call has the three fates of `port.py`. A number is a refund: asked again under the same number
and with the same content, it is the same refund; under a new number it is a second one.
"""

from enum import StrEnum
from typing import Protocol

from chalicelib.kernel.ids import PaymentId
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record


class RefundStatus(StrEnum):
    """Where a refund stands at the provider."""

    PROCESSING = "processing"  # accepted, and no more than that
    SUCCESS = "success"
    ABNORMAL = "abnormal"  # the payer's account can't take it: a person must look
    CLOSED = "closed"  # it will never be paid under this number


class RefundOrder(Record):
    """A refund of a payment, whole or in part."""

    number: str  # ours
    payment_id: PaymentId
    amount: Money
    total: Money  # what was paid
    reason: str  # what the payer reads, at most 80 characters
    seller: str | None = None  # under whose merchant number it was paid; None: under our own


class Refunded(Record):
    """The provider says, verifiably, how far a refund has come.

    `payment_number` is our payment's number as the provider returns it.
    """

    number: str
    payment_number: str
    status: RefundStatus
    amount: Money


class RefundsPayments(Protocol):
    """A provider that pays back."""

    def refund(self, order: RefundOrder) -> Refunded:
        """Ask for a refund; the answer is mostly *processing*, ask again by `refunded`."""

    def refunded(self, number: str, *, seller: str | None = None) -> Refunded | None:
        """Ask how far a refund has come; None if there is none under this number."""
