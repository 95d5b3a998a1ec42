"""What we ask of a provider about its payers' complaints (消费者投诉).

Every call has the three fates of `port.py`. What we say to a payer has no number by which the
provider would know it again: after silence, ask what was said before saying it once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from chalicelib.kernel.record import Record

WORDS_LENGTH_MAX = 200


class ComplaintStatus(StrEnum):
    """Where a complaint stands at the provider."""

    PENDING = "pending"  # nobody has answered yet
    PROCESSING = "processing"
    PROCESSED = "processed"  # completed by us, or withdrawn by the payer


class Complained(Record):
    """The provider says, verifiably, that something became of a complaint; no more than that."""

    complaint_id: str
    action: str


class DisputedPayment(Record):
    """A payment that a payer complains of; both numbers as the provider returns them."""

    number: str
    transaction_id: str


class Complaint(Record):
    """A payer's complaint; `times` counts how often it was made, each time anew."""

    id: str
    complained_of: str  # the merchant number that answers for it
    status: ComplaintStatus
    words: str
    times: int
    payments: tuple[DisputedPayment, ...]


@dataclass(frozen=True, slots=True)
class ComplaintPage:
    """Some complaints of a stretch of days that are not completed, and whether more follow."""

    ids: tuple[str, ...]
    more: bool


class Complaints(Protocol):
    """A provider to whom payers complain."""

    def complaint(self, complaint_id: str) -> Complaint | None:
        """Ask for a complaint; None if there is none of ours under this id."""

    def open_between(self, first: date, last: date, *, page: int) -> ComplaintPage:
        """List what payers complained of on these days and is not completed."""

    def said(self, complaint_id: str) -> Sequence[str]:
        """Ask what was said to the payer on our side so far."""

    def respond(self, complaint: Complaint, words: str) -> None:
        """Say something to the payer; said twice, they read it twice."""

    def complete(self, complaint: Complaint) -> None:
        """Say that a complaint was dealt with; completed before, the provider may refuse."""
