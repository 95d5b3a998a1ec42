"""Every use case is born in the simulator, and every crash point leaves the books right."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest

import chalicelib
from tests.simulation import crashpoints
from tests.simulation.registered import Registered
from tests.simulation.verbs import VERBS

SOME_PAIRS = 6
"""How many pairs of a verb the tests go through; the simulator's own run goes through all."""

SOME_SINGLES = 16
"""How many single points of a verb whose pairs are too many already; in the simulator's, all."""


def use_cases() -> Iterator[Callable[..., object]]:
    """Find every public method of every class in the rooms' `usecases`."""
    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        if ".usecases" not in module.name:
            continue
        for _, room in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if room.__module__ != module.name or issubclass(room, BaseException):
                continue
            for name, method in inspect.getmembers(room, inspect.isfunction):
                if not name.startswith("_"):
                    yield method


def test_every_use_case_is_in_the_simulator() -> None:
    covered = {method for verb in VERBS for method in verb.covers}
    missing = {method.__qualname__ for method in set(use_cases()) - covered}
    assert missing == set(), "give each a scene in tests/simulation/verbs.py"


def test_a_use_case_that_nobody_registered_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.people.usecases import Merchants  # noqa: PLC0415

    def rename(self: Merchants) -> None:
        raise AssertionError("it is looked for, and never called")

    monkeypatch.setattr(Merchants, "rename", rename, raising=False)
    with pytest.raises(AssertionError, match=r"test_.*rename"):
        test_every_use_case_is_in_the_simulator()


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_crash_point_and_some_pairs_leave_the_books_right(verb: Registered) -> None:
    undisturbed = crashpoints.play(verb)
    some = SOME_SINGLES if verb.pairs else None
    alone = list(crashpoints.singles(verb, some=some))
    assert some or len(alone) >= 4 * len(undisturbed.calls)
    for _, outcome in alone:
        crashpoints.same_end(verb, undisturbed, outcome)
    for *_, outcome in crashpoints.pairs(verb, alone, some=SOME_PAIRS):
        crashpoints.same_end(verb, undisturbed, outcome)
