"""From which figure on it is a warning, and from which it is failing."""

from datetime import timedelta
from typing import Literal

import pytest

from chalicelib.health import rules
from chalicelib.health.model import CheckName, State
from chalicelib.providers.port import Certificate
from tests.fakes.clock import START

OK, WARNING, FAILING = State.OK, State.WARNING, State.FAILING
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("waited", "state"),
    [
        (timedelta(0), OK),
        (29 * SECOND, OK),
        (30 * SECOND, WARNING),
        (299 * SECOND, WARNING),
        (5 * MINUTE, FAILING),
        (-5 * MINUTE, OK),
    ],
)
def test_rows_may_wait_half_a_minute(waited: timedelta, state: State) -> None:
    found = rules.sequencer(START - waited, 3, more=False, now=START)
    assert (found.state, found.figure) == (state, max(0, int(waited.total_seconds())))
    assert found.since == START - waited


@pytest.mark.parametrize(
    ("late", "state"),
    [(-DAY, OK), (19 * MINUTE, OK), (20 * MINUTE, WARNING), (HOUR, FAILING)],
)
def test_a_note_may_be_overdue_for_two_sweeps(late: timedelta, state: State) -> None:
    found = rules.overdue(START - late, now=START)
    assert (found.state, found.since is None) == (state, state is OK)


@pytest.mark.parametrize(
    ("skew", "state", "word"),
    [
        (0 * SECOND, OK, "0 s ahead of"),
        (-59 * SECOND, OK, "59 s ahead of"),
        (60 * SECOND, WARNING, "60 s behind"),
        (-240 * SECOND, FAILING, "240 s ahead of"),
    ],
)
def test_a_clock_may_differ_by_a_minute(skew: timedelta, state: State, word: str) -> None:
    found = rules.clock(START + skew, START)
    assert found.state is state
    assert word in found.says


@pytest.mark.parametrize(
    ("left", "public_key", "state"),
    [
        (None, False, FAILING),
        (None, True, OK),
        (-SECOND, False, FAILING),
        (-SECOND, True, OK),
        (6 * DAY, False, FAILING),
        (7 * DAY, False, WARNING),
        (29 * DAY, False, WARNING),
        (30 * DAY, False, OK),
        (6 * DAY, True, OK),
    ],
)
def test_certificates_matter_where_there_is_no_public_key(
    left: timedelta | None, public_key: Literal[True, False], state: State
) -> None:
    held = [] if left is None else [Certificate("AB12", "pem", START + left)]
    assert rules.certificates(held, public_key=public_key, now=START).state is state


def test_a_report_stands_as_its_worst_check_does() -> None:
    assert rules.worst([]) is OK
    assert rules.worst([OK, WARNING, OK]) is WARNING
    assert rules.worst([FAILING, WARNING]) is FAILING


def test_every_check_says_what_to_do() -> None:
    assert set(rules.ADVICE) == set(CheckName)
    for advice, _ in rules.ADVICE.values():
        assert advice.endswith(".")
        assert len(advice) <= 100, advice
