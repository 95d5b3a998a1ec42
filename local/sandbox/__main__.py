"""`python -m local.sandbox`: the sandbox as a process, until SIGTERM or Ctrl-C."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event

from local.sandbox.app import RETRIES, Now, build, system_now
from local.sandbox.keys import load_or_create
from local.sandbox.server import HOST, serve

EXIT_REFUSED = 2
EXIT_FAILED = 1


def main(settings: Mapping[str, str] = os.environ) -> int:
    """Run, but not where real money flows; say in a sentence why it can't."""
    if settings.get("STAGE", "").strip().lower() in {"production", "prod"}:
        print("the sandbox never runs in production: STAGE says so", file=sys.stderr)
        return EXIT_REFUSED
    try:
        return run(settings)
    except (OSError, ValueError, ArithmeticError) as error:
        print(f"the sandbox can't start: {error}", file=sys.stderr)
        return EXIT_FAILED


def run(settings: Mapping[str, str]) -> int:
    """Serve as these settings say, until a signal comes."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    data_dir = Path(settings.get("DATA_DIR") or ".data")
    port = int(settings.get("SANDBOX_PORT") or "8010")
    app = build(
        load_or_create(data_dir),
        business_now=moved_now(settings.get("BUSINESS_CLOCK_FILE")),
        data_dir=data_dir,
        base_url=settings.get("SANDBOX_BASE_URL") or (f"http://{HOST}:{port}" if port else None),
        retries=retries(settings.get("NOTIFY_RETRY_SECONDS")),
    )
    server, address = serve(app, port)
    print(f"sandbox {address}", flush=True)
    stop.wait()
    server.stop()
    return 0


def retries(text: str | None) -> Sequence[timedelta]:
    """Read `1,1,2.5`: how long after each failed delivery the next one follows."""
    if not text:
        return RETRIES
    return tuple(timedelta(milliseconds=int(Decimal(part) * 1000)) for part in text.split(","))


def moved_now(path: str | None) -> Now:
    """Return a clock ahead by the seconds that a file holds; no file, no lead."""
    if not path:
        return system_now

    def now() -> datetime:
        try:
            lead = int(Path(path).read_text(encoding="ascii") or "0")
        except (FileNotFoundError, ValueError):
            lead = 0
        return system_now() + timedelta(seconds=lead)

    return now


if __name__ == "__main__":
    sys.exit(main())
