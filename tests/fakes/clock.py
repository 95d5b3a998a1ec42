"""A clock that stands until it is moved."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class StoppedClock:
    """Both clocks in one; a pause moves it."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return self.at

    def protocol_now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.move(seconds=seconds)

    def move(self, *, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
