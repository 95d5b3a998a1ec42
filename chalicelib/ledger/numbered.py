"""The numbered list: every commit's one row, in an order that never changes.

Rows have positions 1, 2, 3…; a balance *at position n* holds exactly the rows up to n.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Protocol

from pydantic import AwareDatetime

from chalicelib.kernel.clock import instant_text
from chalicelib.kernel.record import Record
from chalicelib.ledger.days import day_after
from chalicelib.ledger.journal import JournalEntry
from chalicelib.storage.outbox import OutboxRow
from chalicelib.storage.values import Key


class Head(Record):
    """How far the list has come; changed only by compare-and-set on `version`."""

    n: int = 0  # rows that are numbered
    applied: int = 0  # rows that every reader has read, and that are gone from the outbox
    stage: str | None = None  # names the rows applied+1 … n while they are being read
    chain: str = ""  # SHA-256 over all segments up to n, each bound to the one before
    chain_before: str = ""  # the same, up to `applied`
    numbered_at: AwareDatetime | None = None  # real time
    day: str | None = None  # the business day that closed last
    version: int = 0


@dataclass(frozen=True)
class NumberedRow:
    """A row and its position."""

    position: int
    row: OutboxRow

    @cached_property
    def entry(self) -> JournalEntry | None:
        """Return the journal entry that the row carries, if money moved."""
        text = self.row.entry
        return JournalEntry.model_validate_json(text) if text else None


@dataclass(frozen=True)
class Batch:
    """What one round numbered: the rows base+1 … end."""

    base: int
    rows: Sequence[NumberedRow]
    chain_before: str
    day: str  # the business day that is open at these positions

    @property
    def end(self) -> int:
        """Return the last position."""
        return self.base + len(self.rows)

    @cached_property
    def lines(self) -> bytes:
        """Spell the batch as JSON lines: the same rows at the same place are the same bytes."""
        return "".join(map(_line, self.rows)).encode()


class Reader(Protocol):
    """Somebody who follows the list. A batch may be read again, in part or whole, by several."""

    def read(self, batch: Batch) -> None:
        """Take a batch in; done twice it is as if done once."""


def batch_of(head: Head, rows: Iterable[OutboxRow]) -> Batch:
    """Give the rows of a head's stage their positions: those beyond what is applied."""
    assert head.day is not None
    numbered = [NumberedRow(position, row) for position, row in enumerate(rows, head.applied + 1)]
    return Batch(
        base=head.applied,
        rows=numbered,
        chain_before=head.chain_before,
        day=day_after(head.day),
    )


def _line(numbered: NumberedRow) -> str:
    row = numbered.row
    told = {
        "position": numbered.position,
        "row": f"{row.key.pk}/{row.key.sk}",
        "event": row.kind,
        "about": row.about,
        "at": instant_text(row.at),
        "facts": row.facts,
    }
    if row.trace:
        told["trace"] = row.trace
    head = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return f'{head[:-1]},"entry":{row.entry or "null"}}}\n'  # an entry is JSON already


def stage_name(base: int, keys: Sequence[Key]) -> str:
    """Name a stage by the SHA-256 of its ordered row keys, and of where they are to stand.

    Two sequencers that saw other rows never write to one name. The base makes a stage that lost
    its race dead for ever, so that it can be swept away.
    """
    spelled = "\n".join([str(base), *(f"{key.pk} {key.sk}" for key in keys)])
    return sha256(spelled.encode()).hexdigest()
