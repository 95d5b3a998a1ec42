"""`make doctor`: what is stuck, since when, and what to do about it; JSON=1 for machines.

It looks by itself, beside a running stack or with AWS's own settings, so that it answers while the
API does not. Exit 0 when all is well or only to be looked at, 1 when something is failing.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from chalicelib import outside
from chalicelib.edge.queue import ManyQueue, SqsQueue, sqs_client
from chalicelib.health.model import Check, CheckName, Report, State
from chalicelib.health.usecases import Examine
from chalicelib.health.wiring import examination
from chalicelib.kernel.clock import SystemClock, instant_text
from chalicelib.providers.transport import UrllibTransport
from chalicelib.storage.secrets import revealed
from local.books import local_table
from local.redrive import QUEUES
from local.running import look_where_it_runs, running
from local.sandbox.keys import environment as sandbox_environment
from local.sandbox.keys import load_or_create

_WECHATPAY = "https://api.mch.weixin.qq.com"
_COLOURS = {State.OK: "32", State.WARNING: "33", State.FAILING: "31"}


def main() -> int:
    """Examine, print, and return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", default=os.environ.get("JSON") == "1")
    as_json = parser.parse_args().json
    place = look_where_it_runs()
    report = _examine().examine()
    if as_json:
        print(json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=2))
    else:
        print(table(report, place, colour=colourful(terminal=sys.stdout.isatty())))
    return int(report.state is State.FAILING)


def _examine() -> Examine:
    """Build the examination from what runs here, or from the environment."""
    told, clock = dict(os.environ), SystemClock()
    if (described := running()) is not None:
        data_dir = Path(os.environ.get("DATA_DIR", ".data"))
        told = sandbox_environment(load_or_create(data_dir), described["sandbox"]) | told
        clock = SystemClock(outside.moved_by(data_dir / "clock"))
    stage, queue_of = told.get("STAGE", "local"), _queues()
    return examination(
        local_table(patience=2),
        clock,
        dead_letters={queue: queue_of(f"shoukuan-{stage}-{queue}-dead").count for queue in QUEUES},
        transport=UrllibTransport(clock),
        provider_url=told.get("WECHATPAY_BASE_URL", _WECHATPAY),
        public_key=bool(told.get("WECHATPAY_PUBLIC_KEY_ID")),
        tell=_say,
    )


def _queues() -> Callable[[str], ManyQueue]:
    """Return who opens a queue by its name, where the queues are."""
    if url := os.environ.get("STORAGE_URL"):
        from chalicelib.edge.pgqueue import PostgresQueue, connect  # noqa: PLC0415  one of two

        door = connect(revealed(url))
        return lambda name: PostgresQueue(door, name)
    client = sqs_client()
    return lambda name: SqsQueue(client, name)


def colourful(*, terminal: bool) -> bool:
    """Tell whether to colour: on a terminal, unless NO_COLOR says anything."""
    return terminal and not os.environ.get("NO_COLOR")


def table(report: Report, place: str, *, colour: bool) -> str:
    """Lay a report out for people; advice only where something is to be done."""
    lines = [f"{_word(report.state, colour=colour)} at {instant_text(report.at)}, {place}", ""]
    for check in report.checks:
        lines.append(_line(check, colour=colour))
        if check.state is not State.OK:
            lines += [f"           {line}" for line in _more(check)]
    return "\n".join(lines)


def _line(check: Check, *, colour: bool) -> str:
    return f"  {_word(check.state, colour=colour)}  {check.name:<28}  {check.says}"


def _more(check: Check) -> list[str]:
    since = [f"since {instant_text(check.since)[:19]}Z"] if check.since else []
    about = [", ".join(check.about)] if check.about else []
    return [*since, *about, check.advice, check.run_book]


def _word(state: State, *, colour: bool) -> str:
    word = f"{state:<7}"
    return f"\033[{_COLOURS[state]}m{word}\033[0m" if colour else word


def _say(check: CheckName, error: BaseException) -> None:
    print(f"{check} has no answer: {type(error).__name__}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
