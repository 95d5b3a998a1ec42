"""Libraries' logs on standard output, as facts and never in their own words.

procrastinate's lines quote a message's body, waitress's a stranger's request.
"""

import logging

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


def listen() -> None:
    """Take all libraries' warnings; what is less is not said."""
    logging.basicConfig(level=logging.WARNING, handlers=[Facts()], force=True)
