"""What the network tried for one call, which may take several requests; held by the context."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Try:
    """One request of a call, as it is told: never what it said, nor where."""

    milliseconds: int
    status: int  # 0: no answer
    request_id: str  # the other side's own name for it


_tries: ContextVar[list[Try] | None] = ContextVar("tries", default=None)


@contextmanager
def watched() -> Iterator[list[Try]]:
    """Gather what this context's network tries, for whoever tells of a call."""
    tries: list[Try] = []
    token = _tries.set(tries)
    try:
        yield tries
    finally:
        _tries.reset(token)


def note_try(one: Try) -> None:
    """Say what was tried; nobody hears it where no call is watched."""
    if (tries := _tries.get()) is not None:
        tries.append(one)
