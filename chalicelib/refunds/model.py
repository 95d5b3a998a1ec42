"""A refund, and its life."""

from enum import StrEnum

from pydantic import AwareDatetime

from chalicelib.kernel.errors import Kind, NotFoundError, PlatformError, TryAgainError
from chalicelib.kernel.ids import MerchantId, OrderId, PartnerId, PaymentId, RefundId
from chalicelib.kernel.lifecycle import Lifecycle
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record

ACCEPTED, LATE = "refund.accepted", "payment.captured_late"
HEARD = frozenset({ACCEPTED, LATE})
"""The events to which this room listens."""

REFUND = "refund"
"""The list of what is due: refunds that have not come to a good end."""

REFUNDS_MAX = 50
"""How often a payment can be refunded: the provider's limit."""

REASON_CHARACTERS_MAX = 80


class RefundState(StrEnum):
    """Where a refund stands."""

    WAITING = "waiting"  # for released money to come back: the merchant's does not suffice yet
    QUEUED = "queued"  # on its way to the provider
    PROCESSING = "processing"  # the provider has it
    SUCCEEDED = "succeeded"
    ABNORMAL = "abnormal"  # the shopper's account can't take it: a person must look
    CLOSED = "closed"  # the provider will never pay it under this number: a person must look
    SETTLED = "settled"  # the platform paid it from its bank


class RefundVerb(StrEnum):
    """What can happen to a refund."""

    COLLECT = "collect"
    SEND = "send"
    PAY = "pay"
    STALL = "stall"
    CLOSE = "close"
    RETRY = "retry"
    SETTLE = "settle"


REFUND_LIFECYCLE = Lifecycle(
    {
        (RefundState.WAITING, RefundVerb.COLLECT): RefundState.QUEUED,
        (RefundState.QUEUED, RefundVerb.SEND): RefundState.PROCESSING,
        (RefundState.QUEUED, RefundVerb.PAY): RefundState.SUCCEEDED,
        (RefundState.PROCESSING, RefundVerb.PAY): RefundState.SUCCEEDED,
        (RefundState.ABNORMAL, RefundVerb.PAY): RefundState.SUCCEEDED,
        (RefundState.QUEUED, RefundVerb.STALL): RefundState.ABNORMAL,
        (RefundState.PROCESSING, RefundVerb.STALL): RefundState.ABNORMAL,
        (RefundState.QUEUED, RefundVerb.CLOSE): RefundState.CLOSED,
        (RefundState.PROCESSING, RefundVerb.CLOSE): RefundState.CLOSED,
        (RefundState.ABNORMAL, RefundVerb.CLOSE): RefundState.CLOSED,
        (RefundState.CLOSED, RefundVerb.RETRY): RefundState.QUEUED,
        (RefundState.CLOSED, RefundVerb.SETTLE): RefundState.SETTLED,
    }
)
FINAL = frozenset({RefundState.SUCCEEDED, RefundState.SETTLED})


class Refund(Record):
    """Money on its way back (退款单): out of the hold, out of what was released, or late money.

    `fee` and `shares` are what platform and partners give back of the released part. `number`
    counts an order's refunds from 1; `attempt` the numbers used at the provider.
    """

    id: RefundId
    order_id: OrderId
    payment_id: PaymentId
    merchant_id: MerchantId
    state: RefundState
    amount: Money
    held: Money
    returned: Money
    fee: Money
    shares: tuple[tuple[PartnerId, Money], ...] = ()
    late: bool = False
    reason: str
    created_at: AwareDatetime
    number: int
    attempt: int = 1
    sent_at: AwareDatetime | None = None
    failure: str = ""
    seller: str | None = None  # the seller is the payee: it refunds what was released itself

    @property
    def in_our_books(self) -> Money:
        """Return what of it leaves through our books: all but what the seller itself refunds."""
        return self.amount - self.returned if self.seller is not None else self.amount


class Word(StrEnum):
    """What a provider's word about a refund turned out to be."""

    BOOKED = "booked"
    REPEATED = "repeated"
    CONTRADICTORY = "contradictory"  # it says otherwise than our books: an alarm
    UNKNOWN = "unknown"  # no such refund: an alarm


class Delay(StrEnum):
    """Why a refund did not go on when it was looked at."""

    NOT_COLLECTED = "not_collected"  # its money is not there yet, or somebody else collects it
    SPACED = "spaced"  # too soon after the payment's last one
    NOT_TAKEN = "not_taken"  # the provider refuses it for now


class RefundNotFoundError(NotFoundError):
    """There is no such refund, or it is another merchant's."""

    code = "refund_not_found"


class OrderNotRefundableError(PlatformError):
    """Nothing was paid for the order, or too long ago."""

    kind = Kind.CONFLICT
    code = "order_not_refundable"


class RefundTooLargeError(PlatformError):
    """Less than that can still be given back."""

    kind = Kind.CONFLICT
    code = "refund_too_large"


class TooManyRefundsError(PlatformError):
    """The provider takes no more refunds of this payment."""

    kind = Kind.CONFLICT
    code = "too_many_refunds"


class RefundNotWaitingError(PlatformError):
    """The refund does not wait for this hand."""

    kind = Kind.CONFLICT
    code = "refund_not_waiting"


class RefundUnsettledError(TryAgainError):
    """The order or the refund moved under every attempt."""

    code = "refund_unsettled"
