"""How often somebody may ask for what costs money, or leaks: so many times in each minute.

    asked in this minute, in this process      what it costs
    ─────────────────────────────────────────  ──────────────────────────────────────────────
    up to `calm`                                nothing: a dictionary is looked at
    more                                        one conditional write to the caller's own item of
                                                this minute, those before included
    more than allowed, here or in all           nothing any more: refused until the minute is over

So whoever behaves never meets the store, whoever doesn't meets one count for all processes, and no
two callers share an item. What is `calm` in each of n processes may pass n times before it counts.

A verified notification passes through none of this: only what was refused is counted there.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from chalicelib.edge import observe
from chalicelib.edge.problems import TooManyRequestsError
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.limits import Limited

WINDOW_SECONDS = 60
CALLERS_MAX = 10_000
"""How many callers a process remembers; whoever was forgotten begins anew, but not in the store."""


class Whose(StrEnum):
    """Who is counted."""

    CALLER = "caller"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Limit:
    """What is allowed; `calm` is how much of it costs nothing to count, None for all of it.

    `closed` says that nobody passes while the count can't be asked: for what a stranger may ask,
    or what costs more than it is worth then. Else they pass, and this process alone counts.
    """

    name: Limited
    per_minute: int
    calm: int | None = None
    whose: Whose = Whose.CALLER
    closed: bool = False


# Behind one address of a telephone network there are thousands of shoppers.
SIGN_IN = Limit(Limited.SIGN_IN, 600, calm=60, whose=Whose.ADDRESS, closed=True)
ORDER = Limit(Limited.ORDER, 30, calm=10)
PAYMENT = Limit(Limited.PAYMENT, 10, calm=3)
REFUND = Limit(Limited.REFUND, 120, calm=20)
DISPUTE = Limit(Limited.DISPUTE, 10, calm=2)
EVIDENCE = Limit(Limited.EVIDENCE, 20, calm=2, closed=True)
RUN = Limit(Limited.RUN, 10, calm=0, closed=True)
REPORT = Limit(Limited.REPORT, 30)
UNAUTHENTICATED = Limit(Limited.UNAUTHENTICATED, 300, whose=Whose.ADDRESS)
FORGED = Limit(Limited.FORGED, 120, whose=Whose.ADDRESS)
ALL = (
    *(SIGN_IN, ORDER, PAYMENT, REFUND, DISPUTE, EVIDENCE, RUN, REPORT),
    *(UNAUTHENTICATED, FORGED),
)


class Counts(Protocol):
    """Where all processes count together."""

    def add(self, name: str, whom: str, at: datetime, times: int, *, most: int) -> bool:
        """Count, unless it would be more than `most` in the window that begins at `at`.

        Raises `TryAgainError` when the count can't be asked.
        """


@dataclass(slots=True)
class _Seen:
    """What this process saw of a caller in a window."""

    window: int
    asked: int = 0
    told: int = 0
    full: bool = False


@dataclass
class Limiter:
    """Lets callers pass, or tells them to wait."""

    counts: Counts
    clock: Clock
    rates: Mapping[Limited, int] = field(default_factory=dict)
    enabled: bool = True

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[Limited, str], _Seen] = OrderedDict()

    def admit(self, limit: Limit, whom: str) -> None:
        """Count one more, or raise `TooManyRequestsError`."""
        if not self.enabled:
            return
        now = self.clock.protocol_now()
        seconds = int(now.timestamp())
        most = self.rates.get(limit.name, limit.per_minute)
        with self._lock:
            seen = self._of((limit.name, whom), seconds // WINDOW_SECONDS)
            seen.asked += 1
            full = seen.full or seen.asked > most
            untold = 0 if full or self._calm(limit, seen) else seen.asked - seen.told
            seen.told += untold
        if untold and not self._counted(limit, whom, now, untold, most):
            full = seen.full = True
        if full:
            wait = WINDOW_SECONDS - seconds % WINDOW_SECONDS
            raise TooManyRequestsError(
                "asked too often; wait a little", limit=limit.name, retry_after_seconds=wait
            )

    def _of(self, key: tuple[Limited, str], window: int) -> _Seen:
        seen = self._seen.get(key)
        if seen is None or seen.window != window:
            seen = self._seen[key] = _Seen(window)
        self._seen.move_to_end(key)
        if len(self._seen) > CALLERS_MAX:
            self._seen.popitem(last=False)
        return seen

    def _calm(self, limit: Limit, seen: _Seen) -> bool:
        return limit.calm is None or seen.asked <= limit.calm

    def _counted(self, limit: Limit, whom: str, now: datetime, times: int, most: int) -> bool:
        second = int(now.timestamp())
        began = datetime.fromtimestamp(second - second % WINDOW_SECONDS, now.tzinfo)
        try:
            return self.counts.add(limit.name, whom, began, times, most=most)
        except TryAgainError:
            observe.count("LimitUncounted", limit=limit.name)
            if limit.closed:
                raise
            return True
