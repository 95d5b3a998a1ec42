"""Reading what was reconciled, and what stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.reconciliation.model import (
    Attempt,
    Discrepancy,
    DiscrepancyNotFoundError,
    Reconciliation,
    ReconciliationNotFoundError,
)
from chalicelib.reconciliation.store import ReconciliationStore


class Day(NamedTuple):
    """A day's result, if there is one, and how the last attempt at it went."""

    found: Reconciliation | None
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class ReadReconciliations:
    """Reads one provider's."""

    provider_name: str
    store: ReconciliationStore

    def day(self, day: str) -> Day:
        """Return a day's result and its last attempt; `ReconciliationNotFoundError` for neither."""
        found = self.store.find(self.provider_name, day)
        attempt = self.store.attempt(self.provider_name, day)
        if found is None and attempt is None:
            raise ReconciliationNotFoundError("this business day was not reconciled", day=day)
        return Day(found, attempt)

    def result(self, day: str) -> Reconciliation:
        """Return a day's result, or raise `ReconciliationNotFoundError`."""
        found = self.store.find(self.provider_name, day)
        if found is None:
            raise ReconciliationNotFoundError("this business day was not reconciled", day=day)
        return found

    def days(self, *, after: str | None, limit: int) -> tuple[Sequence[Reconciliation], str | None]:
        """Return a page of results, newest day first."""
        return self.store.days(self.provider_name, after=after, limit=limit)

    def runs(self, day: str) -> Sequence[Reconciliation]:
        """Return what each run of a day came to, oldest first."""
        return self.store.runs(self.provider_name, day)

    def on(
        self, day: str, *, after: str | None, limit: int
    ) -> tuple[Sequence[Discrepancy], str | None]:
        """Return a page of what a day's bills showed."""
        return self.store.on(self.provider_name, day, after=after, limit=limit)

    def discrepancy(self, discrepancy_id: DiscrepancyId) -> Discrepancy:
        """Return a discrepancy, or raise `DiscrepancyNotFoundError`."""
        found = self.store.discrepancy(discrepancy_id)
        if found is None:
            raise DiscrepancyNotFoundError("there is no such discrepancy")
        return found

    def every(self, day: str) -> Sequence[Discrepancy]:
        """Return all that a day's bills showed."""
        return list(self.store.every(self.provider_name, day))

    def standing(
        self, *, after: str | None, limit: int
    ) -> tuple[Sequence[Discrepancy], str | None]:
        """Return a page of what stands between the books, the oldest first."""
        return self.store.standing(self.provider_name, after=after, limit=limit)
