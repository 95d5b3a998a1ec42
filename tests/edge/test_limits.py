"""How often somebody may ask, told by one process and by many, with the store up and down."""

from datetime import datetime

import pytest

from chalicelib.edge.limits import ALL, CALLERS_MAX, Limit, Limiter
from chalicelib.edge.problems import TooManyRequestsError
from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.limits import Limited
from chalicelib.storage.counters import Counters
from chalicelib.storage.table import Table
from tests.edge.calls import listening
from tests.fakes.clock import StoppedClock
from tests.fakes.house import counted_randomness
from tests.fakes.table import MemoryTable

TEN = Limit(Limited.PAYMENT, 10, calm=3)


class Down:
    """A store that gives no answer."""

    def add(self, name: str, whom: str, at: datetime, times: int, *, most: int) -> bool:
        raise TryAgainError("down")


def processes(table: Table, clock: StoppedClock, number: int) -> list[Limiter]:
    randomness = counted_randomness()
    return [Limiter(Counters(table, randomness), clock) for _ in range(number)]


def passed(limiter: Limiter, limit: Limit, times: int, whom: str = "a") -> int:
    done = 0
    for _ in range(times):
        try:
            limiter.admit(limit, whom)
            done += 1
        except TooManyRequestsError:
            pass
    return done


def test_who_behaves_costs_nothing() -> None:
    table = MemoryTable()
    (limiter,) = processes(table, StoppedClock(), 1)
    assert passed(limiter, TEN, 3) == 3
    assert table.committed == []


def test_who_does_not_is_counted_with_what_came_before() -> None:
    table = MemoryTable()
    (limiter,) = processes(table, StoppedClock(), 1)
    assert passed(limiter, TEN, 5) == 5
    (item,) = table.items.values()
    assert item["times"] == 5
    assert len(table.committed) == 2


@pytest.mark.parametrize("times", [10, 11, 500])
def test_no_more_than_allowed_pass_in_a_minute(times: int) -> None:
    table = MemoryTable()
    (limiter,) = processes(table, StoppedClock(), 1)
    assert passed(limiter, TEN, times) == 10
    assert len(table.committed) <= 10 - 3, "once it is full, nobody asks the store any more"


def test_many_processes_count_together(table: Table) -> None:
    """Ten may pass, and what is calm in each process beside it; not ten in each."""
    four = processes(table, StoppedClock(), 4)
    in_turn = [passed(limiter, TEN, 1) for _ in range(40) for limiter in four]
    assert 10 <= sum(in_turn) <= 10 + 3 * 3


def test_where_nothing_is_calm_many_processes_are_as_one(table: Table) -> None:
    exact = Limit(Limited.RUN, 10, calm=0)
    three = processes(table, StoppedClock(), 3)
    assert sum(passed(limiter, exact, 1) for _ in range(20) for limiter in three) == 10


def test_a_minute_later_all_begins_anew() -> None:
    clock = StoppedClock()
    (limiter,) = processes(MemoryTable(), clock, 1)
    assert passed(limiter, TEN, 20) == 10
    clock.move(seconds=42)
    with pytest.raises(TooManyRequestsError) as refused:
        limiter.admit(TEN, "a")
    assert refused.value.facts == {"limit": "payment", "retry_after_seconds": 18}
    clock.move(seconds=18)
    assert passed(limiter, TEN, 20) == 10


def test_everybody_is_counted_alone() -> None:
    table = MemoryTable()
    (limiter,) = processes(table, StoppedClock(), 1)
    assert [passed(limiter, TEN, 20, whom=who) for who in "abc"] == [10, 10, 10]
    assert passed(limiter, Limit(Limited.ORDER, 5), 20, whom="a") == 5
    assert len(table.items) == 3
    assert all(action.key for actions in table.committed for action in actions)


@pytest.mark.parametrize(("closed", "expected"), [(False, 10), (True, 3)])
def test_with_the_store_down_it_is_as_the_limit_says(*, closed: bool, expected: int) -> None:
    """Open: this process counts alone. Closed: nobody passes beyond what is calm."""
    limit = Limit(Limited.PAYMENT, 10, calm=3, closed=closed)
    limiter, done = Limiter(Down(), StoppedClock()), 0
    with listening() as ear:
        for _ in range(30):
            try:
                limiter.admit(limit, "a")
                done += 1
            except (TryAgainError, TooManyRequestsError):
                pass
    assert done == expected
    assert '"LimitUncounted"' in ear.text


def test_what_a_stranger_asks_is_closed_and_what_moves_money_is_open() -> None:
    closed = {limit.name for limit in ALL if limit.closed}
    assert closed == {Limited.SIGN_IN, Limited.EVIDENCE, Limited.RUN}


def test_every_name_has_its_limit() -> None:
    assert [limit.name for limit in ALL] == list(Limited)


def test_a_setting_takes_the_place_of_ours() -> None:
    limiter = Limiter(Down(), StoppedClock(), rates={Limited.PAYMENT: 2})
    assert passed(limiter, TEN, 9) == 2
    assert passed(Limiter(Down(), StoppedClock(), enabled=False), TEN, 99) == 99


def test_a_crowd_is_forgotten_before_it_fills_the_memory() -> None:
    (limiter,) = processes(MemoryTable(), StoppedClock(), 1)
    for number in range(CALLERS_MAX + 50):
        limiter.admit(TEN, f"caller {number}")
    assert len(limiter._seen) == CALLERS_MAX
    assert passed(limiter, TEN, 20, whom=f"caller {CALLERS_MAX}") == 9


def test_the_counts_item_says_when_it_goes(table: Table) -> None:
    clock = StoppedClock()
    (limiter,) = processes(table, clock, 1)
    passed(limiter, Limit(Limited.RUN, 10, calm=0), 1, whom="203.0.113.7")
    if isinstance(table, MemoryTable):
        ((key, item),) = table.items.items()
        assert item["ttl"] == int(clock.at.timestamp()) + 3600
        assert "203" not in key.pk, "addresses are kept as digests"
