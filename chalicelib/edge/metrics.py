"""CloudWatch's embedded metric format: figures that ride in a line of JSON on standard output.

A line may carry several metrics, each under dimensions of its own, and facts that are searched but
never counted. Figures told inside `one_line` go into one, unless they would overwrite each other;
it is held by the context and by the thread that began it, so that no other's figures get in.
"""

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any

from chalicelib.kernel import trace
from chalicelib.kernel.clock import SystemClock, milliseconds

NAMESPACE = "Shoukuan"
SERVICE = "shoukuan"
VALUES_MAX = 100
"""So many values of one metric may stand in a line."""

_clock = SystemClock()


class Unit(StrEnum):
    """What a figure counts, as CloudWatch names it."""

    COUNT = "Count"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"


class _Line:
    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.fields: dict[str, Any] = {}
        self.directives: dict[tuple[str, ...], list[dict[str, str]]] = {}

    def add(
        self,
        metric: str,
        values: Sequence[int],
        unit: Unit,
        dimensions: Mapping[str, str],
        facts: Mapping[str, Any],
    ) -> None:
        beside = {**facts, **dimensions}
        if metric in self.fields or any(
            self.fields.get(name, said) != said for name, said in beside.items()
        ):
            self.write()
        self.fields |= beside
        self.fields[metric] = list(values)
        named = self.directives.setdefault(("service", *dimensions), [])
        named.append({"Name": metric, "Unit": unit})

    def write(self) -> None:
        """Write the line, if it says anything, in one piece; begin an empty one."""
        if not self.directives:
            return
        directives = [
            {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": metrics}
            for dimensions, metrics in self.directives.items()
        ]
        head = {"Timestamp": milliseconds(_clock.protocol_now()), "CloudWatchMetrics": directives}
        line = {"_aws": head, "service": SERVICE} | self.fields
        if found := trace.current():
            line["trace"] = found
        sys.stdout.write(f"{json.dumps(line, ensure_ascii=False, separators=(',', ':'))}\n")
        sys.stdout.flush()
        self.fields, self.directives = {}, {}


_held: ContextVar[_Line | None] = ContextVar("line", default=None)


@contextmanager
def one_line(*, apart: bool = False) -> Iterator[None]:
    """Hold what is told inside, and write it at the end; inside another, it joins that one.

    `apart` begins a line of its own: for what must be on record even if this request never ends.
    """
    if not apart and _own() is not None:
        yield
        return
    line = _Line()
    token = _held.set(line)
    try:
        yield
    finally:
        _held.reset(token)
        line.write()


def say(
    metric: str,
    values: Sequence[int],
    unit: Unit,
    dimensions: Mapping[str, str],
    facts: Mapping[str, Any],
) -> None:
    """Tell figures of one metric; more than a line takes are told in several."""
    with one_line():
        line = _own()
        assert line is not None
        for start in range(0, len(values), VALUES_MAX):
            line.add(metric, values[start : start + VALUES_MAX], unit, dimensions, facts)


def _own() -> _Line | None:
    line = _held.get()
    return line if line is not None and line.thread == threading.get_ident() else None
