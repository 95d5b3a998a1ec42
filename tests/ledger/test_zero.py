"""Since when an account is other than zero, and on which business day that was."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from chalicelib.ledger.balances import Balances
from chalicelib.ledger.days import ClosedDays, day_began
from chalicelib.storage import keys
from chalicelib.storage.table import Put
from tests.fakes.table import MemoryTable

ACCOUNT = "platform:suspense"

Lines = Sequence[tuple[int, int, int]]


def history(*batches: Lines) -> MemoryTable:
    """Leave the lines of history that these batches would have left."""
    table = MemoryTable()
    debits = credited = 0
    for lines in batches:
        debits += sum(debit for _, debit, _ in lines)
        credited += sum(credit for _, _, credit in lines)
        at = keys.balance_at(ACCOUNT, "CNY", lines[-1][0])
        spelled = [list(line) for line in lines]
        table.write_batch([Put(at, {"debits": debits, "credits": credited, "lines": spelled})], [])
    return table


@pytest.mark.parametrize(
    ("batches", "since"),
    [
        ([[(3, 0, 5)]], 3),
        ([[(3, 0, 5)], [(7, 0, 2)]], 3),
        ([[(3, 0, 5)], [(7, 5, 0)], [(9, 0, 2)]], 9),
        ([[(3, 0, 5), (4, 5, 0), (6, 0, 7), (8, 1, 0)]], 6),
        ([[(3, 0, 5)], [(4, 5, 0), (6, 0, 7)], [(8, 1, 0)]], 6),
        ([[(3, 0, 5)], [(4, 2, 0)], [(6, 2, 0)]], 3),
    ],
)
def test_an_account_is_not_zero_since_it_last_was(batches: Sequence[Lines], since: int) -> None:
    assert Balances(history(*batches)).not_zero_since(ACCOUNT, "CNY") == since


@pytest.mark.parametrize(
    ("position", "day"),
    [(1, "2026-11-22"), (10, "2026-11-22"), (11, "2026-11-24"), (20, "2026-11-24"), (21, None)],
)
def test_a_position_belongs_to_the_day_that_closed_at_it_or_after_it(
    position: int, day: str | None
) -> None:
    table = MemoryTable()
    closed = {"2026-11-22": 10, "2026-11-23": 10, "2026-11-24": 20}
    puts = [Put(keys.day_closed(name), {"position": at}) for name, at in closed.items()]
    table.write_batch(puts, [])
    assert ClosedDays(table).day_of(position) == day


def test_a_day_begins_at_midnight_in_china() -> None:
    assert day_began("2026-11-25") == datetime(2026, 11, 24, 16, tzinfo=UTC)
