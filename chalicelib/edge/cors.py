"""Which pages of other origins a browser lets read our answers: none, but for those listed.

It lets nobody do what a token does not: only browsers heed it, to protect who sits before them.
Credentials are never allowed; there are no cookies here to send.
"""

import re
from collections.abc import Mapping, Sequence

Headers = list[tuple[str, str]]

_ORIGIN = re.compile(
    r"https://[a-z0-9.-]+(:\d{1,5})?"
    r"|http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"  # a page in development
)
_ASKED = (
    *("Authorization", "Content-Type", "Idempotency-Key"),
    *("traceparent", "X-Correlation-Id"),
)
_SHOWN = (
    *("X-Request-Id", "X-Correlation-Id", "X-Next-Cursor"),
    *("Retry-After", "WWW-Authenticate"),
)
_PREFLIGHT_SECONDS = 600


class Cors:
    """The origins that may read; each is spelled as a browser does."""

    def __init__(self, origins: Sequence[str] = ()) -> None:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin: write https://name or https://name:port,"
                    " in small letters, without a path; there is no *"
                )
        self._origins = frozenset(origins)

    def shown(self, headers: Mapping[str, str]) -> Headers:
        """Return what an answer says to the page that asked."""
        if not self._origins:
            return []
        vary = [("Vary", "Origin")]  # a cache must not give one origin's answer to another
        if (origin := _origin(headers)) not in self._origins:
            return vary
        return [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", ", ".join(_SHOWN)),
            *vary,
        ]

    def preflight(self, headers: Mapping[str, str], methods: Sequence[str]) -> Headers:
        """Return what a browser is told that asks before it asks."""
        asked = _named(headers, "access-control-request-method")
        if _origin(headers) not in self._origins or asked not in methods:
            return [("Vary", "Origin")] if self._origins else []
        return [
            ("Access-Control-Allow-Origin", _origin(headers)),
            ("Access-Control-Allow-Methods", ", ".join(methods)),
            ("Access-Control-Allow-Headers", ", ".join(_ASKED)),
            ("Access-Control-Max-Age", str(_PREFLIGHT_SECONDS)),
            ("Vary", "Origin"),
        ]


CLOSED = Cors()


def _origin(headers: Mapping[str, str]) -> str:
    return _named(headers, "origin")


def _named(headers: Mapping[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "")
