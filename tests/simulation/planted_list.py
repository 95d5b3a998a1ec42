"""Planted mistakes about the numbered list: those that its design must rule out."""

from contextlib import ExitStack, suppress

from chalicelib.kernel.errors import PlatformError
from chalicelib.ledger import balances, logbook
from chalicelib.ledger.events import SendEvents
from chalicelib.ledger.logbook import Logbook
from chalicelib.ledger.numbered import Batch, Head
from chalicelib.ledger.sequencer import Sequencer
from chalicelib.storage import keys, outbox
from chalicelib.storage.conditions import AnyOf, AtMost, Condition, Missing
from chalicelib.storage.outbox import OutboxRow
from tests.simulation.roots import Bug, patch


def _no_compare_and_set(roots: ExitStack) -> None:
    patch(roots, logbook, "unmoved", lambda _head: None)


def _stage_named_by_position(roots: ExitStack) -> None:
    patch(roots, logbook, "stage_name", lambda base, _keys: str(base))


def _folded_by_the_batchs_start(roots: ExitStack) -> None:
    def mistaken(batch: Batch) -> Condition:
        return AnyOf((Missing("through"), AtMost("through", batch.base - 1)))

    patch(roots, balances, "not_yet_folded", mistaken)


def _folded_without_condition(roots: ExitStack) -> None:
    patch(roots, balances, "not_yet_folded", lambda _batch: None)


def _applied_before_the_deletes(roots: ExitStack) -> None:
    def finish(self: Sequencer, head: Head, batch: Batch) -> Head:
        for reader in self.readers:
            reader.read(batch)
        moved = self.logbook.applied(head)
        self.logbook.delete_rows([numbered.row.key for numbered in batch.rows])
        return moved

    patch(roots, Sequencer, "_finish", finish)


def _deleted_before_they_are_read(roots: ExitStack) -> None:
    def finish(self: Sequencer, head: Head, batch: Batch) -> Head:
        self.logbook.delete_rows([numbered.row.key for numbered in batch.rows])
        for reader in self.readers:
            reader.read(batch)
        return self.logbook.applied(head)

    patch(roots, Sequencer, "_finish", finish)


def _cursor_by_time(roots: ExitStack) -> None:
    """Read from beyond the newest row that was ever read; a slow commit is passed over."""
    seen: dict[int, str] = {}

    def waiting(self: Logbook, *, a_shard: int) -> tuple[list[OutboxRow], bool]:
        cursor = seen.get(id(self), " ")
        rows: list[OutboxRow] = []
        for shard in range(keys.OUTBOX_SHARDS):
            between = (cursor, "~")
            pk = keys.outbox_shard(shard)
            page = self.table.query(keys.LOG, pk, between=between, limit=a_shard)
            rows += [outbox.read_row(key, item) for key, item in page.rows]
        rows.sort(key=lambda row: row.key.sk)
        if rows:
            seen[id(self)] = rows[-1].key.sk + "!"
        return rows, False

    seen.clear()
    patch(roots, Logbook, "waiting", waiting)


def _events_error_swallowed(roots: ExitStack) -> None:
    def read(self: SendEvents, batch: Batch) -> None:
        with suppress(PlatformError):
            right(self, batch)

    right = patch(roots, SendEvents, "read", read)


LIST_BUGS = [
    Bug("no compare-and-set", _no_compare_and_set),
    Bug("stage named by position", _stage_named_by_position),
    Bug("folded by the batch's start", _folded_by_the_batchs_start),
    Bug("folded without condition", _folded_without_condition),
    Bug("applied before the deletes", _applied_before_the_deletes),
    Bug("deleted before they are read", _deleted_before_they_are_read),
    Bug("cursor by time", _cursor_by_time),
    Bug("an event's error swallowed", _events_error_swallowed),
]
