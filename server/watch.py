"""What is at hand in this process: probes ask whether anything hangs, and how long it has."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Watch:
    """Notes what begins and what ends."""

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._lock = threading.Lock()
        self._begun: dict[object, float] = {}

    @contextmanager
    def handling(self) -> Iterator[None]:
        """Be at something."""
        mark = object()
        with self._lock:
            self._begun[mark] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._begun[mark]

    def at_hand(self) -> int:
        """Return how many things are at hand."""
        with self._lock:
            return len(self._begun)

    def hangs(self) -> bool:
        """Tell whether something takes longer than anything may: only an end of the process helps.

        A message that hangs keeps its lease, so that nobody else takes it before.
        """
        with self._lock:
            oldest = min(self._begun.values(), default=None)
        return oldest is not None and time.monotonic() - oldest > self._seconds_max
