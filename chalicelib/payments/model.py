"""A payment, its life, and what a provider's word about money can turn out to be."""

from enum import StrEnum

from pydantic import AwareDatetime

from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.kernel.ids import MerchantId, OrderId, PaymentId
from chalicelib.kernel.lifecycle import Lifecycle
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record

STARTED = "payment.started"
HEARD = frozenset({STARTED})
"""The events to which this room listens."""


class PaymentState(StrEnum):
    """Where a payment stands."""

    PENDING = "pending"
    CAPTURED = "captured"
    FAILED = "failed"
    CLOSED = "closed"


class PaymentVerb(StrEnum):
    """What can happen to a payment."""

    CAPTURE = "capture"
    FAIL = "fail"
    CLOSE = "close"


PAYMENT_LIFECYCLE = Lifecycle(
    {
        (PaymentState.PENDING, PaymentVerb.CAPTURE): PaymentState.CAPTURED,
        (PaymentState.PENDING, PaymentVerb.FAIL): PaymentState.FAILED,
        (PaymentState.PENDING, PaymentVerb.CLOSE): PaymentState.CLOSED,
        # Given up, and paid all the same: money is money.
        (PaymentState.FAILED, PaymentVerb.CAPTURE): PaymentState.CAPTURED,
        (PaymentState.FAILED, PaymentVerb.CLOSE): PaymentState.CLOSED,
        (PaymentState.CLOSED, PaymentVerb.CAPTURE): PaymentState.CAPTURED,
    }
)


class Payment(Record):
    """One attempt to pay an order (支付单); its id is the number the provider knows it by."""

    id: PaymentId
    order_id: OrderId
    merchant_id: MerchantId
    provider: str
    state: PaymentState
    amount: Money
    created_at: AwareDatetime
    seller: str | None = None  # under whose merchant number the money is frozen
    transaction_id: str | None = None  # the provider's number, once it was paid
    late: bool = False


class Booking(StrEnum):
    """What became of money that a provider verifiably reported."""

    CAPTURED = "captured"
    REPEATED = "repeated"  # it was booked before; the same answer
    LATE = "late"  # its order was closed or paid already: suspense, and its refund is due
    CONTRADICTORY = "contradictory"  # it says otherwise than our books: suspense, and an alarm
    UNKNOWN = "unknown"  # no such payment: suspense, and an alarm


class Closing(StrEnum):
    """What came of closing an order; while it moves, the command comes again."""

    CLOSED = "closed"
    PAID = "paid"  # the shopper was faster: the money is booked
    NOT_DUE = "not_due"  # settled before, or its time is not over


class OrderNotPayableError(PlatformError):
    """The order is paid, closed or expired."""

    kind = Kind.CONFLICT
    code = "order_not_payable"


class PaymentNotPayableError(PlatformError):
    """The payment failed or was closed; start another one under a new key."""

    kind = Kind.CONFLICT
    code = "payment_not_payable"


class SellerUnknownError(PlatformError):
    """The merchant has no account at the provider, and money may be frozen under none but its."""

    kind = Kind.CONFLICT
    code = "seller_unknown"


class ProviderNotOfferedError(PlatformError):
    """No such provider is configured here."""

    kind = Kind.INVALID
    code = "provider_not_offered"
