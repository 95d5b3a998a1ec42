"""One id for all that one request, or one run of a job, sets going: 32 hex digits, nothing else.

It is held by the context, not handed from call to call, so that storage, queues, providers and logs
find it without a parameter; it never decides anything. What comes from outside is believed only
when it is spelled as W3C's trace context says, and is believed to be a name, no more.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from hashlib import sha256
from typing import TypeVar

from chalicelib.kernel.ids import Randomness

_TRACE = re.compile(r"(?!0{32})[0-9a-f]{32}")
_PARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"(?P<more>-[!-~]*)?"
)
_PACKED = re.compile(r"[A-Za-z0-9_-]{22}")

_current: ContextVar[str] = ContextVar("trace", default="")

Returned = TypeVar("Returned")


def current() -> str:
    """Return this context's id; empty where nothing began one."""
    return _current.get()


@contextmanager
def within(trace: str) -> Iterator[None]:
    """Do what is inside under this id."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)


def carried(call: Callable[[], Returned]) -> Callable[[], Returned]:
    """Return the call as this context makes it, for a thread, which begins with an empty one."""
    context = copy_context()
    return lambda: context.run(call)


def read(value: object) -> str:
    """Return an id that a message or a row carries; empty for what is none, such as an old one."""
    return value if isinstance(value, str) and _TRACE.fullmatch(value) else ""


def of_parent(traceparent: str) -> str:
    """Return the id of a W3C `traceparent`; empty unless it is spelled as it must be.

    A later version may go on after a dash; version 00 may not.
    """
    found = _PARENT.fullmatch(traceparent)
    if found is None or (found["version"] == "00" and found["more"] is not None):
        return ""
    return read(found["trace"])


def named(name: str) -> str:
    """Return the id that belongs to a name: of a UUID its own digits, so that both are found."""
    digits = name.replace("-", "").lower()
    return read(digits) or sha256(name.encode()).hexdigest()[:32]


def minted(randomness: Randomness) -> str:
    """Return a new id."""
    return randomness(16).hex()


def packed(trace: str) -> str:
    """Spell an id in 22 characters, for rows that have no room."""
    return urlsafe_b64encode(bytes.fromhex(trace)).decode().rstrip("=")


def unpacked(text: object) -> str:
    """Read what `packed` wrote; empty for anything else."""
    if not isinstance(text, str) or not _PACKED.fullmatch(text):
        return ""
    return read(urlsafe_b64decode(f"{text}==").hex())
