"""Each merchant's entries, in the order of the list."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.kernel.ids import MerchantId
from chalicelib.ledger.chart import merchant_of
from chalicelib.ledger.journal import JournalEntry, read_entry
from chalicelib.ledger.numbered import Batch, NumberedRow
from chalicelib.storage import keys
from chalicelib.storage.batches import Batches
from chalicelib.storage.table import Page, Put, Table


@dataclass(frozen=True, slots=True)
class ListEntries:
    """Files every entry under the merchants whose accounts it touches."""

    batches: Batches

    def read(self, batch: Batch) -> None:
        """File a batch; an entry stands at its position, so filing it again changes nothing."""
        self.batches.put([put for numbered in batch.rows for put in filed(numbered)])


def filed(numbered: NumberedRow) -> Sequence[Put]:
    """Return an entry's places in the lists of its merchants."""
    if numbered.entry is None:
        return ()
    owners = {merchant_of(posting.account) for posting in numbered.entry.postings}
    return [
        Put(keys.entry_of(owner, numbered.position), {"entry": numbered.row.entry})
        for owner in sorted(filter(None, owners))
    ]


@dataclass(frozen=True, slots=True)
class Entries:
    """Reads a merchant's entries."""

    table: Table

    def of_merchant(
        self, merchant_id: MerchantId, *, before: str | None, limit: int
    ) -> tuple[Sequence[tuple[int, JournalEntry]], str | None]:
        """Return a page with positions, newest first, and where it ended; one query."""
        page = self.table.query(
            keys.LOG, keys.entries_of(merchant_id), after=before, limit=limit, newest_first=True
        )
        return _read(page)

    def between(
        self, merchant_id: MerchantId, begin: int, end: int, *, after: str | None, limit: int
    ) -> tuple[Sequence[tuple[int, JournalEntry]], str | None]:
        """Return a page of the entries after one position and up to another, oldest first."""
        if end <= begin:
            return [], None
        bounds = (keys.position_text(begin + 1), keys.position_text(end))
        pk = keys.entries_of(merchant_id)
        return _read(self.table.query(keys.LOG, pk, between=bounds, after=after, limit=limit))


def _read(page: Page) -> tuple[Sequence[tuple[int, JournalEntry]], str | None]:
    return [(int(key.sk), read_entry(item)) for key, item in page.rows], page.next_sk
