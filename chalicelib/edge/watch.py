"""What stands at every door: who counts, and how many proxies are ours."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.edge.limits import Limiter
from chalicelib.kernel.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Watch:
    """The watch at a door."""

    limiter: Limiter
    trusted_proxies: int = 0


class _Nowhere:
    """Counts nothing."""

    def add(self, _name: str, _whom: str, _at: datetime, _times: int, *, most: int) -> bool:
        return most > 0


UNWATCHED = Watch(Limiter(_Nowhere(), SystemClock(), enabled=False))
"""A door without one: an API that nobody put up."""
