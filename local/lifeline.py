"""Children that never outlive their parent, even when it is killed."""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent

_PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str], environment: Mapping[str, str], log: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that a Ctrl-C reaches only its parent."""
    return subprocess.Popen(
        list(command),
        env=dict(environment),
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_tied_to_parent(signal.SIGTERM),  # noqa: PLW1509  nothing else runs there
    )


def _tied_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before its program: on Linux it gets a signal if the parent dies."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))

    return tie
