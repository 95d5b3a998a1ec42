"""DynamoDB in memory: both tables as one dictionary, conditions evaluated from our own values."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.storage.conditions import (
    Add,
    AllOf,
    AnyOf,
    AtLeast,
    AtMost,
    Condition,
    Equals,
    Missing,
    Not,
    OneOf,
    Present,
    Remove,
    Set,
)
from chalicelib.storage.table import (
    Action,
    Check,
    Delete,
    Page,
    Put,
    Reason,
    ReasonCode,
    TransactionCancelledError,
    Update,
)
from chalicelib.storage.values import Item, Key


class MemoryTable:
    """Strongly consistent, atomic, with client tokens; and a list of all that was committed."""

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        self.committed: list[tuple[Action, ...]] = []
        self._tokens: dict[str, tuple[Action, ...]] = {}
        self._partitions: dict[tuple[str, str], list[str]] = {}
        self._lock = threading.Lock()

    def get(self, key: Key) -> Item | None:
        return self.items.get(key)

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        assert 0 < len(set(keys)) <= 100
        return {key: self.items[key] for key in keys if key in self.items}

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
        low, high = between or ("", "\U0010ffff")
        listed = self._partitions.get((table, pk), [])
        if after is not None:
            low, high = (low, after) if newest_first else (after, high)
        found = listed[bisect_left(listed, low) : bisect_right(listed, high)]
        if newest_first:
            found.reverse()
        found = [sk for sk in found[: limit + 1] if sk != after][:limit]
        page = tuple((Key(table, pk, sk), self.items[Key(table, pk, sk)]) for sk in found)
        # Like DynamoDB, a page that is exactly full says that there may be more.
        return Page(rows=page, next_sk=found[-1] if len(found) == limit else None)

    def write_batch(self, puts: Sequence[Put], deletes: Sequence[Key]) -> None:
        assert 0 < len({*(put.key for put in puts), *deletes}) == len(puts) + len(deletes) <= 25
        for put in puts:
            assert put.condition is None
            self._apply(put)
        for key in deletes:
            self._apply(Delete(key))

    def transact(self, actions: Sequence[Action], token: str) -> None:
        with self._lock:
            if token in self._tokens:
                assert self._tokens[token] == tuple(actions), "a token belongs to one request"
                return
            assert len({action.key for action in actions}) == len(actions) <= 100
            reasons = [self._reason(action) for action in actions]
            if any(reason.code is not ReasonCode.NONE for reason in reasons):
                raise TransactionCancelledError(reasons)
            for action in actions:
                self._apply(action)
            self._tokens[token] = tuple(actions)
            self.committed.append(tuple(actions))

    def saved(self) -> dict[Key, Item]:
        """Return everything as it stands."""
        return {key: dict(item) for key, item in self.items.items()}

    def restore(self, saved: Mapping[Key, Item]) -> None:
        """Let everything stand again as it was saved."""
        self.items = {key: dict(item) for key, item in saved.items()}
        self._partitions = {}
        for table, pk, sk in sorted((key.table, key.pk, key.sk) for key in saved):
            self._partitions.setdefault((table, pk), []).append(sk)

    def _reason(self, action: Action) -> Reason:
        old = self.items.get(action.key)
        if action.condition is None or holds(action.condition, action.key, old):
            return Reason(ReasonCode.NONE)
        return Reason(ReasonCode.CONDITION, old)

    def _apply(self, action: Action) -> None:
        match action:
            case Put(key, item):
                self._list(key)
                self.items[key] = dict(item)
            case Delete(key):
                if self.items.pop(key, None) is not None:
                    self._partitions[key.table, key.pk].remove(key.sk)
            case Update(key, changes):
                changed: dict[str, Any] = dict(self.items.get(key) or {})
                for change in changes:
                    match change:
                        case Set(attribute, value):
                            changed[attribute] = value
                        case Add(attribute, amount):
                            changed[attribute] = changed.get(attribute, 0) + amount
                        case Remove(attribute):
                            changed.pop(attribute, None)
                self._list(key)
                self.items[key] = changed
            case Check():
                pass

    def _list(self, key: Key) -> None:
        if key not in self.items:
            insort(self._partitions.setdefault((key.table, key.pk), []), key.sk)


def holds(condition: Condition, key: Key, item: Item | None) -> bool:
    """Evaluate a condition as DynamoDB does: what is missing compares false."""
    stored: Mapping[str, Any] = {} if item is None else {"pk": key.pk, "sk": key.sk} | dict(item)
    match condition:
        case Equals(attribute, value):
            return attribute in stored and _same(stored[attribute], value)
        case AtLeast(attribute, value):
            return _number(stored.get(attribute)) and stored[attribute] >= value
        case AtMost(attribute, value):
            return _number(stored.get(attribute)) and stored[attribute] <= value
        case OneOf(attribute, values):
            return attribute in stored and any(_same(stored[attribute], one) for one in values)
        case Present(attribute):
            return attribute in stored
        case Missing(attribute):
            return attribute not in stored
        case AllOf(parts):
            return all(holds(part, key, item) for part in parts)
        case AnyOf(parts):
            return any(holds(part, key, item) for part in parts)
        case Not(part):
            return not holds(part, key, item)


def _number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _same(left: object, right: object) -> bool:
    """Compare with types: DynamoDB's true is not its 1."""
    return isinstance(left, bool) is isinstance(right, bool) and left == right
