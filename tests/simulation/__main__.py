"""`make simulate`: crash points, pairs, seeds, planted bugs and the conflict curve, with counts.

SEEDS says how many seeds (10,000), SEED plays one and tells its story.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import groupby

from local.sandbox.keys import SandboxKeys
from tests.simulation import conflicts, crashpoints, races, seeds
from tests.simulation.planted import BUGS, planted
from tests.simulation.registered import Registered
from tests.simulation.verbs import VERBS

_CHUNK = 250
_SAMPLED = 100  # one seed in so many goes on the real protocol, RSA and all
_DETECTION_SEEDS_MAX = 2000


def main() -> int:
    """Print everything; return 1 when anything broke."""
    if one := os.environ.get("SEED"):
        return _tell(int(one))
    count = int(os.environ.get("SEEDS", "10000"))
    with ProcessPoolExecutor() as pool:
        _print_crash_points(pool)
        _print_races(pool)
        broken = _print_seeds(pool, count)
        missed = _print_planted(pool)
    _print_conflicts()
    print(f"\n{len(broken)} violations, {missed} planted bugs missed")
    return 1 if broken or missed else 0


def _tell(seed: int) -> int:
    played = seeds.play(seed)
    print("\n".join(played.story))
    print(f"\nseed {seed}: {played.calls} calls, {played.broken or 'nothing broken'}")
    return 1 if played.broken else 0


def _print_crash_points(pool: ProcessPoolExecutor) -> None:
    print("Crash points: tries until the verb ended; every end was right, and as if undisturbed\n")
    singles = pairs = 0
    began = time.monotonic()
    for name, lines, single, pair in pool.map(_crash_points, range(len(VERBS))):
        print(name)
        print("\n".join(lines))
        singles += single
        pairs += pair
    seconds = time.monotonic() - began
    print(f"\n{singles} single crash points and {pairs} pairs in {seconds:.0f} s: 0 violations")


def _crash_points(number: int) -> tuple[str, list[str], int, int]:
    verb = VERBS[number]
    undisturbed = crashpoints.play(verb)
    tries: dict[int, list[str]] = {}
    singles = 0
    for (call, fault), outcome in crashpoints.singles(verb):
        crashpoints.same_end(verb, undisturbed, outcome)
        tries.setdefault(call, []).append(f"{fault} {outcome.tries}")
        singles += 1
    pairs = 0
    for *_, outcome in crashpoints.pairs(verb):
        crashpoints.same_end(verb, undisturbed, outcome)
        pairs += 1
    return verb.name, list(_table(verb, undisturbed.calls, tries)), singles, pairs


def _table(
    _verb: Registered, calls: Sequence[tuple[str, str]], tries: dict[int, list[str]]
) -> Iterator[str]:
    """Give calls that are alike one line."""
    rows = [(name, " · ".join(tries[number])) for number, (_, name) in enumerate(calls)]
    for (name, outcomes), alike in groupby(enumerate(rows, 1), key=lambda row: row[1]):
        numbers = [number for number, _ in alike]
        span = f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"
        yield f"  {span:>6} {name:13} {outcomes}"


def _print_races(pool: ProcessPoolExecutor) -> None:
    began = time.monotonic()
    stalls = range(len(races.race().first))
    made = list(pool.map(_races, stalls))
    alone, together = (sum(column) for column in zip(*made, strict=True))
    print(
        f"\nSequencers at once: {alone} runs with one stalled at every call while others come"
        f" through, {together} with another killed at every call, and a third before or after:"
        f" 0 violations in {time.monotonic() - began:.0f} s"
    )


def _races(number: int) -> tuple[int, int]:
    return sum(1 for _ in races.singles(only=number)), 2 * sum(1 for _ in races.pairs(only=number))


def _print_seeds(pool: ProcessPoolExecutor, count: int) -> list[seeds.Played]:
    began, calls = time.monotonic(), 0
    broken: list[seeds.Played] = []
    chunks = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    cpu = 0.0
    for done, (made, spent, found) in enumerate(pool.map(_seeds, chunks), 1):
        calls += made
        cpu += spent
        broken += found
        if sys.stderr.isatty():
            print(f"\r  {done * _CHUNK} seeds", end="", file=sys.stderr)
    seconds = time.monotonic() - began
    print(
        f"\nSeeds: {count} ({count // _SAMPLED} of them on the real protocol, RSA and all),"
        f" {calls} simulated calls in {seconds:.0f} s,"
        f" {calls / cpu:.0f} calls a second a core: {len(broken)} violations"
    )
    for played in broken[:3]:
        print("\n".join(["", *played.story[-40:], f"SEED={played.seed}: {played.broken}"]))
    return broken


def _seeds(chunk: range) -> tuple[int, float, list[seeds.Played]]:
    keys = SandboxKeys.generate(datetime.now(UTC))
    began, calls = time.process_time(), 0
    broken: list[seeds.Played] = []
    for seed in chunk:
        played = seeds.play(seed) if seed % _SAMPLED else seeds.play(seed, keys)
        calls += played.calls
        if played.broken is not None:
            broken.append(played)
    return calls, time.process_time() - began, broken


def _print_planted(pool: ProcessPoolExecutor) -> int:
    print("\nPlanted bugs: seeds until somebody saw it\n")
    missed = 0
    for name, (when, what) in zip(
        [bug.name for bug in BUGS], pool.map(_detect, range(len(BUGS))), strict=True
    ):
        missed += when is None
        print(f"  {name:38} {when or 'MISSED':>11}  {what}")
    return missed


def _detect(number: int) -> tuple[str | None, str]:
    """Return after how many seeds a bug was seen, or that a crash point shows it; and how."""
    bug = BUGS[number]
    with planted(bug):
        if bug.verb is not None:
            verb = next(verb for verb in VERBS if verb.name == bug.verb)
            try:
                played = sum(1 for _ in crashpoints.singles(verb))
            except AssertionError as broken:
                return "crash point", str(broken)[:90]
            return None, f"in {played} crash points"
        for seed in range(_DETECTION_SEEDS_MAX):
            if (broken_at := seeds.play(seed).broken) is not None:
                return str(seed + 1), broken_at[:90]
    return None, ""


def _print_conflicts() -> None:
    print("\nCancelled commits of one merchant's payments, by payments a second\n")
    flat = conflicts.curve()
    with conflicts.shared_item_planted():
        bent = dict(conflicts.curve())
    print(f"  {'a second':>9} {'as it is':>9} {'with a shared item':>19}")
    for rate, share in flat:
        print(f"  {rate:9} {share:9.1%} {bent[rate]:19.1%}")
    assert Counter(share for _, share in flat) == {0.0: len(flat)}


if __name__ == "__main__":
    sys.exit(main())
