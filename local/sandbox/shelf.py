"""A shelf of the book: records of one kind by their key, oldest first."""

from collections.abc import Callable, Iterable
from threading import RLock
from typing import Generic, TypeVar

R = TypeVar("R")


class Shelf(Generic[R]):
    """Records of one kind, under the book's lock; those of one `group` are found without a search.

    A record never changes its group.
    """

    def __init__(
        self,
        key: Callable[[R], str],
        *,
        group: Callable[[R], str] | None = None,
        lock: RLock,
        changed: Callable[[], None],
    ) -> None:
        self._key = key
        self._group = group
        self._lock = lock
        self._changed = changed
        self._records: dict[str, R] = {}
        self._groups: dict[str, dict[str, R]] = {}

    def open(self, records: Iterable[R]) -> None:
        """Hold these records and nothing else."""
        with self._lock:
            self._records, self._groups = {}, {}
            for record in records:
                self._put(record)

    def get(self, key: str) -> R | None:
        """Find a record."""
        with self._lock:
            return self._records.get(key)

    def keep(self, record: R) -> R:
        """Write a record."""
        with self._lock:
            self._put(record)
        self._changed()
        return record

    def drop(self, key: str) -> None:
        """Forget a record."""
        with self._lock:
            record = self._records.pop(key, None)
            if record is not None and self._group:
                self._groups[self._group(record)].pop(key)
        self._changed()

    def all(self) -> list[R]:
        """Return every record, oldest first."""
        with self._lock:
            return list(self._records.values())

    def of(self, group: str) -> list[R]:
        """Return the records of a group, oldest first."""
        assert self._group, "this shelf has no groups"
        with self._lock:
            return list(self._groups.get(group, {}).values())

    def _put(self, record: R) -> None:
        key = self._key(record)
        self._records[key] = record
        if self._group:
            self._groups.setdefault(self._group(record), {})[key] = record
