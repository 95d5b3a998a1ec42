"""Two and three sequencers at once, at every step.

The first stalls at one of its calls, before or after it took effect, as a frozen process does.
Money comes in meanwhile. A second one begins, and is killed at one of its calls or comes through; a
third one follows, before or after the first wakes up, a zombie with an old view, and goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from greenlet import getcurrent

from chalicelib.kernel.errors import TryAgainError
from tests.simulation import invariants
from tests.simulation.crashpoints import Point, Script
from tests.simulation.ports import STALL_SECONDS, Fault
from tests.simulation.scenes import paid_twice
from tests.simulation.stage import Stage
from tests.simulation.world import Killed

STALLS = (Fault.STALL_BEFORE, Fault.STALL_AFTER)
SOON, LATE = 100.0, STALL_SECONDS + 100
KILLS = (Fault.KILL_BEFORE, Fault.KILL_AFTER)


@dataclass(frozen=True)
class Raced:
    """What calls the first and the second sequencer made."""

    first: tuple[tuple[str, str], ...]
    second: tuple[tuple[str, str], ...]


def race(stall: Point | None = None, kill: Point | None = None, *, third_at: float = SOON) -> Raced:
    """Let three sequencers at it; raise when anything is not as it must be."""
    stage = Stage(seed=1)
    first, second = paid_twice(stage)
    stage.deliver(first)
    scripts = [Script(dict([stall] if stall else [])), Script(dict([kill] if kill else []))]
    by_actor: dict[object, Script] = {}

    def plan(kind: str, name: str) -> Fault:
        script = by_actor.get(getcurrent())
        return script(kind, name) if script else Fault.NONE

    def sequencer(script: Script | None) -> None:
        if script is not None:
            by_actor[getcurrent()] = script
        try:
            stage.sequence()
        except (Killed, TryAgainError):
            stage.world.tell("a sequencer ended early")
        invariants.check(stage, settled=False)

    stage.plan = plan
    stage.with_faults()
    world = stage.world
    world.begin(lambda: sequencer(scripts[0]))
    world.begin(lambda: stage.deliver(second), after=5)
    world.begin(lambda: sequencer(scripts[1]), after=10)
    world.begin(lambda: sequencer(None), after=third_at)
    world.run()
    stage.settle()
    invariants.check(stage, settled=True)
    return Raced(tuple(scripts[0].kinds), tuple(scripts[1].kinds))


def singles(*, only: int | None = None) -> Iterator[Point]:
    """Stall the first at every call, or at one only, while the others come through."""
    for number in range(len(race().first)) if only is None else [only]:
        for fault in STALLS:
            race((number, fault))
            yield number, fault


def pairs(*, only: int | None = None) -> Iterator[tuple[Point, Point]]:
    """Stall the first at every call, or at one only, and kill the second at every call.

    Reading the shards changes nothing: of sixteen such calls the first stands for all.
    """
    for number in telling(race().first):
        if only not in {None, number}:
            continue
        for stall in STALLS:
            for other in telling(race((number, stall)).second):
                for kill in KILLS:
                    for third_at in (SOON, LATE):
                        race((number, stall), (other, kill), third_at=third_at)
                    yield (number, stall), (other, kill)


def telling(calls: tuple[tuple[str, str], ...]) -> Iterator[int]:
    """Return the calls that are not a repeated reading of shards."""
    for number, (_, name) in enumerate(calls):
        if number == 0 or name != "query" or calls[number - 1][1] != "query":
            yield number
