"""Due lists: what is to be looked at, and when. Swept by a schedule, never by a TTL.

Notes stand in four partitions a list, in the order of their moments. A note is not the truth: the
sweep reads what it is about, and a note too many is dropped.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.table import Table
from chalicelib.storage.values import Key

_SWEEP_BATCH = 40  # two writes each, of the hundred that a commit takes


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is to be looked at."""

    key: Key
    about: str

    @property
    def at(self) -> datetime:
        """Return when it is to be looked at."""
        return instant_from(self.key.sk.partition("/")[0])


@dataclass(frozen=True, slots=True)
class DueList:
    """One list, by its name."""

    table: Table
    name: str

    def put(self, work: Work, about: str, at: datetime) -> None:
        """Note when to look; noted again, it is the same note."""
        work.put(self.note(about, at).key, {}, refusal=f"due/{about}", when=None)

    def note(self, about: str, at: datetime) -> Note:
        """Return the note of this moment."""
        shard = zlib.crc32(about.encode()) % keys.DUE_SHARDS
        return Note(keys.due(self.name, shard, instant_text(at), about), about)

    def drop(self, work: Work, note: Note) -> None:
        """Take a note away; another sweep may have been faster."""
        work.delete(note.key, refusal=f"was due/{note.key.sk}")

    def up_to(self, at: datetime) -> Iterator[Note]:
        """Walk all notes whose time has come, shard by shard."""
        for shard in range(keys.DUE_SHARDS):
            pk, after = keys.due_list(self.name, shard), None
            while True:
                page = self.table.query(keys.MAIN, pk, between=_up_to(at), after=after)
                yield from (_note(key) for key, _ in page.rows)
                after = page.next_sk
                if after is None:
                    break

    def first(self, *, a_shard: int) -> Sequence[Note]:
        """Return the earliest notes of every shard, in their order; four round trips."""
        found: list[Note] = []
        for shard in range(keys.DUE_SHARDS):
            page = self.table.query(keys.MAIN, keys.due_list(self.name, shard), limit=a_shard)
            found += [_note(key) for key, _ in page.rows]
        return sorted(found, key=lambda note: note.key.sk)

    def sweep(self, at: datetime, settle: Callable[[Sequence[Note]], int]) -> int:
        """Settle all notes whose time has come, some at a time, and sum what `settle` counts.

        It drops or moves every note that it is given, so that the next look finds others.
        """
        settled = 0
        for shard in range(keys.DUE_SHARDS):
            while found := self._by(shard, at):
                settled += settle(found)
        return settled

    def _by(self, shard: int, at: datetime) -> Sequence[Note]:
        """Return some notes of a shard whose time has come, the earliest first."""
        pk = keys.due_list(self.name, shard)
        page = self.table.query(keys.MAIN, pk, between=_up_to(at), limit=_SWEEP_BATCH)
        return [_note(key) for key, _ in page.rows]


def _up_to(at: datetime) -> tuple[str, str]:
    return " ", f"{instant_text(at)}~"


def _note(key: Key) -> Note:
    return Note(key, key.sk.rpartition("/")[2])
