"""Libraries' logs on standard output, as facts and never in their own words.

procrastinate's lines quote a message's body, waitress's a stranger's request.
"""

import io
import logging
import sys
import threading
from typing import TextIO

from typing_extensions import override

from chalicelib.edge import observe


class Facts(logging.Handler):
    """Says that a library warns, and of what kind."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        facts = {
            "library": record.name.partition(".")[0],
            "place": f"{record.module}:{record.lineno}",
            "action": getattr(record, "action", None),
        }
        if isinstance(error, Exception):
            observe.mishap("a library reports an error", error, **facts)
        else:
            observe.note("a library warns", **facts)


class Lines(io.TextIOBase):
    """Standard output for threads: a line is written whole, whoever else is writing."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._begun = threading.local()

    @override
    def write(self, text: str) -> int:
        """Keep what is no line yet."""
        whole, newline, rest = (getattr(self._begun, "text", "") + text).rpartition("\n")
        self._begun.text = rest
        if newline:
            with self._lock:
                self._out.write(whole + newline)
                self._out.flush()
        return len(text)

    @override
    def flush(self) -> None:
        """Do nothing: lines are flushed as they are written."""


def listen() -> None:
    """Take all libraries' warnings, and write whole lines; what is less is not said."""
    sys.stdout = Lines(sys.stdout)
    logging.basicConfig(level=logging.WARNING, handlers=[Facts()], force=True)
