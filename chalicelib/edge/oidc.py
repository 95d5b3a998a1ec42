"""The issuer's keys: found by discovery, cached, asked for again rarely."""

import json
import threading
from collections.abc import Callable
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chalicelib.edge.auth import UnauthenticatedError
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import TryAgainError

Fetch = Callable[[str], bytes]
"""GET this address; raise `OSError` when it can't be had."""

_KEYS_TTL_SECONDS = 3600
_RETRY_SECONDS = 30
_FIRST_RETRY_SECONDS = 1


class IssuerUnreachableError(TryAgainError):
    """The issuer's keys can't be had, so nobody can be let in."""

    code = "issuer_unreachable"


class IssuerKeys:
    """A cached key set; an unknown key id leads to one new download in thirty seconds, not more."""

    def __init__(self, issuer: str, *, fetch: Fetch, clock: Clock) -> None:
        self._issuer = issuer.rstrip("/")
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None

    def current(self, key_id: str) -> KeySet:
        """Return the key set, fresh enough to know `key_id` if the issuer does."""
        with self._lock:
            now = self._clock.monotonic()
            stale = self._keys is None or now - self._fetched_at > _KEYS_TTL_SECONDS
            if stale or not self._knows(key_id):
                self._refresh(now)
            if self._keys is None:
                raise IssuerUnreachableError("the issuer's keys can't be had; try again")
            if not self._knows(key_id):
                raise UnauthenticatedError("the token's key is unknown")
            return self._keys

    def _knows(self, key_id: str) -> bool:
        return self._keys is not None and any(key.kid == key_id for key in self._keys.keys)

    def _refresh(self, now: float) -> None:
        """Ask the issuer; if it can't be reached, the keys at hand serve on."""
        if self._tried_at is not None and now - self._tried_at < _RETRY_SECONDS:
            return
        self._tried_at = now
        try:
            discovery = self._json(f"{self._issuer}/.well-known/openid-configuration")
            keys = KeySet.import_key_set(self._json(self._jwks_address(discovery)))
        except (OSError, ValueError, KeyError, TypeError, JoseError):
            if self._keys is None:  # nothing to serve on with: ask again soon
                self._tried_at = now - _RETRY_SECONDS + _FIRST_RETRY_SECONDS
            return
        self._keys = keys
        self._fetched_at = now

    def _jwks_address(self, discovery: Any) -> str:
        if discovery["issuer"].rstrip("/") != self._issuer:
            raise ValueError("the discovery document is another issuer's")
        address = str(discovery["jwks_uri"])
        if not address.startswith(("https://", f"{self._issuer}/")):
            raise ValueError("keys come over https, or from the issuer itself")
        return address

    def _json(self, address: str) -> Any:
        return json.loads(self._fetch(address))
