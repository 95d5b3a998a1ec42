"""A world of one thread and virtual time: actors take turns at every call to the outside.

Each actor is a greenlet. A call to a port takes some virtual time, during which others act; so the
same seed gives the same interleaving, always. Nothing waits for real.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from greenlet import greenlet

from chalicelib.kernel import trace
from tests.fakes.clock import START


class Killed(BaseException):
    """This process was killed here; nothing in it may catch this."""


@dataclass
class World:
    """Virtual time, a queue of those who wait, and the story so far."""

    seed: int = 0
    calls: int = 0
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  it must be repeatable
        self.seconds = 0.0
        self._waiting: list[tuple[float, int, greenlet]] = []
        self._order = 0
        self._begun = 0
        self._main: greenlet | None = None

    # The clock port.
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def protocol_now(self) -> datetime:
        return self.now()

    def monotonic(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        """Let time pass for this actor, and others act meanwhile."""
        if self._main is None or greenlet.getcurrent() is self._main:
            self.seconds += seconds
            return
        self._enqueue(greenlet.getcurrent(), seconds)
        self._main.switch()

    def randomness(self, size: int) -> bytes:
        """Return bytes that the seed alone decides."""
        return self.random.randbytes(size)

    def tell(self, sentence: str) -> None:
        """Add to the story."""
        self.story.append(f"{self.seconds:10.3f}  {sentence}")

    def begin(self, actor: Callable[[], None], *, after: float = 0.0) -> None:
        """Let an actor begin; it ends when its function does, or when it is killed.

        Whoever ends gives way to the world, not to the actor that let it begin. Each has a trace,
        so that rows, lines and messages carry one here too.
        """
        self._begun += 1
        name = trace.named(str(self._begun))

        def traced() -> None:
            with trace.within(name):
                actor()

        self._enqueue(greenlet(traced, parent=self._main or greenlet.getcurrent()), after)

    def run(self) -> None:
        """Run until nobody waits any more."""
        self._main = greenlet.getcurrent()
        try:
            while self._waiting:
                at, _, actor = heapq.heappop(self._waiting)
                self.seconds = max(self.seconds, at)
                actor.switch()
        finally:
            self._main = None

    def _enqueue(self, actor: greenlet, after: float) -> None:
        self._order += 1
        heapq.heappush(self._waiting, (self.seconds + after, self._order, actor))
