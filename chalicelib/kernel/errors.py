"""Every refusal is a named fact.

PlatformError
├── (each room's own errors: class-level `kind` and `code`)
├── InvalidBodyError             what was sent can't be read; every wrong field is listed
├── NotFoundError                there is no such thing, or it is not yours
└── TryAgainError                nothing happened; the same call may be repeated
"""

from enum import StrEnum
from typing import Any, ClassVar


class Kind(StrEnum):
    """What a refusal means to the caller; `edge/http.py` holds the only table to HTTP status."""

    INVALID = "invalid"  # the request can't be understood
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"  # understood, but the state of things forbids it
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA = "unsupported_media"
    ADDRESS_TOO_LONG = "address_too_long"
    HEADERS_TOO_LARGE = "headers_too_large"
    TOO_MANY = "too_many"  # asked too often; later it is answered
    UNPROCESSABLE = "unprocessable"  # understood, but it contradicts what was said before
    UNKNOWN_OUTCOME = "unknown_outcome"  # accepted; ask again with the same number
    UNAVAILABLE = "unavailable"  # nothing happened; try again
    BUG = "bug"


class PlatformError(Exception):
    """A refusal with a code, a sentence and facts."""

    kind: ClassVar[Kind] = Kind.BUG
    code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class InvalidBodyError(PlatformError):
    """What was sent can't be read; `errors` lists every wrong field."""

    kind = Kind.INVALID
    code = "invalid_body"


class NotFoundError(PlatformError):
    """There is no such thing, or it is not the caller's to see."""

    kind = Kind.NOT_FOUND
    code = "not_found"


class TryAgainError(PlatformError):
    """Nothing happened; the same call may be repeated."""

    kind = Kind.UNAVAILABLE
    code = "try_again"


class IdempotencyKeyReusedError(PlatformError):
    """Another body was sent before under the same key."""

    kind = Kind.UNPROCESSABLE
    code = "idempotency_key_reused"
