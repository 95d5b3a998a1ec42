"""Who is calling: shoppers by our own sessions, everybody else by an OIDC issuer's tokens.

The header's `alg` chooses the verifier, and each verifier pins its own algorithms, keys, issuer
and audience: a token signed by one can never pass the other.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from chalicelib.edge.callers import Caller, Scope, UnauthenticatedError
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import InvalidIdError, MemberId, MerchantId
from chalicelib.kernel.strict_json import read_object

_SESSION_ALGORITHM = "HS256"
_SESSION_ISSUER = "shoukuan"
_SESSION_AUDIENCE = "shoukuan-member"
_SESSION_KEY_BYTES_MIN = 32
_ISSUER_ALGORITHMS = ["RS256", "ES256", "EdDSA", "Ed25519"]  # the last two are one
_LEEWAY_SECONDS = 30
_TOKEN_CHARACTERS_MAX = 8192


class Keys(Protocol):
    """The issuer's public keys, wherever they are cached."""

    def current(self, key_id: str) -> KeySet:
        """Return a key set that holds `key_id` if the issuer has it; raise when unreachable."""


class Sessions:
    """Our own tokens for shoppers: signed with one secret key, verified with the one before too.

    A token names its key by a digest (`kid`), which chooses among these two and nothing else.
    """

    def __init__(self, key: str, *, clock: Clock, ttl_seconds: int, previous: str = "") -> None:
        keys = [session_key(text) for text in (key, previous) if text]
        self._key_id, self._key = keys[0]
        self._keys = dict(keys)
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_seconds)

    def open(self, member_id: MemberId) -> tuple[str, datetime]:
        """Return a token for a member, and when it ends."""
        now = self._clock.protocol_now().replace(microsecond=0)
        ends = now + self._ttl
        claims = {
            "iss": _SESSION_ISSUER,
            "aud": _SESSION_AUDIENCE,
            "sub": member_id,
            "iat": int(now.timestamp()),
            "exp": int(ends.timestamp()),
        }
        header = {"alg": _SESSION_ALGORITHM, "kid": self._key_id}
        return jwt.encode(header, claims, self._key), ends

    def knows(self, key_id: str) -> bool:
        """Tell whether this is one of the two keys."""
        return not key_id or key_id in self._keys

    def verify(self, token: str, key_id: str) -> Caller:
        """Return the member a token was opened for, or raise `UnauthenticatedError`."""
        key = self._keys.get(key_id or self._key_id)  # tokens of old name none
        if key is None:
            raise UnauthenticatedError("the token's key is unknown")
        claims = _claims(token, key, [_SESSION_ALGORITHM])
        _check_claims(
            claims,
            issuer=_SESSION_ISSUER,
            audience=_SESSION_AUDIENCE,
            now=self._clock.protocol_now(),
        )
        try:
            member_id = MemberId.parse(claims["sub"])
        except InvalidIdError:
            raise UnauthenticatedError("the token names no member") from None
        return Caller(subject=member_id, scopes=frozenset({Scope.MEMBER}))


class Issuer:
    """Verifies tokens of an OIDC issuer."""

    def __init__(self, issuer: str, audience: str, *, keys: Keys, clock: Clock) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._clock = clock

    def verify(self, token: str, key_id: str) -> Caller:
        """Return the caller a token speaks of, or raise `UnauthenticatedError`."""
        claims = _claims(token, self._keys.current(key_id), _ISSUER_ALGORITHMS)
        now = self._clock.protocol_now()
        _check_claims(claims, issuer=self._issuer, audience=self._audience, now=now)
        words = str(claims.get("scope", "")).split()
        # A shopper's scope is ours alone to give.
        scopes = frozenset(Scope(word) for word in words if word in set(Scope)) - {Scope.MEMBER}
        merchant_id: MerchantId | None = None
        if Scope.MERCHANT in scopes:
            try:
                merchant_id = MerchantId.parse(str(claims.get("merchant_id", "")))
            except InvalidIdError:
                raise UnauthenticatedError("the token names no merchant") from None
        return Caller(subject=claims["sub"], scopes=scopes, merchant_id=merchant_id)


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Turns an Authorization header into a caller."""

    sessions: Sessions
    issuer: Issuer
    sessions_anew: Callable[[], Sessions | None] = lambda: None
    """Look for another session key, which another process may use already."""

    def caller(self, headers: Mapping[str, str]) -> Caller:
        """Return who is calling, or raise `UnauthenticatedError`."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= _TOKEN_CHARACTERS_MAX:
            raise UnauthenticatedError("send an Authorization header with a Bearer token")
        header = _header(token)
        if header.get("alg") == _SESSION_ALGORITHM:
            return self._session(token, str(header.get("kid", "")))
        return self.issuer.verify(token, str(header.get("kid", "")))

    def _session(self, token: str, key_id: str) -> Caller:
        sessions = self.sessions
        if not sessions.knows(key_id):
            sessions = self.sessions_anew() or sessions
        return sessions.verify(token, key_id)


def session_key(text: str) -> tuple[str, OctKey]:
    """Return a key and its name, which tells nothing of it."""
    raw = text.encode()
    if len(raw) < _SESSION_KEY_BYTES_MIN:
        raise ValueError("SESSION_KEY must have 32 bytes or more")
    name = hmac.new(raw, b"the name of a session key", hashlib.sha256).hexdigest()[:16]
    return name, OctKey.import_key(raw)


def _header(token: str) -> dict[str, Any]:
    """Read a token's header, which nobody has verified yet: it only leads to a verifier."""
    try:
        first = token.partition(".")[0].encode("ascii")
        raw = base64.urlsafe_b64decode(first + b"=" * (-len(first) % 4))
        return read_object(raw, bytes_max=_TOKEN_CHARACTERS_MAX, fractions=True)
    except ValueError:
        raise UnauthenticatedError("the token is malformed") from None


def _claims(token: str, key: KeySet | OctKey, algorithms: list[str]) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, key, algorithms=algorithms).claims)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise UnauthenticatedError("the token does not verify") from None


def _check_claims(claims: dict[str, Any], *, issuer: str, audience: str, now: datetime) -> None:
    """Check issuer, audience, subject and times; `nbf` and `iat` alone may be missing."""
    at = int(now.timestamp())
    audiences = claims.get("aud")
    if claims.get("iss") != issuer:
        raise UnauthenticatedError("the token is another issuer's")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise UnauthenticatedError("the token is for another audience")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise UnauthenticatedError("the token names nobody")
    if not _is_whole(claims.get("exp")) or claims["exp"] <= at - _LEEWAY_SECONDS:
        raise UnauthenticatedError("the token has expired")
    for name in ("nbf", "iat"):
        if name in claims and not (
            _is_whole(claims[name]) and claims[name] <= at + _LEEWAY_SECONDS
        ):
            raise UnauthenticatedError("the token is not valid yet")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
