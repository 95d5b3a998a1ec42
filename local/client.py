"""A small HTTP client for people's part: JSON in, JSON out, whatever the status."""

import json
from dataclasses import dataclass
from typing import Any

import urllib3

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any


class Client:
    """Calls one address, as one caller."""

    def __init__(
        self, base_url: str, token: str | None = None, traceparent: str | None = None
    ) -> None:
        self._base_url = base_url
        self._token = token
        self._traceparent = traceparent
        self._pool = urllib3.PoolManager(maxsize=32, retries=False, timeout=_SECONDS)

    def signed_in(self, token: str) -> "Client":
        """Return the same, calling with a token."""
        return Client(self._base_url, token)

    def under(self, traceparent: str) -> "Client":
        """Return the same, calling under a trace of the caller's (W3C's `traceparent`)."""
        return Client(self._base_url, self._token, traceparent)

    def get(self, path: str) -> Reply:
        """GET a path."""
        return self._call("GET", path, None, {})

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Reply:
        """POST JSON, under an Idempotency-Key where one is given."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._call("POST", path, json.dumps(body or {}).encode(), headers)

    def post_form(self, path: str, **fields: str) -> Reply:
        """POST a form, as OAuth wants it."""
        body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
        return self._call("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def post_raw(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """POST bytes as they are."""
        return self._call("POST", path, body, headers)

    def close(self) -> None:
        """Let the connections go."""
        self._pool.clear()

    def _call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        if self._token is not None:
            headers = headers | {"Authorization": f"Bearer {self._token}"}
        if self._traceparent is not None:
            headers = headers | {"traceparent": self._traceparent}
        answer = self._pool.request(
            method, self._base_url + path, body=body, headers=headers, redirect=False
        )
        try:
            read = json.loads(answer.data) if answer.data else None
        except ValueError:
            read = answer.data.decode(errors="replace")
        return Reply(answer.status, dict(answer.headers), read)
