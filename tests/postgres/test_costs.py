"""Round trips are counted on the wire: each verb makes as many as it may on DynamoDB."""

from collections.abc import Callable, Iterator

import pytest

from benchmarks.verbs import BUDGETS, measured
from chalicelib.storage.conditions import ITEM_ABSENT
from chalicelib.storage.postgres import table as postgres_table
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import Check, Delete, Put, TransactionCancelledError
from chalicelib.storage.values import Key
from tests.fakes.house import House
from tests.fakes.pgwire import Wire

HERE = Key("main", "thing", "head")


@pytest.fixture
def metered(wire: Wire) -> Iterator[PostgresTable]:
    """Without prepared statements, each of which costs a round trip once a connection."""
    table = PostgresTable(wire.url, connect=5, read=20, prepared=False)
    yield table
    table.close()


def test_every_verb_makes_as_many_round_trips_as_its_budget_says(
    metered: PostgresTable, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_table, "SWEEP_EVERY", 1 << 40)
    readings = dict(measured(House(metered), wire))
    assert {verb: reading.round_trips for verb, reading in readings.items()} == {
        verb: budget.round_trips for verb, budget in BUDGETS.items()
    }


def test_every_call_is_one_round_trip(metered: PostgresTable, wire: Wire) -> None:
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: metered.get(HERE),
        "get many": lambda: metered.get_many([HERE, Key("log", "a", "b")]),
        "query": lambda: metered.query("main", "thing"),
        "commit": lambda: metered.transact([Put(HERE, {"n": 1}), Check(_at(1), ITEM_ABSENT)], "t"),
        "repeat": lambda: metered.transact([Put(HERE, {"n": 1}), Check(_at(1), ITEM_ABSENT)], "t"),
        "puts": lambda: metered.write_batch([Put(_at(n), {}) for n in range(25)], []),
        "deletes": lambda: metered.write_batch([], [_at(n) for n in range(25)]),
        "both": lambda: metered.write_batch([Put(_at(1), {})], [_at(2)]),
    }
    for name, call in calls.items():
        with wire.reading() as reading:
            call()
        assert reading.round_trips == 1, name


def test_a_refusal_and_what_it_shows_is_one_round_trip(metered: PostgresTable, wire: Wire) -> None:
    metered.transact([Put(HERE, {"n": 1})], "token")
    with wire.reading() as reading, pytest.raises(TransactionCancelledError) as cancelled:
        metered.transact([Put(HERE, {"n": 2}, ITEM_ABSENT), Delete(_at(1))], "token-2")
    assert reading.round_trips == 1
    assert cancelled.value.reasons[0].old == {"n": 1}


def _at(number: int) -> Key:
    return Key("main", "list", f"{number:02d}")
