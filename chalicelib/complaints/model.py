"""What became of a complaint about an order."""

from enum import StrEnum

from chalicelib.disputes.model import CARRIED_OUT, WITHDRAWN
from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import DisputeId, OrderId
from chalicelib.kernel.lifecycle import Lifecycle
from chalicelib.kernel.record import Record

HEARD = frozenset({CARRIED_OUT, WITHDRAWN})
"""The events to which this room listens."""

UNANSWERED = "complaint"
"""The list of what is due: complaints whose dispute has ended, and that are not completed."""


class CaseState(StrEnum):
    """Where a complaint about an order stands with us."""

    WAITING = "waiting"  # for its dispute to end
    SAID = "said"  # the payer was told how it ended
    ANSWERED = "answered"  # and it is completed at the provider
    REFUSED = "refused"  # the provider took no answer: a person must give it
    UNHELD = "unheld"  # nothing was held any more: a person must answer it


class CaseVerb(StrEnum):
    """What can happen to it."""

    SAY = "say"
    COMPLETE = "complete"
    REFUSE = "refuse"


CASE_LIFECYCLE = Lifecycle(
    {
        (CaseState.WAITING, CaseVerb.SAY): CaseState.SAID,
        # Completed by a hand, or withdrawn by the payer, before we said anything.
        (CaseState.WAITING, CaseVerb.COMPLETE): CaseState.ANSWERED,
        (CaseState.SAID, CaseVerb.COMPLETE): CaseState.ANSWERED,
        (CaseState.WAITING, CaseVerb.REFUSE): CaseState.REFUSED,
        (CaseState.SAID, CaseVerb.REFUSE): CaseState.REFUSED,
    }
)


LEFT = frozenset({CaseState.WAITING, CaseState.SAID})
"""What somebody must still go on with."""


class Case(Record):
    """A complaint about an order, made for the n-th time; it goes with one dispute at most."""

    order_id: OrderId
    complaint_id: str
    times: int
    state: CaseState
    dispute_id: DisputeId | None = None

    @property
    def name(self) -> str:
        """Return what it is called in commands and notes."""
        return f"{self.order_id}.{self.complaint_id}.{self.times}"


class Taken(StrEnum):
    """What a complaint turned out to be, for one of its payments or as a whole."""

    OPENED = "opened"  # a dispute
    JOINED = "joined"  # the one that was there
    KNOWN = "known"
    BY_HAND = "by_hand"  # known, and a person must answer it
    UNHELD = "unheld"  # nothing is held: an alarm
    UNKNOWN = "unknown"  # no payment of ours: an alarm
    COMPLETED = "completed"  # nothing is left to do
    NOT_TOLD = "not_told"  # taken, and the provider refuses our first answer


class Answered(StrEnum):
    """What became of an answer."""

    SAID = "said"  # another order of the same complaint is still disputed
    COMPLETED = "completed"
    REFUSED = "refused"  # an alarm


class ComplaintUnsettledError(TryAgainError):
    """The order moved under every attempt to take a complaint about it."""

    code = "complaint_unsettled"
