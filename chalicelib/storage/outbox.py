"""The outbox: one row a commit, in the commit, so that what happened can never be unheard of.

Rows lie in 16 shards, since one partition would bound the whole house's commits. A row's id grows
with real time inside its shard. Each row stays under 1 KB: a larger one would cost every payment
another write unit.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import AwareDatetime
from ulid import ULID

from chalicelib.kernel import trace
from chalicelib.kernel.clock import instant_from, instant_text, milliseconds
from chalicelib.kernel.ids import Randomness, ulid_text
from chalicelib.kernel.record import Record
from chalicelib.storage import keys
from chalicelib.storage.table import Put, Table
from chalicelib.storage.values import Item, Key, item_size

ROW_BYTES_MAX = 1024


class OutboxRow(Record):
    """What one commit did: an event, and the journal entry when money moved."""

    key: Key
    kind: str  # `<noun>.<past>`: `payment.captured`
    about: str  # the id of what it happened to
    at: AwareDatetime
    facts: dict[str, str]
    entry: str | None  # a journal entry as JSON
    trace: str = ""  # of whom the commit was; rows from before it was kept have none


def row_put(
    row_id: str, shard: int, *, kind: str, about: str, at: datetime, facts: Item, entry: str | None
) -> Put:
    """Write a row into its shard; it can collide with none, and asserts its size.

    The context's trace goes along where it fits: no commit costs more for it, and none fails.
    """
    item: dict[str, object] = {"kind": kind, "about": about, "at": instant_text(at)}
    if facts:
        item["facts"] = facts
    if entry is not None:
        item["entry"] = entry
    if found := trace.current():
        item["t"] = trace.packed(found)
    put = Put(keys.outbox(shard, row_id), item)  # type: ignore[arg-type]
    if found and item_size(put.key, put.item) > ROW_BYTES_MAX:
        del item["t"]
    assert item_size(put.key, put.item) <= ROW_BYTES_MAX, f"an outbox row over 1 KB: {kind}"
    return put


def new_row_id(at: datetime, randomness: Randomness) -> str:
    """Mint a row id: text order is the order of real time."""
    return ulid_text(at_ms=milliseconds(at), randomness=randomness)


def shard_of(beside: str) -> int:
    """Return the shard in which rows beside this id lie."""
    return zlib.crc32(beside.encode()) % keys.OUTBOX_SHARDS


def waiting_since(row_id: str) -> datetime:
    """Return when a row's commit began."""
    return ULID.from_str(row_id).datetime


def rows(table: Table, shard: int) -> Iterator[OutboxRow]:
    """Walk one shard in order."""
    after: str | None = None
    while True:
        found = table.query(keys.LOG, keys.outbox_shard(shard), after=after)
        yield from (read_row(key, item) for key, item in found.rows)
        if found.next_sk is None:
            return
        after = found.next_sk


def first_rows(table: Table, shard: int, *, limit: int) -> Sequence[OutboxRow]:
    """Return the oldest rows of one shard: strongly consistent, by the table itself."""
    found = table.query(keys.LOG, keys.outbox_shard(shard), limit=limit)
    return [read_row(key, item) for key, item in found.rows]


def read_row(key: Key, item: Item) -> OutboxRow:
    """Read a row's item.

    An attribute nobody here knows is refused, never passed over: what is numbered without it would
    be another line than the one that the list's chain already vouches for.
    """
    fields: dict[str, object] = {"facts": {}, "entry": None} | dict(item)
    packed = fields.pop("t", None)
    fields |= {"key": key, "at": instant_from(str(item["at"])), "trace": trace.unpacked(packed)}
    return OutboxRow.model_validate(fields)
