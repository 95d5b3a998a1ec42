"""Adding each batch to its day's totals."""

from dataclasses import dataclass

from chalicelib.books.rules import tallied
from chalicelib.books.store import TotalsStore
from chalicelib.ledger.numbered import Batch
from chalicelib.storage.batches import Batches


@dataclass(frozen=True, slots=True)
class FoldTotals:
    """Counts each batch under its merchants and the platform."""

    totals: TotalsStore
    batches: Batches

    def read(self, batch: Batch) -> None:
        """Add a batch's counts; one commit for some fifty merchants."""
        counted = tallied(batch.rows, batch.day)
        self.batches.guarded(
            [self.totals.added(place, counts, batch) for place, counts in counted.items()]
        )
