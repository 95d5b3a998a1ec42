"""A payment's commit on PostgreSQL and on the embedded AWS, side by side in one run: ratios.

Neither is production speed: an emulator in Python stands for DynamoDB, and PostgreSQL here shares
two cores and a disk of no renown with whoever asks it. What a commit leaves behind is counted too.
"""

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count

import psycopg

from chalicelib.storage import keys
from chalicelib.storage.batches import chunked
from chalicelib.storage.conditions import ITEM_ABSENT, Add, AtLeast, Equals, Set
from chalicelib.storage.dynamo import dynamodb_client
from chalicelib.storage.postgres.schema import create_schema
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import (
    Put,
    StoreThrottledError,
    Table,
    TransactionCancelledError,
    Update,
)
from chalicelib.storage.values import Item, Key
from local.emulator import Emulator
from local.postgres import HOW_TO_INSTALL, Postgres, binaries
from tests.conftest import dynamo_table

_ROUNDS, _COMMITS, _THREADS = 5, 200, 16
_HOT = Key("main", "hot", "head")
_numbers = count()

Work = Callable[[Table, list[str]], None]


def measure() -> None:
    """Print the table; without PostgreSQL, say how to get it."""
    print("\nA payment's commit (two puts, two guarded updates) a second, median of rounds\n")
    if binaries() is None:
        print(f"  {HOW_TO_INSTALL}")
        return
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    with Emulator() as emulator, Postgres(durable=True) as postgres:
        os.environ["AWS_ENDPOINT_URL"] = emulator.url
        emulated = dynamo_table(dynamodb_client(connect=5, read=20))
        url = postgres.create_database("bench")
        create_schema(url)
        stored = PostgresTable(url, connect=5, read=20)
        print(f"  {'':24}{'PostgreSQL':>12}{'emulator':>12}{'ratio':>8}")
        for name, work in (
            ("one after another", _one_after_another),
            (f"{_THREADS} threads", _at_once),
            (f"{_THREADS} threads, one item", _on_one_item),
        ):
            _print_pair(name, work, stored, emulated)
        stored.close()
        _print_traces(url)


def _print_pair(name: str, work: Work, stored: Table, emulated: Table) -> None:
    speeds: dict[str, list[float]] = {"stored": [], "emulated": []}
    for _ in range(_ROUNDS):
        for side, table in (("stored", stored), ("emulated", emulated)):
            numbers = _placed(table)
            began = time.perf_counter()
            work(table, numbers)
            speeds[side].append(len(numbers) / (time.perf_counter() - began))
    here, there = (statistics.median(found) for found in speeds.values())
    print(f"  {name:24}{here:>12.0f}{there:>12.0f}{here / there:>8.1f}")


def _placed(table: Table) -> list[str]:
    """Place the orders that are paid next, and the hot item; nobody counts that."""
    numbers = [f"{next(_numbers):08d}" for _ in range(_COMMITS)]
    puts = [Put(_HOT, {"free": 10**9})]
    for number in numbers:
        puts += [Put(_order(number), _ORDER), Put(_payment(number), _PAYMENT)]
    for some in chunked(puts, 25):
        table.write_batch(some, [])
    return numbers


def _one_after_another(table: Table, numbers: list[str]) -> None:
    for number in numbers:
        _pay(table, number)


def _at_once(table: Table, numbers: list[str]) -> None:
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(lambda number: _pay(table, number), numbers))


def _on_one_item(table: Table, numbers: list[str]) -> None:
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(lambda _: _spend(table), numbers))


def _pay(table: Table, number: str) -> None:
    shard = f"P#{int(number) % keys.OUTBOX_SHARDS:02d}"
    table.transact(
        [
            Put(Key("main", f"captured/{number}", "entry"), {"entry": "e" * 400}, ITEM_ABSENT),
            Update(_payment(number), (Set("state", "captured"),), Equals("amount", 1999)),
            Update(_order(number), (Add("due", -1999), Add("held", 1999)), AtLeast("due", 1999)),
            Put(Key("log", shard, number), {"entry": "e" * 600}, ITEM_ABSENT),
        ],
        os.urandom(16).hex(),
    )


def _order(number: str) -> Key:
    return Key("main", f"ord_{number}", "head")


def _payment(number: str) -> Key:
    return Key("main", f"ord_{number}", "payment")


def _spend(table: Table) -> None:
    """Repeat, as a commit does, while another holds the item."""
    token = os.urandom(16).hex()
    while True:
        with suppress(TransactionCancelledError, StoreThrottledError):
            table.transact([Update(_HOT, (Add("free", -1),), AtLeast("free", 1))], token)
            return


_ORDER: Item = {"state": "unpaid", "due": 1999, "held": 0, "member": "m" * 30, "merchant": "m" * 30}
_PAYMENT: Item = {"state": "pending", "amount": 1999, "currency": "CNY", "provider": "wechatpay"}


def _print_traces(url: str) -> None:
    """Say what stayed: bytes a row, and how many updates touched no index."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(1)")  # statistics are told once a second
        row = connection.execute(
            "SELECT n_tup_upd, n_tup_hot_upd,"
            " pg_table_size('shoukuan.items') / count(*), pg_indexes_size('shoukuan.items')"
            " / count(*), pg_total_relation_size('shoukuan.commits')"
            " / (SELECT count(*) FROM shoukuan.commits)"
            " FROM pg_stat_user_tables AS s, shoukuan.items WHERE s.relid = 'shoukuan.items'"
            "::regclass GROUP BY n_tup_upd, n_tup_hot_upd"
        ).fetchone()
    assert row is not None
    updates, hot, heap, index, token = row
    print(f"\n  updates that touched no index  {100 * hot / updates:.0f} %")
    print(f"  bytes a row                    {heap} and {index} of index")
    print(f"  bytes a token                  {token}, for twenty minutes")


if __name__ == "__main__":
    measure()
