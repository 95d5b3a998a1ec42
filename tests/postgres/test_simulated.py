"""The simulator on PostgreSQL: verbs are killed at every call, and seeds are played, with the same
invariants and the same ends as in memory.
"""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from chalicelib.storage.postgres.table import PostgresTable
from tests.fakes.stored import StoredTable
from tests.simulation import crashpoints, seeds
from tests.simulation.ports import standing_on
from tests.simulation.registered import Registered
from tests.simulation.verbs import VERBS

SOME_VERBS = VERBS[::40]
SOME_POINTS = 4
SOME_SEEDS = 2

Ground = Callable[[], StoredTable]


@pytest.fixture
def ground(postgres_table: PostgresTable, postgres_url: str) -> Iterator[Ground]:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        yield lambda: StoredTable(postgres_table, admin)


def killed(verb: Registered, ground: Ground, some: int | None) -> None:
    undisturbed = crashpoints.play(verb)
    with standing_on(ground):
        crashpoints.same_end(verb, undisturbed, crashpoints.play(verb))
        for _, outcome in crashpoints.singles(verb, some=some):
            crashpoints.same_end(verb, undisturbed, outcome)


@pytest.mark.parametrize("verb", SOME_VERBS, ids=lambda verb: verb.name)
def test_crash_points_leave_the_books_as_in_memory(verb: Registered, ground: Ground) -> None:
    killed(verb, ground, SOME_POINTS)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_more_crash_points_leave_the_books_as_in_memory(verb: Registered, ground: Ground) -> None:
    killed(verb, ground, 2)


def test_seeds_are_told_as_in_memory(ground: Ground) -> None:
    for seed in range(SOME_SEEDS):
        alike(seed, ground)


@pytest.mark.slow
def test_more_seeds_are_told_as_in_memory(ground: Ground) -> None:
    for seed in range(SOME_SEEDS, 40):
        alike(seed, ground)


def alike(seed: int, ground: Ground) -> None:
    """Play a seed on both grounds: every call, every answer and the end are the same."""
    in_memory = seeds.play(seed)
    with standing_on(ground):
        stored = seeds.play(seed)
    assert stored.broken is None, (seed, stored.broken, *stored.story)
    assert stored == in_memory
