"""Time from outside: two clocks, aware UTC, never read behind one's back.

*Business time* decides what is due (an order's expiry, a settlement day) and may be moved in
development. *Protocol time* stays real: signatures and tokens are judged by it.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

Pause = Callable[[float], None]
"""Wait so many seconds: `sleep` in production, a step of the clock in the simulator."""

sleep: Pause = time.sleep


class Clock(Protocol):
    """The time, as one process sees it."""

    def now(self) -> datetime:
        """Return business time."""

    def protocol_now(self) -> datetime:
        """Return real time, for signatures and tokens."""

    def monotonic(self) -> float:
        """Return seconds from some start, for budgets."""


class SystemClock:
    """The machine's clock; `offset` moves business time alone."""

    def __init__(self, offset: Callable[[], timedelta] = timedelta) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """Return business time."""
        return datetime.now(UTC) + self._offset()

    def protocol_now(self) -> datetime:
        """Return real time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from some start."""
        return time.monotonic()


def instant_text(instant: datetime) -> str:
    """Spell an instant at fixed width, `2026-11-24T08:00:00.000000Z`: text order is time order."""
    assert instant.tzinfo is not None, "instants are aware"
    return f"{instant.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def instant_from(text: str) -> datetime:
    """Read what `instant_text` wrote."""
    return datetime.fromisoformat(text)


def milliseconds(instant: datetime) -> int:
    """Return whole milliseconds since 1970, rounded down."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
