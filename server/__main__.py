"""`python -m server serve | work | tick | migrate | check`: one image, one command a process."""

import argparse
import sys
import urllib.error
import urllib.request
from http import HTTPStatus

from server.knobs import knobs


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m server", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="the API")
    commands.add_parser("work", help="queues, and the sequencer's bell")
    keeping = commands.add_parser("tick", help="schedules")
    keeping.add_argument("--once", action="store_true", help="run what is due, and end")
    keeping.add_argument("named", nargs="*", help="schedules to run now, due or not")
    migrating = commands.add_parser("migrate", help="make PostgreSQL's schema, or update it")
    migrating.add_argument("--buckets", action="store_true", help="and buckets not there yet")
    commands.add_parser("check", help="ask the process at this PORT whether it is alive")
    asked = parser.parse_args()
    match asked.command:
        case "serve":
            from server import serve  # noqa: PLC0415  each command loads its own part

            return serve.main()
        case "work":
            from server import work  # noqa: PLC0415

            return work.main()
        case "tick":
            from server import tick  # noqa: PLC0415

            return tick.main(once=asked.once, named=asked.named)
        case "migrate":
            from server import migrate  # noqa: PLC0415

            return migrate.main(buckets=asked.buckets)
        case _:
            return _check()


def _check() -> int:
    address = f"http://127.0.0.1:{knobs().port}/healthz"
    try:
        with urllib.request.urlopen(address, timeout=3) as answer:
            return int(answer.status != HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
