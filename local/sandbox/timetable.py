"""Work that is done later: a few threads, started only when there is some, stopped cleanly."""

import heapq
import itertools
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Condition, Thread

Job = Callable[[], object]
HANDS = 4
STOP_SECONDS_MAX = 10

logger = logging.getLogger(__name__)


class Timetable:
    """Jobs by the time they are due, by the machine's monotonic clock."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Job]] = []
        self._changed = Condition()
        self._numbers = itertools.count()
        self._hands: list[Thread] = []
        self._closed = False

    def after(self, delay: timedelta, job: Job) -> None:
        """Do a job after this delay; after `close` nothing is taken on."""
        due = time.monotonic_ns() + _nanoseconds(delay)
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._due, (due, next(self._numbers), job))
            if len(self._hands) < min(HANDS, len(self._due)):
                hand = Thread(target=self._work, name=f"timetable-{len(self._hands)}", daemon=True)
                self._hands.append(hand)
                hand.start()
            self._changed.notify()

    def pause(self, delay: timedelta) -> None:
        """Wait this long, or until `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, timeout=delay.total_seconds())

    def close(self) -> None:
        """Drop what is not begun, wait for what is."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify_all()
            hands = list(self._hands)
        for hand in hands:
            hand.join(timeout=STOP_SECONDS_MAX)

    def _work(self) -> None:
        while job := self._next():
            try:
                job()
            except Exception:
                logger.exception("a job of the timetable failed")

    def _next(self) -> Job | None:
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - time.monotonic_ns() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(None if wait is None else wait / 1_000_000_000)
        return None


def _nanoseconds(delay: timedelta) -> int:
    return delay // timedelta(microseconds=1) * 1000
