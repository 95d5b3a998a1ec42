"""The provider's books of complaints: what payers said, and what was said to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from chalicelib.providers.complaints import (
    Complaint,
    ComplaintPage,
    ComplaintStatus,
    DisputedPayment,
)
from chalicelib.providers.port import Collected, ProviderRejectedError

PAGE_LENGTH = 2


@dataclass
class ComplaintBooks:
    """The port's `Complaints`, answering at once out of its own books."""

    complaints: dict[str, Complaint] = field(default_factory=dict)
    answers: dict[str, list[str]] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)  # of which it takes no answer
    withdrawn: set[str] = field(default_factory=set)  # by their payers

    def complaint(self, complaint_id: str) -> Complaint | None:
        return self.complaints.get(complaint_id)

    def open_between(self, first: date, last: date, *, page: int) -> ComplaintPage:
        assert first <= last
        some = list(self.complaints.values())[page * PAGE_LENGTH :]
        ids = [one.id for one in some[:PAGE_LENGTH] if one.status is not ComplaintStatus.PROCESSED]
        return ComplaintPage(tuple(ids), more=len(some) > PAGE_LENGTH)

    def said(self, complaint_id: str) -> Sequence[str]:
        return list(self.answers.get(complaint_id, []))

    def respond(self, complaint: Complaint, words: str) -> None:
        known = self._mine(complaint)
        self.answers.setdefault(complaint.id, []).append(words)
        if known.status is ComplaintStatus.PENDING:
            self.complaints[complaint.id] = known.evolve(status=ComplaintStatus.PROCESSING)

    def complete(self, complaint: Complaint) -> None:
        known = self._mine(complaint)
        if known.status is ComplaintStatus.PROCESSED:
            raise ProviderRejectedError("completed", provider_code="INVALID_REQUEST")
        self.complaints[complaint.id] = known.evolve(status=ComplaintStatus.PROCESSED)

    def complain(self, complaint_id: str, *words: Collected, text: str = "空包裹") -> Complaint:
        """Let a payer complain of payments, or once more of the same."""
        known = self.complaints.get(complaint_id)
        self.complaints[complaint_id] = Complaint(
            id=complaint_id,
            complained_of=words[0].seller or "1900000001" if words else "1900000001",
            status=ComplaintStatus.PENDING,
            words=text,
            times=known.times + 1 if known else 1,
            payments=tuple(
                DisputedPayment(number=word.number, transaction_id=word.transaction_id)
                for word in words
            ),
        )
        return self.complaints[complaint_id]

    def withdraw(self, complaint_id: str) -> None:
        """Let a payer take a complaint back."""
        self.withdrawn.add(complaint_id)
        known = self.complaints[complaint_id]
        self.complaints[complaint_id] = known.evolve(status=ComplaintStatus.PROCESSED)

    def _mine(self, complaint: Complaint) -> Complaint:
        known = self.complaints.get(complaint.id)
        if known is None or complaint.id in self.refuses:
            raise ProviderRejectedError("no", provider_code="NO_AUTH")
        assert known.complained_of == complaint.complained_of
        return known
