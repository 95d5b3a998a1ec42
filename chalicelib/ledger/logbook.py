"""The sequencer's own items in the table `log`: the head, stages, closed days, outbox rows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.errors import TryAgainError
from chalicelib.ledger.numbered import Head, stage_name
from chalicelib.storage import keys, outbox
from chalicelib.storage.batches import Batches
from chalicelib.storage.commit import CommitRefusedError, Commits, Work
from chalicelib.storage.conditions import ITEM_ABSENT, Condition, Equals
from chalicelib.storage.outbox import OutboxRow
from chalicelib.storage.table import Put, Table
from chalicelib.storage.values import Item, Key

HEAD, STAGE, DAY = "head", "stage", "day"
_DAYS_A_COMMIT = 60

Rows = Sequence[OutboxRow]
Parallel = Callable[[Sequence[Callable[[], Rows]]], Sequence[Rows]]
"""Make calls at once: a few threads in production, one after another in the simulator."""


class OvertakenError(TryAgainError):
    """Another sequencer moved the head first; begin again by reading it."""

    code = "overtaken"


@dataclass(frozen=True, slots=True)
class Logbook:
    """Reads and moves the head of the list; its conditions are what makes two at once harmless."""

    table: Table
    commits: Commits
    batches: Batches
    parallel: Parallel

    def head(self) -> Head:
        """Return how far the list has come, read strongly."""
        item = self.batches.read([keys.log_head()]).get(keys.log_head())
        return read_head(item)

    def waiting(self, *, a_shard: int) -> tuple[list[OutboxRow], bool]:
        """Return the oldest rows of every shard, in order, and whether more may be behind them.

        By strongly consistent queries of the table itself: an index lags and gives duplicates, and
        a cursor by time passes rows whose commit was slow.
        """
        calls = [self._first(shard, a_shard) for shard in range(keys.OUTBOX_SHARDS)]
        found = self.parallel(calls)
        rows = sorted((row for rows in found for row in rows), key=lambda row: row.key.sk)
        return rows, any(len(rows) >= a_shard for rows in found)

    def staged(self, head: Head, rows: Sequence[OutboxRow]) -> str:
        """Write down which rows are to be numbered next, and in which order; return its name."""
        row_keys = [row.key for row in rows]
        name = stage_name(head.n, row_keys)
        spelled = [f"{key.pk} {key.sk}" for key in row_keys]
        self.batches.put([Put(keys.stage(name), {"base": head.n, "rows": spelled})])
        return name

    def rows_of(self, head: Head) -> tuple[list[Key], list[OutboxRow] | None]:
        """Return a committed stage's row keys, and its rows; None once some are gone.

        Rows are deleted only after every reader has read them, so a missing one says that all have.
        """
        assert head.stage is not None
        item = self.batches.read([keys.stage(head.stage)]).get(keys.stage(head.stage))
        if item is None:  # applied meanwhile
            raise OvertakenError("another sequencer finished this stage")
        spelled = item["rows"]
        assert isinstance(spelled, list)
        row_keys = [Key(keys.LOG, *str(text).split(" ")) for text in spelled]
        found = self.batches.read(row_keys)
        if len(found) < len(row_keys):
            return row_keys, None
        return row_keys, [outbox.read_row(key, found[key]) for key in row_keys]

    def advance(self, head: Head, moved: Head) -> Head:
        """Move the head by compare-and-set, the only commit point, or raise `OvertakenError`."""
        with self._moving(head) as work:
            _put_head(work, head, moved)
        return moved

    def applied(self, head: Head) -> Head:
        """Say that the committed stage has been read by all, and let the stage go."""
        assert head.stage is not None
        moved = head.evolve(
            applied=head.n, stage=None, chain_before=head.chain, version=head.version + 1
        )
        with self._moving(head) as work:
            _put_head(work, head, moved)
            work.delete(keys.stage(head.stage), refusal=STAGE)
        return moved

    def close_days(self, head: Head, days: Sequence[str], *, at: datetime) -> Head:
        """Close business days at the position that the list has come to."""
        assert head.applied == head.n, "a day closes where everything is read"
        some = days[:_DAYS_A_COMMIT]
        moved = head.evolve(day=some[-1], version=head.version + 1)
        with self._moving(head) as work:
            _put_head(work, head, moved)
            for day in some:
                item: Item = {"position": head.n, "closed_at": instant_text(at)}
                work.put(keys.day_closed(day), item, refusal=f"{DAY}/{day}")
        return moved

    def delete_rows(self, row_keys: Sequence[Key]) -> None:
        """Take rows out of the outbox: everybody has read them."""
        self.batches.delete(row_keys)

    def sweep_stages(self) -> int:
        """Delete stages that lost their race; return how many."""
        head = self.head()
        page = self.table.query(keys.LOG, keys.STAGES)
        dead = [key for key, item in page.rows if int(str(item["base"])) < head.applied]
        self.batches.delete(dead)
        return len(dead)

    def _first(self, shard: int, limit: int) -> Callable[[], Rows]:
        return lambda: outbox.first_rows(self.table, shard, limit=limit)

    @contextmanager
    def _moving(self, head: Head) -> Iterator[Work]:
        """Open a commit of the head; its refusal means that another was faster."""
        try:
            with self.commits() as work:
                yield work
        except CommitRefusedError:
            raise OvertakenError("another sequencer moved the head", n=head.n) from None


def unmoved(head: Head) -> Condition:
    """Return the condition that nobody moved the head since it was read."""
    return Equals("version", head.version) if head.version else ITEM_ABSENT


def _put_head(work: Work, head: Head, moved: Head) -> None:
    item = moved.model_dump(exclude={"numbered_at"})
    if moved.numbered_at is not None:
        item["numbered_at"] = instant_text(moved.numbered_at)
    work.put(keys.log_head(), item, when=unmoved(head), refusal=HEAD)


def read_head(item: Item | None) -> Head:
    """Read the head's item; before the first row there is none."""
    if item is None:
        return Head()
    at = item.get("numbered_at")
    return Head.model_validate(
        dict(item) | {"numbered_at": instant_from(str(at)) if at is not None else None}
    )
