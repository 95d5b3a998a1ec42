"""A wire to PostgreSQL that counts what crosses it, and can be cut between any two statements."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from benchmarks.meter import Reading

_FLUSH = b"H\x00\x00\x00\x04"
_ENDED = {b"C", b"I", b"E"}  # the server's words at the end of a statement: done, empty, error


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the wire breaks: at the numbered statement of an exchange, counted from 1.

    *Before*, the server never hears of it. *After*, the server has done it, and nobody is told.
    """

    statement: int
    after: bool


class Wire:
    """A proxy on loopback; `url` leads through it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._there = (parts.hostname, parts.port)
        self._door = socket.create_server(("127.0.0.1", 0))
        here = f"{parts.username}:{parts.password}@127.0.0.1:{self._door.getsockname()[1]}"
        plain = "sslmode=disable&gssencmode=disable"  # what is sealed can't be counted
        self.url = urlunsplit((parts.scheme, here, parts.path, plain, ""))
        self.cut: Cut | None = None
        self._reading = Reading()
        threading.Thread(target=self._serve, daemon=True).start()

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Count the round trips inside the `with`."""
        self._reading = reading = Reading()
        try:
            yield reading
        finally:
            self._reading = Reading()

    def counted(self) -> None:
        """Count one more round trip."""
        self._reading.calls.append("exchange")

    def close(self) -> None:
        """Take no more connections."""
        self._door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server = socket.create_connection(self._there)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Line(self, client, server)


class _Line:
    """One connection through the wire."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self._wire, self._client, self._server = wire, client, server
        self._ended = threading.Semaphore(0)
        self._cutting = False  # from then on the client hears nothing
        for work in (self._ask, self._answer):
            threading.Thread(target=self._until_closed, args=(work,), daemon=True).start()

    def _until_closed(self, work: object) -> None:
        assert callable(work)
        with contextlib.suppress(OSError, EOFError):
            work()
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _ask(self) -> None:
        """Pass on what the client says."""
        self._server.sendall(_untyped(self._client))  # the startup message
        statement = 0
        while True:
            kind, message = _typed(self._client)
            if kind in {b"S", b"Q"}:
                self._wire.counted()
                statement = 0
            if kind == b"E":
                statement += 1
                cut = self._wire.cut
                if cut is not None and statement == cut.statement:
                    self._break(message if cut.after else b"", cut)
            self._server.sendall(message)

    def _break(self, last: bytes, cut: Cut) -> None:
        """Let the server do what came so far, and then let both ends find nobody there."""
        self._wire.cut = None
        self._cutting = True
        self._server.sendall(last + _FLUSH)
        for _ in range(cut.statement - (0 if cut.after else 1)):
            assert self._ended.acquire(timeout=10), "the server does not come to an end"
        raise EOFError

    def _answer(self) -> None:
        """Pass on what the server says, and count the statements it has ended."""
        while True:
            kind, message = _typed(self._server)
            if kind in _ENDED:
                self._ended.release()
            if kind == b"Z":
                while self._ended.acquire(blocking=False):
                    pass
            if not self._cutting:
                self._client.sendall(message)


def _untyped(source: socket.socket) -> bytes:
    length = _exactly(source, 4)
    return length + _exactly(source, int.from_bytes(length) - 4)


def _typed(source: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(source, 1)
    return kind, kind + _untyped(source)


def _exactly(source: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = source.recv(size - len(got))
        if not more:
            raise EOFError
        got += more
    return got
