"""Schedules outside Lambda: any number of tickers, and each turn is one's."""

from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from chalicelib.storage.table import Table
from server.schedules import Schedule
from server.tick import Ticker
from server.turns import LEASE_MAX, Turn, Turns
from server.watch import Watch
from tests.edge.calls import listening
from tests.fakes.clock import START
from tests.fakes.table import MemoryTable

HOUR = timedelta(hours=1)


class Clockwork:
    def __init__(self, table: Table) -> None:
        self.now = START
        self.ran: list[datetime] = []
        self.fails = False
        self.schedule = Schedule("settle", HOUR, self._run)
        self.turns = Turns(table)
        self.ticker = Ticker([self.schedule], self.turns, lambda: self.now, Watch(60))

    def _run(self, _event: Any, _context: Any) -> None:
        self.ran.append(self.now)
        if self.fails:
            raise KeyError("a-secret")

    def at(self, passed: timedelta) -> int:
        """Let a ticker that just started look; return how often it ran."""
        self.now, before = START + passed, len(self.ran)
        self.ticker.once()
        return len(self.ran) - before


def test_what_is_due_is_run_once_a_period_however_often_tickers_start() -> None:
    work = Clockwork(MemoryTable())
    minutes = [0, 1, 30, 59, 60, 61, 119, 125, 184]
    assert [work.at(timedelta(minutes=one)) for one in minutes] == [1, 0, 0, 0, 1, 0, 0, 1, 0]


def test_what_failed_or_was_killed_is_due_again_when_its_lease_ends() -> None:
    work = Clockwork(MemoryTable())
    work.fails = True
    with listening() as ear:
        assert work.at(timedelta()) == 1
    assert "secret" not in ear.text
    work.fails = False
    assert work.at(LEASE_MAX - timedelta(seconds=1)) == 0
    assert work.at(LEASE_MAX) == 1
    assert work.at(LEASE_MAX + HOUR) == 1


def test_a_clock_that_was_turned_back_stops_nothing() -> None:
    work = Clockwork(MemoryTable())
    assert [work.at(one) for one in (90 * 24 * HOUR, timedelta(), HOUR)] == [1, 1, 1]


def test_who_comes_late_to_its_end_leaves_the_next_turn_alone() -> None:
    work = Clockwork(MemoryTable())
    slow = work.turns.take(work.schedule, START)
    assert isinstance(slow, Turn)
    other = work.turns.take(work.schedule, START + LEASE_MAX)
    assert isinstance(other, Turn)
    work.turns.over(work.schedule, slow)
    assert work.turns.take(work.schedule, START + LEASE_MAX) == START + 2 * LEASE_MAX


def test_of_many_tickers_at_once_one_takes_the_turn(
    table: Table, request: pytest.FixtureRequest
) -> None:
    if isinstance(table, MemoryTable) or "moto" in request.node.callspec.id:
        pytest.skip("the fake has one thread, and moto loses updates of many")
    schedule, barrier, taken = Schedule("sweep", HOUR, lambda *_: None), Barrier(4), []

    def take() -> None:
        barrier.wait()
        taken.append(Turns(table).take(schedule, START))

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(one, Turn) for one in taken) == 1


def test_named_schedules_run_due_or_not() -> None:
    work = Clockwork(MemoryTable())
    assert [work.ticker.once(["settle"]), work.ticker.once(["settle"])] == [True, True]
    assert len(work.ran) == 2
    assert work.ticker.once(["another"])
    assert len(work.ran) == 2
