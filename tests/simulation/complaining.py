"""The provider's side of complaints; its calls fail in three fates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from chalicelib.providers.complaints import Complaint, ComplaintPage
from chalicelib.providers.port import (
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from tests.fakes.complaints import ComplaintBooks
from tests.simulation.ports import Fault, Outside

Result = TypeVar("Result")


@dataclass
class SimulatedComplaints:
    """The port's `Complaints`, over the provider's own books."""

    outside: Outside
    books: ComplaintBooks

    def complaint(self, complaint_id: str) -> Complaint | None:
        return self._call("complaint", lambda: self.books.complaint(complaint_id))

    def open_between(self, first: date, last: date, *, page: int) -> ComplaintPage:
        return self._call("complaints", lambda: self.books.open_between(first, last, page=page))

    def said(self, complaint_id: str) -> Sequence[str]:
        return self._call("said", lambda: self.books.said(complaint_id))

    def respond(self, complaint: Complaint, words: str) -> None:
        self._call("respond", lambda: self.books.respond(complaint, words))

    def complete(self, complaint: Complaint) -> None:
        self._call("complete", lambda: self.books.complete(complaint))

    def _call(self, name: str, effect: Callable[[], Result]) -> Result:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: ProviderUnavailableError("not sent"),
            Fault.SILENT: ProviderOutcomeUnknownError("no answer"),
            Fault.LOST: ProviderOutcomeUnknownError("no answer"),
        }
        if name in {"respond", "complete"}:
            errors[Fault.REJECT] = ProviderRejectedError("no", provider_code="INVALID_REQUEST")
        return self.outside.call("provider", name, effect, errors)
