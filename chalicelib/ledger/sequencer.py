"""The sequencer: gives every commit's row its number, once, and lets every reader read it.

    1  read the head strongly; a stage that is not applied is finished first, whoever began it;
       business days that are over are closed
    2  read the oldest rows of all 16 shards
    3  write the stage: which rows, in which order
    4  move the head: compare-and-set, the only commit point
    5  let every reader read: balances, lists, totals, events, lake
    6  delete the rows
    7  set `applied`, under condition

Killed anywhere, it is finished by whoever comes next. Two at once are harmless: one of them moves
the head, and what comes after that is the same whoever does it, and however often.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.kernel.clock import Clock, Pause, milliseconds
from chalicelib.ledger.days import business_day, day_before, days_between
from chalicelib.ledger.logbook import Logbook, OvertakenError
from chalicelib.ledger.numbered import Batch, Head, Reader, batch_of
from chalicelib.ledger.segments import chain_after
from chalicelib.storage.outbox import OutboxRow, waiting_since

ROWS_A_SHARD = 256
"""How many rows a round takes of each shard: some four thousand in all, so that what is written
once a round and merchant is shared by many rows. A stage of so many keys is a third of an item."""

ROUND = timedelta(seconds=1)
"""Rounds are coalesced to one in this time, unless more rows wait than one round takes."""

_OVERTAKEN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """What one run did."""

    rows: int = 0
    rounds: int = 0
    overtaken: int = 0
    oldest_seconds: int | None = None  # how long the oldest row had waited; None if not looked
    delays: tuple[int, ...] = ()  # milliseconds of each row, from its commit to its number

    def and_then(self, later: "Progress") -> "Progress":
        """Sum two."""
        seen = [one for one in (self.oldest_seconds, later.oldest_seconds) if one is not None]
        return Progress(
            self.rows + later.rows,
            self.rounds + later.rounds,
            self.overtaken + later.overtaken,
            max(seen, default=None),
            self.delays + later.delays,
        )


@dataclass(frozen=True, slots=True)
class Sequencer:
    """Numbers what waits in the outbox."""

    logbook: Logbook
    readers: Sequence[Reader]
    clock: Clock
    pause: Pause
    rows_a_shard: int = ROWS_A_SHARD
    apart: timedelta = ROUND

    def run(self, *, seconds: float = 20.0) -> Progress:
        """Make rounds until nothing waits or the time is over; what is left comes next time."""
        until = self.clock.monotonic() + seconds
        done, more = Progress(), False
        while self.clock.monotonic() < until:
            try:
                made, more = self._round(hurry=more)
            except OvertakenError:
                done = done.and_then(Progress(overtaken=1))
                self.pause(_OVERTAKEN_SECONDS)
                continue
            done = done.and_then(made)
            if not more:
                break
        return done

    def _round(self, *, hurry: bool) -> tuple[Progress, bool]:
        head = self._up_to_date(self.logbook.head())
        if not hurry and (rest := self._rest(head)):
            self.pause(rest)
        rows, more = self.logbook.waiting(a_shard=self.rows_a_shard)
        if not rows:
            return Progress(oldest_seconds=0), False
        waited = self.clock.protocol_now() - waiting_since(rows[0].key.sk)
        head, batch = self._numbered(head, rows)
        delays = _delays(rows, self.clock.protocol_now())
        self._finish(head, batch)
        oldest = max(0, waited // timedelta(seconds=1))
        done = Progress(rows=len(rows), rounds=1, oldest_seconds=oldest, delays=delays)
        return done, more

    def _up_to_date(self, head: Head) -> Head:
        """Finish what another began, and close the days that are over."""
        if head.stage is not None:
            head = self._replayed(head)
        if head.day is None:
            return head
        while days := days_between(head.day, business_day(self.clock.now())):
            head = self.logbook.close_days(head, days, at=self.clock.now())
        return head

    def _rest(self, head: Head) -> float:
        """Return how long to wait so that rounds do not come faster than they should."""
        if head.numbered_at is None:
            return 0.0
        left = self.apart - (self.clock.protocol_now() - head.numbered_at)
        # More than a round left means that another's clock is ahead: no reason to wait.
        return left.total_seconds() if timedelta(0) < left <= self.apart else 0.0

    def _numbered(self, head: Head, rows: Sequence[OutboxRow]) -> tuple[Head, Batch]:
        began = head.evolve(
            n=head.n + len(rows),
            numbered_at=self.clock.protocol_now(),
            day=head.day or self._yesterday(),
            version=head.version + 1,
        )
        batch = batch_of(began, rows)
        moved = began.evolve(
            stage=self.logbook.staged(head, rows),
            chain=chain_after(head.chain, batch.lines),
        )
        return self.logbook.advance(head, moved), batch

    def _replayed(self, head: Head) -> Head:
        row_keys, rows = self.logbook.rows_of(head)
        assert len(row_keys) == head.n - head.applied, "a stage is what its name says"
        if rows is not None:
            return self._finish(head, batch_of(head, rows))
        self.logbook.delete_rows(row_keys)
        return self.logbook.applied(head)

    def _finish(self, head: Head, batch: Batch) -> Head:
        for reader in self.readers:
            reader.read(batch)
        self.logbook.delete_rows([numbered.row.key for numbered in batch.rows])
        return self.logbook.applied(head)

    def _yesterday(self) -> str:
        return day_before(business_day(self.clock.now()).isoformat())


def _delays(rows: Sequence[OutboxRow], numbered_at: datetime) -> tuple[int, ...]:
    at = milliseconds(numbered_at)
    return tuple(max(0, at - milliseconds(waiting_since(row.key.sk))) for row in rows)
