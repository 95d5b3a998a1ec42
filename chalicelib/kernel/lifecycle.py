"""A state machine is a table: (state, verb) → state. What is absent is illegal."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from chalicelib.kernel.errors import Kind, PlatformError


class IllegalTransitionError(PlatformError):
    """The verb is not possible in this state."""

    kind = Kind.CONFLICT
    code = "illegal_transition"


State = TypeVar("State", bound=StrEnum)
Verb = TypeVar("Verb", bound=StrEnum)


class Lifecycle(Generic[State, Verb]):
    """The table of one noun's life."""

    def __init__(self, table: Mapping[tuple[State, Verb], State]) -> None:
        self._table = dict(table)

    def after(self, state: State, verb: Verb) -> State:
        """Return the state that follows, or raise `IllegalTransitionError`."""
        if (state, verb) not in self._table:
            raise IllegalTransitionError(f"{verb} is not possible when {state}", state=state)
        return self._table[state, verb]

    def before(self, verb: Verb) -> frozenset[State]:
        """Return the states in which the verb is legal: the condition of its write."""
        return frozenset(state for state, legal in self._table if legal is verb)

    def rows(self) -> Mapping[tuple[State, Verb], State]:
        """Return the table, for documents and tests."""
        return dict(self._table)
