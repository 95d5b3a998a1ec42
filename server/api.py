"""The API process: the Chalice application behind waitress, on loopback."""

import os
import signal
import sys
from types import FrameType

import waitress

from chalicelib.settings import settings
from server.wsgi import Gateway

THREADS = 16


def main() -> int:
    """Serve until SIGTERM."""
    from app import app  # noqa: PLC0415  read the environment only when serving

    settings()  # what is missing is said at once, not at the first request

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    waitress.serve(
        Gateway(app),
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        threads=THREADS,
        ident="",
        max_request_body_size=8 * 1024 * 1024,
        _quiet=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
