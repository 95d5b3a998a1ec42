"""Lists: `{"items": […], "next": "<cursor>" | null}`."""

import base64
import json
import re
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from chalicelib.kernel.errors import Kind, PlatformError

T = TypeVar("T")


class InvalidCursorError(PlatformError):
    """The cursor is none that this list gave out."""

    kind = Kind.INVALID
    code = "invalid_cursor"


class Page(BaseModel, Generic[T]):
    """Some items of a list."""

    items: list[T]
    next: str | None = Field(default=None, description="Give it back as `cursor` to go on")


def write_cursor(kind: str, at: str) -> str:
    """Spell where a list of this kind was left."""
    return base64.urlsafe_b64encode(json.dumps([1, kind, at]).encode()).decode().rstrip("=")


def next_cursor(kind: str, ended: str | None) -> str | None:
    """Spell where a page ended; None when the list did."""
    return write_cursor(kind, ended) if ended is not None else None


def place_in(kind: str, cursor: str | None, places: re.Pattern[str]) -> str | None:
    """Return where to go on; only what this list gave out is a place in it."""
    if cursor is None:
        return None
    at = read_cursor(kind, cursor)
    if not places.fullmatch(at):
        raise InvalidCursorError("this is no cursor of this list")
    return at


def read_cursor(kind: str, cursor: str) -> str:
    """Return where to go on, or raise `InvalidCursorError`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        match json.loads(base64.b64decode(padded, altchars=b"-_", validate=True)):
            case [1, str(given), str(at)] if given == kind:
                return at
    except (ValueError, RecursionError):
        pass
    raise InvalidCursorError("this is no cursor of this list")
