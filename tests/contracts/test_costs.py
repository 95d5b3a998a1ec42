"""What each verb costs at the client, and that no two payments' notifications share a key."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from benchmarks.meter import Meter
from benchmarks.verbs import BUDGETS, measured
from chalicelib.edge.limits import PAYMENT, Limiter
from chalicelib.edge.problems import TooManyRequestsError
from chalicelib.kernel import trace
from chalicelib.storage import commit, keys
from chalicelib.storage.conditions import ITEM_PRESENT, Set
from chalicelib.storage.counters import Counters
from chalicelib.storage.values import Key
from tests.conftest import dynamo_table
from tests.fakes.house import House, counted_randomness

pytestmark = pytest.mark.emulator

Commits = Sequence[Sequence[tuple[str, str, str]]]


@pytest.fixture
def metered(emulator_client: Any) -> tuple[House, Meter]:
    house = House(dynamo_table(emulator_client))
    return house, Meter(emulator_client)


@pytest.mark.parametrize("traced", ["", "f" * 32], ids=["plain", "traced"])
def test_every_verb_costs_what_its_budget_says(metered: tuple[House, Meter], traced: str) -> None:
    with trace.within(traced):
        readings = dict(measured(*metered))
    assert set(readings) == set(BUDGETS)
    costs = {verb: (reading.round_trips, reading.write_units) for verb, reading in readings.items()}
    assert costs == {
        verb: (budget.round_trips, budget.write_units) for verb, budget in BUDGETS.items()
    }


def test_a_notification_reads_nothing(metered: tuple[House, Meter]) -> None:
    reading = dict(measured(*metered))["payment notified"]
    assert reading.calls == ["TransactWriteItems"]
    assert [len(commit) for commit in reading.commits] == [4]


def notified(house: House, meter: Meter, payments: int) -> Commits:
    """Notify payments of different orders of one merchant and shopper; return their commits."""
    commits: list[Sequence[tuple[str, str, str]]] = []
    merchant_id = house.merchant()
    for _ in range(payments):
        order = house.order_of(merchant_id)
        collected = house.provider.pay(house.payment(order).id)
        with meter.reading() as reading:
            house.capture.capture(collected)
        commits += reading.commits
    return commits


def shared(commits: Commits) -> dict[tuple[str, str, str], int]:
    """Return the keys that stand in more than one commit."""
    counted = Counter(key for commit in commits for key in commit)
    return {key: times for key, times in counted.items() if times > 1}


def test_no_key_is_shared_by_two_payments_notifications(metered: tuple[House, Meter]) -> None:
    commits = notified(*metered, payments=40)
    assert len(commits) == 40
    assert shared(commits) == {}


def test_no_partition_is_shared_but_the_outboxs_sixteen(metered: tuple[House, Meter]) -> None:
    partitions = Counter(
        (table, pk)
        for commit in notified(*metered, payments=40)
        for table, pk in {(table, pk) for table, pk, _ in commit}
    )
    crowded = {pk for (_, pk), times in partitions.items() if times > 1}
    assert crowded <= {keys.outbox_shard(shard) for shard in range(keys.OUTBOX_SHARDS)}


def test_a_callers_count_costs_nothing_while_it_is_calm_and_one_write_after(
    metered: tuple[House, Meter],
) -> None:
    house, meter = metered
    limiter = Limiter(Counters(house.table, counted_randomness()), house.clock)
    costs = []
    for _ in range(PAYMENT.per_minute + 2):
        with meter.reading() as reading, suppress(TooManyRequestsError):
            limiter.admit(PAYMENT, "somebody")
        costs.append((reading.round_trips, reading.write_units))
    calm = PAYMENT.calm or 0
    assert costs[:calm] == [(0, 0)] * calm
    assert set(costs[calm : PAYMENT.per_minute]) == {(1, 2)}
    assert costs[PAYMENT.per_minute :] == [(0, 0)] * 2


def test_there_is_no_index_whose_partition_could_be_shared(emulator_client: Any) -> None:
    dynamo_table(emulator_client)
    for name in emulator_client.list_tables()["TableNames"]:
        described = emulator_client.describe_table(TableName=name)["Table"]
        assert not described.get("GlobalSecondaryIndexes")
        assert not described.get("LocalSecondaryIndexes")


def test_a_planted_shared_item_is_seen(
    metered: tuple[House, Meter], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, meter = metered
    shared_key = Key("main", "merchant-total", "head")
    with house.commits() as work:
        work.put(shared_key, {"n": 0}, refusal="planted")
    emit = commit.Work.emit

    def emit_and_touch(self: commit.Work, kind: str, *args: Any, **facts: Any) -> None:
        emit(self, kind, *args, **facts)
        if kind == "payment.captured":
            self.update(shared_key, Set("n", 1), when=ITEM_PRESENT, refusal="planted")

    monkeypatch.setattr(commit.Work, "emit", emit_and_touch)
    found = shared(notified(house, meter, payments=3))
    assert [pk for _, pk, _ in found] == ["merchant-total"]
