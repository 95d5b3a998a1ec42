"""Linearizability, by Wing and Gong's search with memory of what was tried.

A history is linearizable if its operations can be put in one order that respects real time (what
returned before another was called stays before it) and in which each answer is what a sequential
model gives. J. Wing, C. Gong: Testing and Verifying Concurrent Objects, 1993; with Lowe's
memoisation of (what is left, state).
"""

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")
Step = Callable[[Hashable, str, Hashable], tuple[Hashable, Hashable]]
"""The model: state, operation and argument give the next state and the answer."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: when it began and ended, what it asked, and what it was told."""

    began: int
    ended: int
    name: str
    argument: Hashable
    answer: Hashable


class Recorder:
    """Writes down what threads do."""

    def __init__(self) -> None:
        self.history: list[Operation] = []
        self._lock = threading.Lock()

    def record(self, name: str, argument: Hashable, run: Callable[[], Result]) -> Result:
        """Run an operation and write it down."""
        began = time.perf_counter_ns()
        answer = run()
        ended = time.perf_counter_ns()
        assert isinstance(answer, Hashable)
        with self._lock:
            self.history.append(Operation(began, ended, name, argument, answer))
        return answer


def is_linearizable(history: Sequence[Operation], initial: Hashable, step: Step) -> bool:
    """Tell whether some order of the operations explains every answer."""
    operations = sorted(history, key=lambda operation: operation.began)
    everything = (1 << len(operations)) - 1
    tried: set[tuple[int, Hashable]] = set()
    open_branches: list[tuple[int, Hashable]] = [(everything, initial)]
    while open_branches:
        left, state = open_branches.pop()
        if not left:
            return True
        if (left, state) in tried:
            continue
        tried.add((left, state))
        for number in _may_come_first(operations, left):
            operation = operations[number]
            following, answer = step(state, operation.name, operation.argument)
            if answer == operation.answer:
                open_branches.append((left & ~(1 << number), following))
    return False


def _may_come_first(operations: Sequence[Operation], left: int) -> list[int]:
    """Return those that no other operation left has ended before."""
    remaining = [number for number in range(len(operations)) if left >> number & 1]
    first_end = min(operations[number].ended for number in remaining)
    return [number for number in remaining if operations[number].began <= first_end]
