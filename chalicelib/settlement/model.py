"""Settlements and payouts, and their lives."""

from enum import StrEnum

from pydantic import AwareDatetime

from chalicelib.kernel.errors import Kind, NotFoundError, PlatformError
from chalicelib.kernel.ids import MerchantId, OrderId, PayoutId, SettlementId
from chalicelib.kernel.lifecycle import Lifecycle
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record
from chalicelib.orders.model import RELEASED
from chalicelib.refunds.model import ACCEPTED as REFUND_ACCEPTED

OPENED, CREATED = "settlement.opened", "payout.created"
HEARD = frozenset({OPENED, CREATED, RELEASED, REFUND_ACCEPTED})
"""The events to which this room listens."""

PAYOUT = "payout"
"""The list of what is due: payouts that are under way."""

UNSETTLED = "unsettled"
"""The list of merchants that were passed over, to be looked at in the next settlement."""


class PayoutState(StrEnum):
    """Where a payout stands."""

    CREATED = "created"
    PROCESSING = "processing"  # the provider has it
    PAID = "paid"
    FAILED = "failed"  # for good: its money is the merchant's again


class PayoutVerb(StrEnum):
    """What can happen to a payout."""

    SEND = "send"
    PAY = "pay"
    FAIL = "fail"


PAYOUT_LIFECYCLE = Lifecycle(
    {
        (PayoutState.CREATED, PayoutVerb.SEND): PayoutState.PROCESSING,
        (PayoutState.CREATED, PayoutVerb.PAY): PayoutState.PAID,
        (PayoutState.CREATED, PayoutVerb.FAIL): PayoutState.FAILED,
        (PayoutState.PROCESSING, PayoutVerb.PAY): PayoutState.PAID,
        (PayoutState.PROCESSING, PayoutVerb.FAIL): PayoutState.FAILED,
    }
)
UNDER_WAY = frozenset({PayoutState.CREATED, PayoutState.PROCESSING})


class Payout(Record):
    """Money on its way to a merchant (打款单).

    Where the platform pays, it goes to `payee`, an openid, and waits for the merchant's
    `confirmation`. Where the seller is the payee it is one order's money, which the provider
    unfreezes; `shared` says that fee and partners' shares were taken before.
    """

    id: PayoutId
    merchant_id: MerchantId
    amount: Money
    state: PayoutState
    business_date: str
    created_at: AwareDatetime
    payee: str | None = None
    confirmation: str = ""
    failure: str = ""
    order_id: OrderId | None = None
    shared: bool = False


class Settlement(Record):
    """The settling of one business day, up to the position at which it closed (结算单)."""

    id: SettlementId
    business_date: str
    position: int
    opened_at: AwareDatetime


class Settled(StrEnum):
    """What came of settling one merchant."""

    PAYOUT = "payout"  # its money is on its way
    NETTED = "netted"  # all of it went into what it owed
    NOTHING = "nothing"  # nothing was available at the day's close, or it was settled before
    HELD = "held"  # an operator holds its payouts
    NOT_ALLOWED = "not_allowed"  # it has not earned the right to be paid out
    NO_PAYEE = "no_payee"  # nobody was named to pay to
    TOO_LITTLE = "too_little"  # under the minimum


PASSED_OVER = frozenset({Settled.HELD, Settled.NOT_ALLOWED, Settled.NO_PAYEE, Settled.TOO_LITTLE})


class Word(StrEnum):
    """What a provider's word about a payout turned out to be."""

    BOOKED = "booked"
    REPEATED = "repeated"
    CONTRADICTORY = "contradictory"  # it says otherwise than our books: an alarm
    UNKNOWN = "unknown"  # no such payout: an alarm


class FrozenOtherwiseError(PlatformError):
    """The provider keeps another amount frozen than our books say; a person must look."""

    kind = Kind.CONFLICT
    code = "frozen_otherwise"


class SettlementNotFoundError(NotFoundError):
    """There is no such settlement."""

    code = "settlement_not_found"


class PayoutNotFoundError(NotFoundError):
    """There is no such payout, or it is another merchant's."""

    code = "payout_not_found"
