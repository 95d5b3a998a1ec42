"""The simulator's ground on PostgreSQL: what memory would hold is read back from the database."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from typing_extensions import override

from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.postgres.texts import item_from_json, read
from chalicelib.storage.table import Action, Page, Put
from chalicelib.storage.values import Item, Key
from tests.fakes.table import MemoryTable


class StoredTable(MemoryTable):
    """An empty database; after every write `items` is all that stands there, as it stands there."""

    def __init__(self, stored: PostgresTable, admin: psycopg.Connection) -> None:
        super().__init__()
        self._stored, self._admin = stored, admin
        self._done: set[str] = set()
        # Emptying a small table by rows is far quicker than making it anew.
        admin.execute("DELETE FROM shoukuan.items")
        admin.execute("DELETE FROM shoukuan.commits")

    @override
    def get(self, key: Key) -> Item | None:
        return self._stored.get(key)

    @override
    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        return self._stored.get_many(keys)

    @override
    def query(self, table: str, pk: str, **bounds: Any) -> Page:
        """Return a page; like DynamoDB's, one that is exactly full says that there may be more."""
        page = self._stored.query(table, pk, **bounds)
        full = len(page.rows) == bounds.get("limit", 100)
        return Page(page.rows, page.rows[-1][0].sk if full else None)

    @override
    def write_batch(self, puts: Sequence[Put], deletes: Sequence[Key]) -> None:
        self._stored.write_batch(puts, deletes)
        self._read_back([put.key for put in puts])

    @override
    def transact(self, actions: Sequence[Action], token: str) -> None:
        self._stored.transact(actions, token)
        self._read_back([action.key for action in actions])
        if token not in self._done:
            self._done.add(token)
            self.committed.append(tuple(actions))

    def _read_back(self, written: Sequence[Key]) -> None:
        """Read everything; what is new stands last, as it would in memory."""
        rows = self._admin.execute("SELECT tbl, pk, sk, body::text FROM shoukuan.items")
        found = {
            Key(table, read(pk), read(sk)): item_from_json(body)
            for table, pk, sk, body in rows.fetchall()
        }
        order = dict.fromkeys([*self.items, *written, *found])
        self.items = {key: found[key] for key in order if key in found}
