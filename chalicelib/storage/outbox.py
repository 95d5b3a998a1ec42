"""The outbox: one row a commit, in the commit, so that what happened can never be unheard of.

Rows lie in 16 shards, since one partition would bound the whole house's commits. A row's id grows
with real time inside its shard. Each row stays under 1 KB: a larger one would cost every payment
another write unit.
"""

from collections.abc import Iterator
from datetime import datetime

from pydantic import AwareDatetime

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


def row_put(
    row_id: str, shard: int, *, kind: str, about: str, at: datetime, facts: Item, entry: str | None
) -> Put:
    """Write a row into its shard; it can collide with none, and asserts its size."""
    item: dict[str, object] = {"kind": kind, "about": about, "at": instant_text(at)}
    if facts:
        item["facts"] = facts
    if entry is not None:
        item["entry"] = entry
    put = Put(keys.outbox(shard, row_id), item)  # type: ignore[arg-type]
    assert item_size(put.key, put.item) <= ROW_BYTES_MAX, f"an outbox row over 1 KB: {kind}"
    return put


def new_row_id(at: datetime, randomness: Randomness) -> tuple[str, int]:
    """Mint a row id, and the shard that its own random bytes choose."""
    row_id = ulid_text(at_ms=milliseconds(at), randomness=randomness)
    return row_id, sum(row_id[-4:].encode()) % keys.OUTBOX_SHARDS


def last_row_id_before(instant: datetime) -> str:
    """Return the bound below which rows were minted before this instant."""
    return ulid_text(at_ms=max(milliseconds(instant), 0), randomness=bytes)


def rows(
    table: Table, shard: int, *, until: str, after: str | None = None, page: int = 100
) -> Iterator[OutboxRow]:
    """Walk one shard in order, from beyond `after` to `until`."""
    while True:
        found = table.query(
            keys.LOG, keys.outbox_shard(shard), between=(" ", until), after=after, limit=page
        )
        for key, item in found.rows:
            yield _row(key, item)
        if found.next_sk is None:
            return
        after = found.next_sk


def _row(key: Key, item: Item) -> OutboxRow:
    return OutboxRow.model_validate(
        {"facts": {}, "entry": None}
        | dict(item)
        | {"key": key, "at": instant_from(str(item["at"]))}
    )
