"""The issuer's keys: found by discovery, cached, asked for again rarely."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from chalicelib.edge.callers import UnauthenticatedError
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.strict_json import read_object

Fetch = Callable[[str], bytes]
"""GET this address; raise `OSError` when it can't be had."""

_KEYS_TTL_SECONDS = 3600
_KEYS_STALE_SECONDS_MAX = 24 * 3600  # a key taken back is not trusted longer than this
_RETRY_SECONDS = 30
_FIRST_RETRY_SECONDS = 1
_DOCUMENT_BYTES_MAX = 256 * 1024
_KEY_TYPES = ("RSA", "EC", "OKP")  # a shared secret is no public key


class IssuerUnreachableError(TryAgainError):
    """The issuer's keys can't be had, so nobody can be let in."""

    code = "issuer_unreachable"


@dataclass(frozen=True, slots=True)
class _Held:
    """Keys, and when they were the issuer's."""

    keys: KeySet
    at: float

    def knows(self, key_id: str) -> bool:
        return any(key.kid == key_id for key in self.keys)


class IssuerKeys:
    """A cached key set; an unknown key id leads to one new download in thirty seconds, not more.

    While one caller waits for a download, those whose key is known go on with the keys at hand.
    """

    def __init__(self, issuer: str, *, fetch: Fetch, clock: Clock) -> None:
        self._issuer = issuer.rstrip("/")
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._next_try_at: float | None = None
        self._reached = False

    def current(self, key_id: str) -> KeySet:
        """Return the key set, fresh enough to know `key_id` if the issuer does."""
        if self._wants_refresh(key_id) and self._lock.acquire(blocking=not self._knows(key_id)):
            try:
                if self._wants_refresh(key_id):  # nobody else did it while we waited
                    self._refresh()
            finally:
                self._lock.release()
        held = self._held
        if held is None or self._clock.monotonic() - held.at > _KEYS_STALE_SECONDS_MAX:
            raise IssuerUnreachableError("the issuer's keys can't be had; try again")
        if held.knows(key_id):
            return held.keys
        if not self._reached:  # it may be a new one
            raise IssuerUnreachableError("the issuer can't be asked for this key; try again")
        raise UnauthenticatedError("the token's key is unknown")

    def _knows(self, key_id: str) -> bool:
        return self._held is not None and self._held.knows(key_id)

    def _wants_refresh(self, key_id: str) -> bool:
        now = self._clock.monotonic()
        if self._next_try_at is not None and now < self._next_try_at:
            return False
        fresh = self._held is not None and now - self._held.at <= _KEYS_TTL_SECONDS
        return not fresh or not self._knows(key_id)

    def _refresh(self) -> None:
        """Ask the issuer; if it can't be reached, the keys at hand serve on."""
        now = self._clock.monotonic()
        try:
            discovery = self._document(f"{self._issuer}/.well-known/openid-configuration")
            keys = _readable(self._document(self._keys_address(discovery)))
        except (OSError, ValueError):
            self._reached = False
            pause = _FIRST_RETRY_SECONDS if self._held is None else _RETRY_SECONDS
        else:
            self._reached = True
            self._held = _Held(keys, now)
            pause = _RETRY_SECONDS
        self._next_try_at = now + pause

    def _keys_address(self, discovery: dict[str, Any]) -> str:
        if str(discovery.get("issuer")).rstrip("/") != self._issuer:
            raise ValueError("the discovery document is another issuer's")
        address = str(discovery.get("jwks_uri"))
        there, here = urlsplit(address), urlsplit(self._issuer)
        if there.scheme == "https" and there.hostname:
            return address
        if (there.scheme, there.netloc) == (here.scheme, here.netloc):
            return address
        raise ValueError("keys come over https, or from the issuer's own origin")

    def _document(self, address: str) -> dict[str, Any]:
        return read_object(self._fetch(address), bytes_max=_DOCUMENT_BYTES_MAX, fractions=True)


def _readable(document: dict[str, Any]) -> KeySet:
    """Return the keys we understand; one that we don't shuts nobody out."""
    given = document.get("keys")
    found = (_key(one) for one in given) if isinstance(given, list) else ()
    keys = [key for key in found if key is not None]
    if not keys:
        raise ValueError("no key that we can read")
    return KeySet(keys)


def _key(given: Any) -> Key | None:
    """Read a public key for signatures, if it is one."""
    if not isinstance(given, dict) or given.get("kty") not in _KEY_TYPES:
        return None
    if not isinstance(given.get("kid"), str) or given.get("use", "sig") != "sig":
        return None
    try:
        return import_key(given)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
