"""The transport against a server that misbehaves on purpose, over loopback."""

import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO

import pytest

from chalicelib.kernel.clock import SystemClock
from chalicelib.providers import transport as transport_module
from chalicelib.providers.transport import (
    ANSWER_BYTES_MAX,
    Answer,
    NoAnswerError,
    NotSentError,
    Timeouts,
    Transport,
    UrllibTransport,
)

QUICK = Timeouts(connect_seconds=1, read_seconds=1, total_seconds=2)
Behaviour = Callable[[socket.socket], None]


@contextmanager
def server(behave: Behaviour, seen: bytearray | None = None) -> Iterator[str]:
    """Serve connections one after another, each read up to the end of its head first."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with closing(connection):
                head = bytearray() if seen is None else seen
                while b"\r\n\r\n" not in head and (chunk := connection.recv(65_536)):
                    head += chunk
                try:
                    behave(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def saying(text: bytes) -> Behaviour:
    return lambda connection: connection.sendall(text)


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


def reset(connection: socket.socket) -> None:
    linger_no_time = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_no_time)


def silent(_: socket.socket) -> None:
    time.sleep(1.5)


def dripping(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(8):
        connection.sendall(b"x")
        time.sleep(0.5)


def get(url: str, *, path: str = "/") -> Answer:
    transport: Transport = UrllibTransport(SystemClock())
    return transport.send("GET", url + path, {"Accept": "*/*"}, b"", QUICK)


@pytest.mark.parametrize(
    "behave",
    [
        saying(b""),
        reset,
        silent,
        dripping,
        saying(b"not HTTP at all\r\n\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        saying(ok(b"not gzip", b"Content-Encoding: gzip")),
        saying(ok(b"x" * (ANSWER_BYTES_MAX + 1))),
        saying(ok(gzip.compress(b"x" * (ANSWER_BYTES_MAX + 1)), b"Content-Encoding: gzip")),
    ],
)
def test_once_sent_a_failure_is_no_answer(behave: Behaviour) -> None:
    with server(behave) as url, pytest.raises(NoAnswerError):
        get(url)


def test_a_refused_connection_is_not_sent() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSentError):
        get(f"http://127.0.0.1:{port}")


def test_a_name_nobody_has_is_not_sent() -> None:
    with pytest.raises(NotSentError):
        get("http://nobody.invalid")


def test_an_answer_comes_back_byte_for_byte() -> None:
    body = '{ "收款" : 1 }\n'.encode()
    with server(saying(ok(body, b"Wechatpay-Nonce: n", b"X: 1", b"X: 2"))) as url:
        answer = get(url)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["Wechatpay-Nonce"] == "n"
    assert answer.headers["X"] == "1, 2"


def test_a_compressed_answer_is_opened() -> None:
    with server(saying(ok(gzip.compress(b"{}"), b"Content-Encoding: gzip"))) as url:
        assert get(url).body == b"{}"


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_a_status_is_an_answer_and_a_redirect_is_not_followed(status: int) -> None:
    text = (
        b"HTTP/1.1 %d X\r\nLocation: http://nobody.invalid/\r\nContent-Length: 0\r\n\r\n" % status
    )
    with server(saying(text)) as url:
        assert get(url).status == status


def test_a_body_is_sent_as_it_is() -> None:
    body, seen = '{"收款": 1}'.encode(), bytearray()

    def listen(connection: socket.socket) -> None:
        while body not in seen:
            seen.extend(connection.recv(65_536))
        connection.sendall(ok(b""))

    with server(listen, seen) as url:
        sent = UrllibTransport(SystemClock()).send("POST", url, {"N": "v"}, body, QUICK)
    assert sent.status == 200
    assert bytes(seen).endswith(b"\r\n\r\n" + body)
    assert b"Content-Length: %d\r\n" % len(body) in seen
    assert b"N: v\r\n" in seen


def download(url: str, *, bytes_max: int = 1000) -> bytes | int:
    """Return the file, or the status of any other answer."""
    into = BytesIO()
    answer = UrllibTransport(SystemClock()).download(url, {"Accept": "*/*"}, into, bytes_max)
    return into.getvalue() if answer is None else answer.status


def test_a_file_is_written_as_it_came() -> None:
    packed = gzip.compress(b"x" * 500)
    with server(saying(ok(packed, b"Content-Encoding: gzip"))) as url:
        assert download(url) == packed


@pytest.mark.parametrize("status", [204, 302, 400, 404, 500])
def test_a_file_that_is_refused_is_an_answer(status: int) -> None:
    text = b"HTTP/1.1 %d X\r\nLocation: http://nobody.invalid/\r\nContent-Length: 0\r\n\r\n"
    with server(saying(text % status)) as url:
        assert download(url) == status


@pytest.mark.parametrize(
    "behave",
    [
        saying(b""),
        reset,
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        saying(ok(b"x" * 1001)),
    ],
)
def test_a_file_that_breaks_off_or_is_too_long_is_no_answer(behave: Behaviour) -> None:
    with server(behave) as url, pytest.raises(NoAnswerError):
        download(url)


def test_a_file_that_drips_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "DOWNLOAD_SECONDS_MAX", 1)
    began = time.monotonic()
    with server(dripping) as url:
        with pytest.raises(NoAnswerError):
            download(url)
        assert time.monotonic() - began < 3


def test_nobody_at_home_sends_no_file() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSentError):
        download(f"http://127.0.0.1:{port}")


def test_secrets_in_a_url_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with server(saying(ok(b"{}"))) as url:
        get(url, path="/sns/jscode2session?secret=0d8b9f5a")
    with server(silent) as url, pytest.raises(NoAnswerError) as caught:
        get(url, path="/sns/jscode2session?secret=0d8b9f5a")
    assert "0d8b9f5a" not in caplog.text + repr(caught.value)
    assert caught.value.__suppress_context__
