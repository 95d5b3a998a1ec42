"""One HTTP exchange: an answer, or one of two failures that mean very different things.

*Not sent*: the other side never saw the request, so it may be repeated at will. *No answer*: it may
have been seen and done; only a request that is idempotent by its own number may be repeated.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from ssl import SSLCertVerificationError
from typing import BinaryIO, Protocol

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from chalicelib.kernel.clock import Clock
from chalicelib.providers.tries import Try, note_try

ANSWER_BYTES_MAX = 1 << 20
_CHUNK_BYTES = 1 << 16
DOWNLOAD_SECONDS_MAX = 300
_DOWNLOAD_BYTES = 1 << 18
_REQUEST_ID_LENGTH_MAX = 64
_UNSEEN = re.compile(r"[^0-9A-Za-z_.:-]")


class NotSentError(Exception):
    """The other side never saw the request."""


class NoAnswerError(Exception):
    """The request may have been seen; no answer can be relied on."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one exchange may take; `total_seconds` bounds a whole call with its repeats."""

    connect_seconds: int = 2
    read_seconds: int = 5
    total_seconds: int = 12

    def within(self, seconds: int) -> "Timeouts":
        """Return the same, none of them longer than what is left."""
        return Timeouts(
            connect_seconds=min(self.connect_seconds, seconds),
            read_seconds=min(self.read_seconds, seconds),
            total_seconds=min(self.total_seconds, seconds),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, byte for byte."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport(Protocol):
    """Sends one request; `urllib3` in production, the simulator's network in tests."""

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Answer:
        """Return the answer, or raise `NotSentError` or `NoAnswerError`."""


class Downloads(Protocol):
    """Fetches files that are too long to be answers."""

    def download(
        self, url: str, headers: Mapping[str, str], into: BinaryIO, bytes_max: int
    ) -> Answer | None:
        """Write a 200's body as it came; return any other answer, or raise like `Transport`."""


class UrllibTransport:
    """The network. One pool of connections, no redirects, no repeats of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pool = PoolManager(maxsize=16)
        # At DEBUG urllib3 writes whole URLs, and a login's URL carries the app's secret.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Answer:
        """Return the answer, or raise `NotSentError` or `NoAnswerError`.

        The errors name a class only: urllib3's own texts may hold the URL.
        """
        began, answer = self._clock.monotonic(), None
        try:
            answer = self._sent(method, url, headers, body, timeouts)
        finally:
            self._tell(began, answer)
        return answer

    def _tell(self, began: float, answer: Answer | None) -> None:
        took = int(1000 * (self._clock.monotonic() - began))
        note_try(Try(took, answer.status if answer else 0, _request_id(answer)))

    def _sent(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Answer:
        deadline = self._clock.monotonic() + timeouts.total_seconds
        try:
            response = self._pool.urlopen(
                method,
                url,
                body=body or None,
                headers=headers,
                retries=False,
                redirect=False,
                timeout=Timeout(connect=timeouts.connect_seconds, read=timeouts.read_seconds),
                preload_content=False,
            )
            content = self._read(response, deadline)
        except HTTPError as error:
            raise _fate(error) from None
        return Answer(status=response.status, headers=dict(response.headers), body=content)

    def download(
        self, url: str, headers: Mapping[str, str], into: BinaryIO, bytes_max: int
    ) -> Answer | None:
        """Write a 200's body as it came; return any other answer, or raise like `send`."""
        deadline = self._clock.monotonic() + DOWNLOAD_SECONDS_MAX
        try:
            response = self._pool.urlopen(
                "GET",
                url,
                headers=headers,
                retries=False,
                redirect=False,
                timeout=Timeout(connect=2, read=30),
                preload_content=False,
            )
            if response.status != HTTPStatus.OK:
                content = self._read(response, deadline)
                return Answer(response.status, dict(response.headers), content)
            written = 0
            while chunk := response.read1(_DOWNLOAD_BYTES, decode_content=False):
                written += into.write(chunk)
                if written > bytes_max or self._clock.monotonic() > deadline:
                    response.close()
                    raise NoAnswerError("the file is too long, or takes too long")
        except HTTPError as error:
            raise _fate(error) from None
        return None

    def _read(self, response: BaseHTTPResponse, deadline: float) -> bytes:
        """Read the whole body, decoded, unless it is too long or takes too long."""
        content = bytearray()
        while chunk := response.read1(_CHUNK_BYTES, decode_content=True):
            content += chunk
            if len(content) > ANSWER_BYTES_MAX:
                response.close()
                raise NoAnswerError("the answer is too long")
            if self._clock.monotonic() > deadline:
                response.close()
                raise NoAnswerError("the answer took too long")
        return bytes(content)


def _request_id(answer: Answer | None) -> str:
    """Return what the other side calls the request; a text of theirs, so of few characters only."""
    headers = answer.headers if answer else {}
    found = [text for name, text in headers.items() if name.lower() == "request-id"]
    return _UNSEEN.sub("", "".join(found))[:_REQUEST_ID_LENGTH_MAX]


def _fate(error: HTTPError) -> NotSentError | NoAnswerError:
    """Tell what a failure means: in doubt, the request was seen."""
    word = type(error).__name__
    match error:
        case NewConnectionError() | ConnectTimeoutError():
            return NotSentError(word)
        case SSLError(args=(SSLCertVerificationError(), *_)):
            return NotSentError(word)
        case _:
            return NoAnswerError(word)
