"""Many writes at once, for readers of the numbered list; each write may be done again.

*Plain* writes are the same whoever does them. *Guarded* groups carry a condition that refuses what
has been done before; a group passes whole or not at all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.storage.commit import ACTIONS_MAX, Commits
from chalicelib.storage.table import (
    Action,
    Put,
    ReasonCode,
    StoreSilentError,
    StoreThrottledError,
    Table,
    TransactionCancelledError,
)
from chalicelib.storage.values import Item, Key

READ_MAX = 100
_WRITE_MAX = 25
_BUDGET_SECONDS = 15.0

T = TypeVar("T")

Group = Sequence[Action]


@dataclass(frozen=True, slots=True)
class Batches:
    """Reads and writes in as few round trips as the tables allow, patiently."""

    table: Table
    commits: Commits

    def read(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        """Return the items that exist."""
        found: dict[Key, Item] = {}
        for some in chunked(list(dict.fromkeys(keys)), READ_MAX):
            found |= self._patiently(lambda some=some: self.table.get_many(some))  # type: ignore[misc]
        return found

    def put(self, puts: Sequence[Put]) -> None:
        """Write whole items that are the same whoever writes them."""
        for some in chunked(puts, _WRITE_MAX):
            self._patiently(lambda some=some: self.table.write_batch(some, ()))  # type: ignore[misc]

    def delete(self, keys: Sequence[Key]) -> None:
        """Take items away."""
        for some in chunked(keys, _WRITE_MAX):
            self._patiently(lambda some=some: self.table.write_batch((), some))  # type: ignore[misc]

    def guarded(self, groups: Sequence[Group]) -> Sequence[Group]:
        """Commit groups of actions, packed; return those that their own conditions refused."""
        refused: list[Group] = []
        for packed in _packed(groups):
            refused += self._committed(packed)
        return refused

    def _committed(self, groups: Sequence[Group]) -> Sequence[Group]:
        deadline, attempt = self.commits.deadline(_BUDGET_SECONDS), 0
        left, refused = list(groups), list[Group]()
        token = self.commits.randomness(16).hex()
        while left:
            try:
                self.table.transact([action for group in left for action in group], token)
            except TransactionCancelledError as cancelled:
                if out := _refused(left, cancelled):
                    refused += [group for number, group in enumerate(left) if number in out]
                    left = [group for number, group in enumerate(left) if number not in out]
                    token = self.commits.randomness(16).hex()
                    continue
            except (StoreThrottledError, StoreSilentError):
                pass
            else:
                break
            self.commits.wait(attempt, deadline)
            attempt += 1
        return refused

    def _patiently(self, call: Callable[[], T]) -> T:
        deadline, attempt = self.commits.deadline(_BUDGET_SECONDS), 0
        while True:
            try:
                return call()
            except (StoreThrottledError, StoreSilentError):
                self.commits.wait(attempt, deadline)
                attempt += 1


def chunked(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts of at most this size."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def _packed(groups: Sequence[Group]) -> Iterator[Sequence[Group]]:
    """Fill transactions, never splitting a group."""
    packed: list[Group] = []
    taken = 0
    for group in groups:
        if taken + len(group) > ACTIONS_MAX:
            yield packed
            packed, taken = [], 0
        packed.append(group)
        taken += len(group)
    if packed:
        yield packed


def _refused(groups: Sequence[Group], cancelled: TransactionCancelledError) -> set[int]:
    """Return which groups had a condition that failed.

    A refusal may stand beside a conflict here: `through` only ever grows, and whoever else is
    refused looks again before it acts.
    """
    codes = iter(reason.code for reason in cancelled.reasons)
    by_group = [[next(codes) for _ in group] for group in groups]
    return {number for number, own in enumerate(by_group) if ReasonCode.CONDITION in own}
