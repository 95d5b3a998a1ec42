"""Seeds: nothing is lost in any of them, each repeats exactly, and planted bugs are seen."""

from datetime import UTC, datetime

import pytest

from local.sandbox.keys import SandboxKeys
from tests.simulation import conflicts, crashpoints, seeds
from tests.simulation.planted import BUGS, Bug, planted
from tests.simulation.verbs import VERBS

SEEDS_TO_DETECTION_MAX = 600
LOOK_FIRST_AT = {
    "no amount condition": 68,
    "acknowledged before the commit": 110,
    "payout failure that lowers the debit": 83,
    "unfrozen before it is refunded": 60,
    "failed payment not captured": 60,
    "due note dropped, nobody asked": 50,
    "refund over the remainder": 26,
    "released without looking": 24,
    "finished taken for success": 18,
    "an event's error swallowed": 17,
}
"""Which seed saw a bug first, when all were last gone through; it may see it again."""


@pytest.mark.parametrize("fifty", [0, 50])
def test_nothing_is_lost_in_any_seed(fifty: int) -> None:
    for seed in range(fifty, fifty + 50):
        played = seeds.play(seed)
        assert played.broken is None, (seed, played.broken, *played.story)


def test_the_real_protocol_changes_nothing() -> None:
    keys = SandboxKeys.generate(datetime.now(UTC))
    for seed in range(10):
        assert seeds.play(seed, keys) == seeds.play(seed, partner=False)


def test_a_seed_is_the_same_run_every_time() -> None:
    for seed in (1, 8, 21):
        first, again = seeds.play(seed), seeds.play(seed)
        assert first == again
        assert first.story


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Bug) -> None:
    with planted(bug):
        if bug.verb is not None:
            with pytest.raises(AssertionError):
                all(crashpoints.singles(next(verb for verb in VERBS if verb.name == bug.verb)))
            return
        order = [LOOK_FIRST_AT.get(bug.name, 0), *range(SEEDS_TO_DETECTION_MAX)]
        broken = (seed for seed in order if seeds.play(seed).broken is not None)
        assert next(broken, None) is not None, "nobody saw it"


def test_what_is_pulled_out_is_gone() -> None:
    for bug in BUGS:
        with planted(bug):
            pass
    assert seeds.play(2).broken is None
    crashpoints.play(VERBS[0])


def test_cancelled_commits_stay_flat_on_one_merchant() -> None:
    assert [share for _, share in conflicts.curve()] == [0.0] * len(conflicts.RATES)


def test_a_planted_shared_item_bends_the_curve() -> None:
    with conflicts.shared_item_planted():
        shares = [share for _, share in conflicts.curve()]
    assert shares == sorted(shares)
    assert shares[-1] > 0.5
