"""DynamoDB in memory: both tables as one dictionary, conditions evaluated from our own values."""

import threading
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
        found = sorted(
            (
                (key, item)
                for key, item in self.items.items()
                if (key.table, key.pk) == (table, pk) and low <= key.sk <= high
            ),
            key=lambda row: row[0].sk.encode(),
            reverse=newest_first,
        )
        if after is not None:
            found = [
                row for row in found if (row[0].sk < after if newest_first else row[0].sk > after)
            ]
        page = tuple(found[:limit])
        # Like DynamoDB, a page that is exactly full says that there may be more.
        return Page(rows=page, next_sk=page[-1][0].sk if len(page) == limit else None)

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

    def _reason(self, action: Action) -> Reason:
        old = self.items.get(action.key)
        if action.condition is None or holds(action.condition, action.key, old):
            return Reason(ReasonCode.NONE)
        return Reason(ReasonCode.CONDITION, old)

    def _apply(self, action: Action) -> None:
        match action:
            case Put(key, item):
                self.items[key] = dict(item)
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
                self.items[key] = changed
            case Check():
                pass


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
