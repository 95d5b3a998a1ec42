"""Crash points: every verb failed at every call in every way, then retried; then every pair.

After each, all goes well until everything is settled, and the books must be right, and the same as
if nothing had ever gone wrong.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from chalicelib.kernel.errors import Kind, PlatformError
from tests.simulation import invariants
from tests.simulation.ports import FAULTS_OF, Fault
from tests.simulation.registered import Registered
from tests.simulation.stage import Stage
from tests.simulation.verbs import VERBS
from tests.simulation.world import Killed

_TRIES_MAX = 8

Point = tuple[int, Fault]
_OF_DAYS = (
    "reconciliation/",
    "discrepancies/",
    "dcr_",
    "provider_fees/",
)  # the invariants say what they must be
_DIFFERS = {"entry", "lines", "decide_by", "position"}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")


class StuckError(AssertionError):
    """A verb did not come to its end, however often it was retried."""


@dataclass
class Script:
    """A plan that fails given calls, counted from the verb's first; and what calls there were."""

    points: dict[int, Fault]
    kinds: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, kind: str, name: str) -> Fault:
        self.kinds.append((kind, name))
        return self.points.get(len(self.kinds) - 1, Fault.NONE)


@dataclass(frozen=True)
class Outcome:
    """What became of one run: its calls, how often it was tried, and the end it came to."""

    calls: tuple[tuple[str, str], ...]
    tries: int
    end: str


def play(verb: Registered, *points: Point) -> Outcome:
    """Set the scene, fail at these points, retry as the platform would, settle, and check."""
    script = Script(dict(points))
    stage = Stage(plan=script, partner=verb.partner, reconciles=verb.reconciles)
    act = verb.scene(stage)
    stage.with_faults()
    tries = 0
    while True:
        tries += 1
        if tries > _TRIES_MAX:
            raise StuckError(f"{verb.name} never ends: {points}")
        if _ended(stage, act):
            break
        invariants.check(stage, settled=False)
    calls = tuple(script.kinds)
    invariants.check(stage, settled=False)
    stage.settle()
    invariants.check(stage, settled=True)
    return Outcome(calls, tries, ending(stage))


def _ended(stage: Stage, act: object) -> bool:
    assert callable(act)
    try:
        act()
    except Killed:
        return False
    except PlatformError as refused:
        if refused.kind in {Kind.UNAVAILABLE, Kind.UNKNOWN_OUTCOME}:
            stage.world.pause(1)
            return False
        if refused.kind is Kind.BUG:
            raise
    return True


def ending(stage: Stage) -> str:
    """Describe the end without what may differ: times, row ids, days."""
    told: list[str] = []
    for key, item in stage.memory.items.items():
        if key.table == "log" or key.pk.startswith(_OF_DAYS):
            continue
        kept = {
            name: value
            for name, value in item.items()
            if not name.endswith("_at") and name not in _DIFFERS
        }
        if "decision" in kept:
            kept["decision"] = _INSTANT.sub("", str(kept["decision"]))
        sk = "order" if key.sk.startswith("order/") else key.sk
        told.append(f"{key.pk} {sk} {json.dumps(kept, sort_keys=True, ensure_ascii=False)}")
    return "\n".join(sorted(told))


def singles(verb: Registered, *, some: int | None = None) -> Iterator[tuple[Point, Outcome]]:
    """Fail the verb once, at every call, in every way; or in some of them, evenly spread."""
    calls = play(verb).calls
    points = [
        (number, fault) for number, (kind, _) in enumerate(calls) for fault in FAULTS_OF[kind]
    ]
    step = 1 if some is None else len(points) // some + 1
    for point in points[::step]:
        yield point, play(verb, point)


def pairs(
    verb: Registered,
    alone: Iterable[tuple[Point, Outcome]] | None = None,
    *,
    some: int | None = None,
) -> Iterator[tuple[Point, Point, Outcome]]:
    """Fail the verb twice: after each single failure, again at every later call.

    The single failures may be handed over if they were played already, and only some of the pairs
    asked for, evenly spread.
    """
    some = verb.pairs if some is None else some
    points = list(_pairs(singles(verb) if alone is None else alone))
    step = 1 if some is None else len(points) // some + 1
    for first, second in points[::step]:
        yield first, second, play(verb, first, second)


def _pairs(alone: Iterable[tuple[Point, Outcome]]) -> Iterator[tuple[Point, Point]]:
    for first, outcome in alone:
        if _repeats(outcome.calls, first[0]):
            continue
        for number in range(first[0] + 1, len(outcome.calls)):
            if _repeats(outcome.calls, number):
                continue
            for fault in FAULTS_OF[outcome.calls[number][0]]:
                yield first, (number, fault)


def _repeats(calls: Sequence[tuple[str, str]], number: int) -> bool:
    """Tell whether a call is one of a row of queries: shards, of which the first stands for all."""
    return number > 0 and calls[number][1] == "query" == calls[number - 1][1]


@dataclass
class Counts:
    """What was enumerated for one verb."""

    calls: int = 0
    singles: int = 0
    pairs: int = 0
    by_fault: Counter[Fault] = field(default_factory=Counter)
    tries: int = 0


def enumerate_all(*, with_pairs: bool = True) -> dict[str, Counts]:
    """Play every crash point of every verb; raise at the first that breaks anything."""
    counted: dict[str, Counts] = {}
    for verb in VERBS:
        undisturbed = play(verb)
        counts = counted[verb.name] = Counts(calls=len(undisturbed.calls))
        for (_, fault), outcome in singles(verb):
            same_end(verb, undisturbed, outcome)
            counts.singles += 1
            counts.by_fault[fault] += 1
            counts.tries += outcome.tries
        if with_pairs:
            for *_, outcome in pairs(verb):
                same_end(verb, undisturbed, outcome)
                counts.pairs += 1
    return counted


def same_end(verb: Registered, undisturbed: Outcome, outcome: Outcome) -> None:
    """Insist that the end is as if nothing had gone wrong."""
    if outcome.end != undisturbed.end:
        here, there = set(outcome.end.splitlines()), set(undisturbed.end.splitlines())
        raise invariants.BrokenError(
            f"{verb.name} ends otherwise: {here - there} not {there - here}"
        )
