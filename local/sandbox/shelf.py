"""A shelf of the book: records of one kind by their key, oldest first."""

from collections.abc import Callable, Iterable
from threading import RLock
from typing import Generic, TypeVar

R = TypeVar("R")


class Shelf(Generic[R]):
    """Records of one kind, under the book's lock."""

    def __init__(
        self, key: Callable[[R], str], *, lock: RLock, changed: Callable[[], None]
    ) -> None:
        self._key = key
        self._lock = lock
        self._changed = changed
        self._records: dict[str, R] = {}

    def open(self, records: Iterable[R]) -> None:
        """Hold these records and nothing else."""
        with self._lock:
            self._records = {self._key(record): record for record in records}

    def get(self, key: str) -> R | None:
        """Find a record."""
        with self._lock:
            return self._records.get(key)

    def keep(self, record: R) -> R:
        """Write a record."""
        with self._lock:
            self._records[self._key(record)] = record
        self._changed()
        return record

    def drop(self, key: str) -> None:
        """Forget a record."""
        with self._lock:
            self._records.pop(key, None)
        self._changed()

    def all(self) -> list[R]:
        """Return every record, oldest first."""
        with self._lock:
            return list(self._records.values())
