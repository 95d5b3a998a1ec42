"""The runner's own port, for people and tests that take hold of a running stack; development only.

POST /clock {"offset_seconds": 3600}   moves every process's business clock
POST /tick                             runs what is due now; answers when the queues are empty
GET  /status                           what runs
"""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from typing_extensions import override

from local.stack import Stack

_TICK_SECONDS_MAX = 60
_OFFSET_SECONDS_MAX = 10 * 365 * 86_400
_BODY_BYTES_MAX = 64 * 1024

Document = dict[str, Any]


class RefusedError(Exception):
    """A call that can't be taken."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class Control:
    """Serves the control port while the stack runs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", stack.ports.control), handler_of(self.served)
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def served(self, method: str, path: str, body: bytes) -> Document:
        """Answer one call, or raise `RefusedError`."""
        match method, path:
            case "POST", "/clock":
                return self._move_clock(body)
            case "POST", "/tick":
                return self._tick()
            case "GET", "/status":
                return {"status": "running", **self._stack.described(), **self._offset()}
            case _, "/clock" | "/tick" | "/status":
                raise RefusedError(
                    HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "not possible here"
                )
            case _:
                raise RefusedError(HTTPStatus.NOT_FOUND, "route_not_found", "no such address")

    def _move_clock(self, body: bytes) -> Document:
        try:
            offset = json.loads(body)["offset_seconds"]
        except (ValueError, KeyError, TypeError):
            offset = None
        if (
            not isinstance(offset, int)
            or isinstance(offset, bool)
            or abs(offset) > _OFFSET_SECONDS_MAX
        ):
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, "invalid_body", 'send {"offset_seconds": <whole seconds>}'
            )
        draft = self._stack.data_dir / "clock.tmp"
        draft.write_text(str(offset))
        draft.replace(self._stack.data_dir / "clock")
        return {"offset_seconds": offset}

    def _offset(self) -> Document:
        path = self._stack.data_dir / "clock"
        return {"offset_seconds": int(path.read_text()) if path.exists() else 0}

    def _tick(self) -> Document:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._stack.worker_port}/", method="POST", data=b""
        )
        try:
            with urllib.request.urlopen(request, timeout=_TICK_SECONDS_MAX) as answer:  # noqa: S310
                document: Document = json.load(answer)
        except (urllib.error.URLError, OSError):
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE, "worker_unavailable", "the worker does not answer"
            ) from None
        return document


def handler_of(serve: Callable[[str, str, bytes], Document]) -> type[BaseHTTPRequestHandler]:
    """Return a handler that speaks JSON, and problems."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

        def _serve(self, method: str) -> None:
            length = self.headers.get("Content-Length") or "0"
            size = int(length) if length.isdigit() else 0
            try:
                body = self.rfile.read(min(size, _BODY_BYTES_MAX))
                self._answer(200, "application/json", serve(method, self.path, body))
            except RefusedError as refused:
                document = {
                    "type": f"/problems/{refused.code}",
                    "title": refused.status.phrase,
                    "status": int(refused.status),
                    "detail": refused.detail,
                    "code": refused.code,
                }
                self._answer(int(refused.status), "application/problem+json", document)

        def _answer(self, status: int, content_type: str, document: Document) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
