"""Liveness and readiness, for who restarts a process and who sends it requests."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

from chalicelib.edge import observe

Checks = Mapping[str, Callable[[], object]]
_FRESH_SECONDS = 1.0


class Readiness:
    """Tells whether requests should come here; asked by anybody, it asks once a second at most."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._lock = threading.Lock()
        self._seen: tuple[float, dict[str, str]] | None = None
        self.draining = False

    def answer(self) -> tuple[int, dict[str, str]]:
        """Return a status, and what answers: `ok`, or `away`."""
        if self.draining:
            return 503, {"status": "draining"}
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > _FRESH_SECONDS:
                looked = {name: _look(name, check) for name, check in self._checks.items()}
                self._seen = (time.monotonic(), looked)
            found = self._seen[1]
        well = all(word == "ok" for word in found.values())
        return (200 if well else 503), {"status": "ok" if well else "away", **found}


def outside_checks() -> Checks:
    """Return how the database and the queues are asked for a sign of life."""
    from chalicelib import outside  # noqa: PLC0415  read the environment only when serving
    from chalicelib.storage import keys  # noqa: PLC0415

    return {
        "database": lambda: outside.table().get(keys.log_head()),
        "queue": lambda: outside.commands_queue().count(),
    }


def probe_server(
    host: str, port: int, *, alive: Callable[[], bool], readiness: Readiness
) -> ThreadingHTTPServer:
    """Return a server of `/healthz` and `/readyz`, for a process that has no other."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            match self.path:
                case "/healthz":
                    well = alive()
                    self._answer(200 if well else 503, {"status": "ok" if well else "hangs"})
                case "/readyz":
                    self._answer(*readiness.answer())
                case _:
                    self._answer(404, {"status": "no such address"})

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer((host, port), Handler)


def _look(name: str, check: Callable[[], object]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001  whatever it is: not ready
        observe.mishap("not ready", error, asked=name)
        return "away"
    return "ok"
