"""The port to the database: what a store may ask, and the three ways a commit can fail.

Three tables stand behind it, DynamoDB's (`dynamo.py`), PostgreSQL's (`postgres/`) and the tests' in
memory; one contract suite runs on all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chalicelib.kernel.errors import TryAgainError
from chalicelib.storage.conditions import Change, Condition
from chalicelib.storage.values import Item, Key


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole item."""

    key: Key
    item: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Change some attributes of an item."""

    key: Key
    changes: tuple[Change, ...]
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Change nothing, but refuse the commit unless the condition holds."""

    key: Key
    condition: Condition


@dataclass(frozen=True, slots=True)
class Delete:
    """Take an item away; what is not there is no error unless the condition says so."""

    key: Key
    condition: Condition | None = None


Action = Put | Update | Check | Delete


class ReasonCode(StrEnum):
    """Why one action of a cancelled transaction did not pass."""

    NONE = "none"  # it would have passed
    CONDITION = "condition"
    CONFLICT = "conflict"  # another transaction held the item
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Reason:
    """One action's part in a cancellation; `old` is the item as it was, if there was one."""

    code: ReasonCode
    old: Item | None = None


class TransactionCancelledError(Exception):
    """Nothing was written; one reason an action, in their order."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = tuple(reasons)


class StoreThrottledError(TryAgainError):
    """Nothing was done; the table is over its capacity or briefly not there."""

    code = "storage_busy"


class StoreSilentError(TryAgainError):
    """No answer came: it may have been done. A repeat under the same token is safe."""

    code = "storage_busy"


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a query in key order; `next_sk` continues it, None ends it."""

    rows: tuple[tuple[Key, Item], ...]
    next_sk: str | None


class Table(Protocol):
    """A strongly consistent view of both tables."""

    def get(self, key: Key) -> Item | None:
        """Return an item without its key attributes, or None."""

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        """Return the items that exist, in one round trip for up to 100 keys."""

    def query(
        self,
        table: str,
        pk: str,
        *,
        between: tuple[str, str] | None = None,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page:
        """Return rows of one partition in the order of their sort keys.

        `between` bounds the sort key, both ends included; `after` continues a page and must lie
        within the bounds.
        """

    def write_batch(self, puts: Sequence[Put], deletes: Sequence[Key]) -> None:
        """Put and delete up to 25 items, each by itself and without condition, in one round trip.

        For writes that are the same whoever does them, and however often. When this raises
        `StoreThrottledError` or `StoreSilentError`, some may have been done.
        """

    def transact(self, actions: Sequence[Action], token: str) -> None:
        """Do all or nothing.

        Raises `TransactionCancelledError`, `StoreThrottledError` or `StoreSilentError`.
        """


def every_row(
    table: Table, name: str, pk: str, *, between: tuple[str, str]
) -> Iterator[tuple[Key, Item]]:
    """Walk all rows between two sort keys, both included, however short the pages are."""
    after: str | None = None
    while True:
        page = table.query(name, pk, between=between, after=after)
        yield from page.rows
        after = page.next_sk
        if after is None:
            return
