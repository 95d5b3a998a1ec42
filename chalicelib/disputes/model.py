"""A dispute, and its life."""

from enum import StrEnum

from pydantic import AwareDatetime

from chalicelib.kernel.errors import Kind, NotFoundError, PlatformError, TryAgainError
from chalicelib.kernel.ids import DisputeId, EvidenceId, OrderId
from chalicelib.kernel.lifecycle import Lifecycle
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record

DECIDED = "dispute.decided"
CARRIED_OUT, WITHDRAWN = "dispute.carried_out", "dispute.withdrawn"
"""A dispute's ends, of which others hear."""

HEARD = frozenset({DECIDED})
"""The events to which this room listens."""

DEADLINE = "dispute"
"""The list of what is due: disputes that wait for a decision, or for its carrying out."""


class DisputeState(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    DECIDED = "decided"  # and not carried out yet
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


ENDED = frozenset({DisputeState.CLOSED, DisputeState.WITHDRAWN})


class DisputeVerb(StrEnum):
    """What can happen to a dispute."""

    DECIDE = "decide"
    CARRY_OUT = "carry out"
    WITHDRAW = "withdraw"


DISPUTE_LIFECYCLE = Lifecycle(
    {
        (DisputeState.OPEN, DisputeVerb.DECIDE): DisputeState.DECIDED,
        (DisputeState.OPEN, DisputeVerb.WITHDRAW): DisputeState.WITHDRAWN,
        (DisputeState.DECIDED, DisputeVerb.CARRY_OUT): DisputeState.CLOSED,
    }
)


class Decision(Record):
    """How an operator decided: so much goes back to the shopper, the rest is the merchant's."""

    refund: Money
    reason: str
    by: str
    decided_at: AwareDatetime


class Dispute(Record):
    """What a shopper says is wrong with an order (争议单)."""

    id: DisputeId
    order_id: OrderId
    state: DisputeState
    reason: str
    opened_at: AwareDatetime
    decide_by: AwareDatetime  # then it is decided by rule
    decision: Decision | None = None


class Party(StrEnum):
    """Who says something in a dispute."""

    SHOPPER = "shopper"
    MERCHANT = "merchant"
    OPERATOR = "operator"


class Evidence(Record):
    """What a party says (举证): a text, or a picture or PDF that is kept as it came."""

    id: EvidenceId
    order_id: OrderId
    dispute_id: DisputeId
    party: Party
    said_at: AwareDatetime
    text: str = ""
    media_type: str = ""
    sha256: str = ""
    size: int = 0

    @property
    def content(self) -> tuple[str, str]:
        """Return what was said, apart from when."""
        return self.text, self.sha256


class NotEvidenceError(PlatformError):
    """The file is no picture or PDF, or not what it says it is."""

    kind = Kind.INVALID
    code = "not_evidence"


class DisputeNotFoundError(NotFoundError):
    """There is no such dispute, or it is not the caller's."""

    code = "dispute_not_found"


class EvidenceNotFoundError(NotFoundError):
    """There is no such file in the dispute."""

    code = "evidence_not_found"


class AlreadyDisputedError(PlatformError):
    """The order is disputed already."""

    kind = Kind.CONFLICT
    code = "already_disputed"


class OrderNotDisputableError(PlatformError):
    """Nothing is held of the order, or its money can't be held for much longer."""

    kind = Kind.CONFLICT
    code = "order_not_disputable"


class DisputeNotOpenError(PlatformError):
    """The dispute was withdrawn, or decided otherwise."""

    kind = Kind.CONFLICT
    code = "dispute_not_open"


class DisputeUnsettledError(TryAgainError):
    """The order moved under every attempt to open, withdraw or decide its dispute."""

    code = "dispute_unsettled"
