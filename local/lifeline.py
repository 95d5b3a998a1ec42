"""Children that never outlive their parent, even when it is killed."""

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def tied_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program: on Linux it gets a signal if the parent dies."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))

    return tie
