"""The journal: immutable, balanced entries, each under its business key, posted once for ever."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime

from chalicelib.kernel.ids import EntryId, OrderId
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record
from chalicelib.ledger.chart import Side
from chalicelib.ledger.movement import Guard, Movement, Posting
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item

JOURNAL = "journal"
"""The refusal of a commit whose entry stands already."""


class JournalEntry(Record):
    """What was posted (分录). The position in the numbered list comes later."""

    id: EntryId
    kind: str
    key: str
    posted_at: AwareDatetime
    reference: str
    order_id: OrderId | None
    postings: tuple[Posting, ...]

    def total(self) -> Money:
        """Return the sum of its debits; every entry of ours is in one currency."""
        debits = [posting.amount for posting in self.postings if posting.side is Side.DEBIT]
        return sum(debits[1:], start=debits[0])


def entry_of(movement: Movement, *, at: datetime) -> JournalEntry:
    """Return the entry that a movement becomes; its id follows from its key."""
    return JournalEntry(
        id=EntryId.derive(movement.key),
        kind=movement.kind,
        key=movement.key,
        posted_at=at,
        reference=movement.reference,
        order_id=movement.order_id,
        postings=movement.postings,
    )


def read_entry(item: Item) -> JournalEntry:
    """Read an entry from its item, such as the old one of a refused commit."""
    return JournalEntry.model_validate_json(str(item["entry"]))


@dataclass(frozen=True, slots=True)
class Journal:
    """Posts into commits, and reads what was posted."""

    table: Table

    def post(
        self,
        work: Work,
        movement: Movement,
        *,
        event: str,
        about: str,
        beside: str | None = None,
        facts: Item | None = None,
        guarded: tuple[Guard, ...] = (),
    ) -> JournalEntry:
        """Post a movement in this commit, and say so in its outbox row, beside the order's others.

        `guarded` lists the guards for which the caller put a condition in the same commit.
        """
        assert set(guarded) == set(movement.guards), "every debit guard is in the commit"
        entry = entry_of(movement, at=work.at)
        text = entry.model_dump_json()
        work.put(keys.journal(movement.key), {"entry": text}, refusal=JOURNAL)
        work.emit(event, about, beside=beside, facts=facts, entry=text)
        return entry

    def find(self, key: str) -> JournalEntry | None:
        """Return the entry under a business key."""
        item = self.table.get(keys.journal(key))
        return read_entry(item) if item else None


def balances(entries: Iterable[JournalEntry]) -> Mapping[str, Mapping[str, int]]:
    """Sum entries to `account → currency → amount`, debits positive: a trial balance (试算平衡)."""
    sums: dict[str, dict[str, int]] = {}
    for entry in entries:
        for posting in entry.postings:
            of_account = sums.setdefault(posting.account, {})
            signed = posting.amount.amount if posting.side is Side.DEBIT else -posting.amount.amount
            of_account[posting.amount.currency] = (
                of_account.get(posting.amount.currency, 0) + signed
            )
    return sums
