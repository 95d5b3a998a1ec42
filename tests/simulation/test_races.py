"""Sequencers at once: harmless at every step; and what would not be harmless is seen."""

import pytest

from tests.simulation import races
from tests.simulation.planted_list import LIST_BUGS
from tests.simulation.roots import Bug, planted

IN_RACES = [
    bug
    for bug in LIST_BUGS
    if bug.name not in {"an event's error swallowed", "cursor by time"}  # nothing fails here
]


def test_a_zombie_is_harmless_at_every_step() -> None:
    assert len(list(races.singles())) >= 60


@pytest.mark.parametrize(
    ("step", "races_min"), [(27, 30), pytest.param(3, 300, marks=pytest.mark.slow)]
)
def test_a_zombie_beside_one_that_is_killed_is_harmless_at_every_so_many_steps(
    step: int, races_min: int
) -> None:
    """The simulator's own run takes every step."""
    stalled_at = list(races.telling(races.race().first))[::step]
    assert sum(len(list(races.pairs(only=number))) for number in stalled_at) > races_min


LONG = {"stage named by position"}
"""What takes many races until it is seen; a seed sees it sooner, in the tests of seeds."""


@pytest.mark.parametrize(
    "bug",
    [
        pytest.param(bug, id=bug.name, marks=[pytest.mark.slow] if bug.name in LONG else [])
        for bug in IN_RACES
    ],
)
def test_what_the_design_rules_out_is_seen(bug: Bug) -> None:
    with planted(bug), pytest.raises((AssertionError, KeyError)):
        list(races.singles())
        list(races.pairs())
