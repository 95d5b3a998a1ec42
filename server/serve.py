"""`python -m server serve`: the API behind waitress.

On SIGTERM: unready at once; after NOTICE_SECONDS, in which a balancer takes notice, nothing new is
accepted; what is at hand is finished within DRAIN_SECONDS; the end.
"""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import waitress
from waitress import wasyncore

from chalicelib.edge import observe
from chalicelib.edge.cors import Cors
from chalicelib.edge.problems import InternalError
from chalicelib.settings import settings
from server.knobs import Knobs, knobs
from server.logs import listen
from server.probes import Readiness, outside_checks
from server.wsgi import Environ, Gateway, StartResponse, problem_answer

_BODY_BYTES_MAX = 8 * 1024 * 1024  # the gateway refuses less than that, in words
_LOOK_SECONDS = 0.05
_LOOP_SECONDS = 1

Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Front:
    """Answers `/readyz`, and makes a problem of what nobody expected."""

    def __init__(self, application: Application, readiness: Readiness) -> None:
        self._application = application
        self._readiness = readiness

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get("PATH_INFO") == "/readyz":
            status, document = self._readiness.answer()
            body = json.dumps(document).encode()
            headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
            return _answered(start_response, status, headers, body)
        try:
            return self._application(environ, start_response)
        except Exception as error:  # noqa: BLE001  a stranger sees no stack trace
            observe.mishap("a request broke the gateway", error)
            return _answered(start_response, *problem_answer(InternalError("our mistake")))


class Server:
    """waitress, with an end that loses no answer."""

    def __init__(self, application: Application, readiness: Readiness, told: Knobs) -> None:
        self._readiness = readiness
        self._told = told
        self._sockets: dict[int, Any] = {}
        self._waitress = waitress.create_server(
            Front(application, readiness),
            self._sockets,
            host=told.host,
            port=told.port,
            threads=told.threads,
            ident="",
            max_request_body_size=_BODY_BYTES_MAX,
        )
        self._loop = threading.Thread(target=self._waitress.run, daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._loop.start()

    def stop(self) -> bool:
        """Refuse what is new, finish what is at hand; tell whether all was finished."""
        self._readiness.draining = True
        time.sleep(self._told.notice_seconds)
        self._waitress.trigger.pull_trigger(lambda: wasyncore.dispatcher.close(self._waitress))
        deadline = time.monotonic() + self._told.drain_seconds
        while (busy := self._busy()) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        self._waitress.trigger.pull_trigger(lambda: wasyncore.close_all(self._sockets))
        self._loop.join(_LOOP_SECONDS)
        self._waitress.task_dispatcher.shutdown(timeout=_LOOP_SECONDS)
        return not busy

    def _busy(self) -> bool:
        """Tell whether a request is on its way in, at hand, or its answer on its way out."""
        return any(
            channel.request is not None or channel.requests or channel.total_outbufs_len
            for channel in list(self._waitress.active_channels.values())
        )


def main() -> int:
    """Serve until SIGTERM."""
    from app import app  # noqa: PLC0415  read the environment only when serving

    settings()  # what is missing is said at once, not at the first request
    listen()
    told, ending = knobs(), threading.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        signal.signal(word, lambda *_: ending.set())
    server = Server(Gateway(app, Cors(told.cors_origins)), Readiness(outside_checks()), told)
    server.start()
    observe.note("serving", port=told.port)
    ending.wait()
    finished = server.stop()
    observe.note("served", finished=finished)
    return 0 if finished else 1


def _answered(
    start_response: StartResponse, status: int, headers: list[tuple[str, str]], body: bytes
) -> Iterable[bytes]:
    start_response(
        f"{status} {HTTPStatus(status).phrase}", [*headers, ("Content-Length", str(len(body)))]
    )
    return [body]
