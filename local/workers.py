"""The worker process of a local stack: queues and bell as in a container, schedules, and `/tick`.

Schedules keep their time in memory here: a stack that is started runs none at once.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

from typing_extensions import override

from chalicelib.edge import observe
from server.knobs import knobs
from server.logs import listen
from server.schedules import Schedule, schedules_of
from server.work import Worker, worker_of

_DRAIN_SECONDS_MAX = 45
_STOP_SECONDS_MAX = 12


class Clockwork:
    """A worker, and its schedules on the business clock."""

    def __init__(
        self, worker: Worker, schedules: Iterable[Schedule], now: Callable[[], datetime]
    ) -> None:
        self._worker = worker
        self._schedules = list(schedules)
        self._now = now
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_time)

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()
        self._thread.start()

    def stop(self) -> bool:
        """Finish what is at hand; tell whether it was."""
        self._stopping.set()
        self._thread.join()
        return self._worker.stop(within_seconds=_STOP_SECONDS_MAX)

    def tick(self) -> dict[str, Any]:
        """Run every schedule now, and answer when the queues and the outbox are empty."""
        deadline = time.monotonic() + _DRAIN_SECONDS_MAX
        self._drained(deadline)  # what waits comes first: it may be what a schedule looks for
        for schedule in self._schedules:
            self._run(schedule)
        waiting = self._drained(deadline)
        ran = [schedule.name for schedule in self._schedules]
        return {"schedules": ran, "waiting": waiting, "empty": waiting == 0}

    def _drained(self, deadline: float) -> int:
        """Wait until nothing waits; return how much does when the time is over."""
        while True:
            rows = sum(bell.ring() for bell in self._worker.bells)
            messages = self._worker.consumer.waiting()
            if rows + messages == 0 or time.monotonic() > deadline:
                return rows + messages
            time.sleep(0.05)

    def _keep_time(self) -> None:
        while not self._stopping.wait(1):
            for schedule in self._schedules:
                if schedule.due(self._now()):
                    self._run(schedule)

    def _run(self, schedule: Schedule) -> None:
        try:
            schedule.run(self._now())
        except Exception as error:  # noqa: BLE001  as EventBridge: the next run comes all the same
            observe.mishap("a schedule failed and comes again", error, schedule=schedule.name)


def serve_ticks(clockwork: Clockwork, port: int) -> ThreadingHTTPServer:
    """Return a loopback server where the runner asks for ticks; GET answers that it lives."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({"status": "ok"})

        def do_POST(self) -> None:
            self._answer(clockwork.tick())

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> int:
    """Work until SIGTERM."""
    from app import app  # noqa: PLC0415  read the environment only when working
    from chalicelib import outside  # noqa: PLC0415

    listen()
    clockwork = Clockwork(worker_of(app, knobs()), schedules_of(app), outside.clock().now)
    server = serve_ticks(clockwork, int(os.environ["WORKER_PORT"]))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    clockwork.start()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    if not clockwork.stop():
        os._exit(1)  # a thread that hangs can't be ended otherwise; its message comes again
    return 0


if __name__ == "__main__":
    sys.exit(main())
