"""How much a request may be, before anything of it is looked at; the same at every door."""

from collections.abc import Mapping

from chalice.app import Request

from chalicelib.edge.problems import (
    AddressTooLongError,
    BodyTooLargeError,
    HeadersTooLargeError,
)

SMALL = 32 * 1024
"""What a JSON body of ours never comes to."""

NOTIFICATION = 64 * 1024
HEADERS_MAX = 100
HEADERS_BYTES_MAX = 16 * 1024  # API Gateway takes 10,240 bytes and adds its own
PARAMETERS_MAX = 32
QUERY_CHARACTERS_MAX = 4096
WORD_CHARACTERS_MAX = 256


def assert_sizes(
    request: Request, body: bytes, words: Mapping[str, str], *, body_bytes_max: int
) -> None:
    """Raise `HeadersTooLargeError`, `AddressTooLongError` or `BodyTooLargeError`."""
    headers = request.headers
    size = sum(len(str(name)) + len(str(headers[name])) for name in headers)
    if len(headers) > HEADERS_MAX or size > HEADERS_BYTES_MAX:
        raise HeadersTooLargeError(
            "send fewer headers, or shorter ones",
            headers_max=HEADERS_MAX,
            bytes_max=HEADERS_BYTES_MAX,
        )
    query = request.query_params
    given = [(name, value) for name in query for value in query.getlist(name)] if query else []
    length = sum(len(name) + len(value) for name, value in given)
    if len(given) > PARAMETERS_MAX or length > QUERY_CHARACTERS_MAX:
        raise AddressTooLongError("the query is too long", characters_max=QUERY_CHARACTERS_MAX)
    if any(len(word) > WORD_CHARACTERS_MAX for word in words.values()):
        raise AddressTooLongError("a part of the path is too long")
    if len(body) > body_bytes_max:
        raise BodyTooLargeError("the body is too long", bytes_max=body_bytes_max)
