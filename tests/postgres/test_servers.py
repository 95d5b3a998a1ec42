"""What a server does to its clients: it leaves, freezes, is full, is killed and recovers."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import psycopg
import pytest

from chalicelib.storage.conditions import ITEM_ABSENT, Add
from chalicelib.storage.postgres.schema import create_schema
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import (
    Action,
    Put,
    ReasonCode,
    StoreSilentError,
    StoreThrottledError,
    TransactionCancelledError,
    Update,
)
from chalicelib.storage.values import Key, whole
from local.postgres import Postgres
from tests.conftest import need_postgres

ITEM = Key("main", "item", "head")


def admin(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


def test_connections_that_the_server_has_left_are_replaced_before_anyone_notices(
    postgres_table: PostgresTable, postgres_url: str
) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: postgres_table.get(ITEM), range(8)))
    everyone = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    )
    admin(postgres_url, everyone + " AND datname = current_database()")
    time.sleep(0.1)  # the server's goodbye comes by itself
    for number in range(8):
        postgres_table.transact([Put(ITEM, {"n": number})], f"token-{number}")
    assert postgres_table.get(ITEM) == {"n": 7}


def test_a_key_that_another_holds_for_long_is_a_conflict_and_soon(
    postgres_table: PostgresTable, postgres_url: str
) -> None:
    postgres_table.transact([Put(ITEM, {"n": 1})], "token-0")
    with psycopg.connect(postgres_url) as holder:
        holder.execute("SELECT 1 FROM shoukuan.items FOR UPDATE")
        began = time.monotonic()
        with pytest.raises(TransactionCancelledError) as cancelled:
            postgres_table.transact([Update(ITEM, (Add("n", 1),))], "token-1")
        assert time.monotonic() - began < 1.5
    assert [reason.code for reason in cancelled.value.reasons] == [ReasonCode.CONFLICT]
    postgres_table.transact([Update(ITEM, (Add("n", 1),))], "token-1")
    assert postgres_table.get(ITEM) == {"n": 2}


def test_where_all_connections_are_taken_nothing_happens_and_soon(postgres_url: str) -> None:
    table = PostgresTable(postgres_url, connect=0.3, read=5, connections_max=1)
    table.transact([Put(ITEM, {"n": 1})], "token-0")
    with psycopg.connect(postgres_url) as holder:
        holder.execute("SELECT 1 FROM shoukuan.items FOR UPDATE")
        first = threading.Thread(target=_conflicts, args=(table,))
        first.start()
        time.sleep(0.1)
        with pytest.raises(StoreThrottledError):
            table.get(ITEM)
        first.join()
    assert table.get(ITEM) == {"n": 1}
    table.close()


def _conflicts(table: PostgresTable) -> None:
    with pytest.raises(TransactionCancelledError):
        table.transact([Update(ITEM, (Add("n", 1),))], "token-1")


@pytest.mark.parametrize(
    "setting",
    ["default_transaction_read_only=on", "statement_timeout=1"],  # it was the primary; it is slow
)
def test_a_server_that_says_no_has_done_nothing(
    postgres_url: str, postgres_table: PostgresTable, setting: str
) -> None:
    postgres_table.transact([Put(ITEM, {"n": 1})], "token-0")
    held = psycopg.connect(postgres_url)
    held.execute("SELECT 1 FROM shoukuan.items FOR UPDATE")
    # A pooler's connection, say: what it was told when it was made still holds.
    options = f"?options=-c%20{setting.replace('=', '%3D')}"
    table = PostgresTable(f"{postgres_url}{options}&target_session_attrs=any", connect=5, read=5)
    with pytest.raises(StoreThrottledError):
        table.transact([Update(ITEM, (Add("n", 1),))], "token-1")
    held.close()
    table.close()
    assert postgres_table.get(ITEM) == {"n": 1}


def test_where_nobody_listens_nothing_happened() -> None:
    table = PostgresTable("postgresql://nobody@127.0.0.1:1/nothing", connect=0.3)
    began = time.monotonic()
    with pytest.raises(StoreThrottledError):
        table.transact([Put(ITEM, {})], "token")
    assert time.monotonic() - began < 1
    table.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_opens_connections_of_its_own(postgres_table: PostgresTable) -> None:
    postgres_table.transact([Put(ITEM, {"n": 1})], "token-0")
    child = _forked(lambda: postgres_table.transact([Update(ITEM, (Add("n", 1),))], "token-1"))
    postgres_table.transact([Update(ITEM, (Add("n", 1),))], "token-2")
    assert os.waitpid(child, 0)[1] == 0
    assert postgres_table.get(ITEM) == {"n": 3}


def _forked(work: Callable[[], object]) -> int:
    if child := os.fork():
        return child
    try:
        work()
    except BaseException:  # noqa: BLE001  a child must not run the rest of the tests
        os._exit(1)
    os._exit(0)


@contextmanager
def server(*, durable: bool) -> Iterator[tuple[Postgres, PostgresTable]]:
    need_postgres()
    with Postgres(durable=durable) as running:
        url = running.create_database("house")
        create_schema(url)
        table = PostgresTable(url, connect=0.5, read=0.7)
        yield running, table
        table.close()


def test_a_frozen_server_is_silence_and_soon() -> None:
    with server(durable=False) as (running, table):
        table.transact([Put(ITEM, {"n": 1})], "token-0")
        add = [Update(ITEM, (Add("n", 1),))]
        with running.frozen():
            began = time.monotonic()
            with pytest.raises(StoreSilentError):
                table.transact(add, "token-1")
            assert time.monotonic() - began < 1.5
        # It thaws, and may do what it had been sent; a repeat finds out or waits for it.
        _patiently(lambda: table.transact(add, "token-1"))
        assert table.get(ITEM) == {"n": 2}


@pytest.mark.parametrize(
    "how",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGQUIT, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_what_was_committed_is_there_after_a_server_is_ended(how: signal.Signals) -> None:
    """Threads post under a server that is ended and started again: each entry counts once."""
    with server(durable=True) as (running, table):
        table.transact([Put(ITEM, {"n": 0})], "token")
        posted: list[str] = []
        stop = threading.Event()

        def post(thread: int) -> None:
            number = 0
            while not stop.is_set():
                token = f"{thread}-{number}"
                entry = Put(Key("main", f"entry/{token}", "entry"), {}, ITEM_ABSENT)
                both: list[Action] = [Update(ITEM, (Add("n", 1),)), entry]
                _patiently(partial(table.transact, both, token))
                posted.append(token)
                number += 1

        with ThreadPoolExecutor(6) as threads:
            busy = [threads.submit(post, number) for number in range(6)]
            for _ in range(2):
                time.sleep(0.4)
                running.end(how)
                running.start()
            time.sleep(0.4)
            stop.set()
            for one in busy:
                one.result()
        item = table.get(ITEM)
        assert item is not None
        assert len(posted) == len(set(posted)) > 12
        assert whole(item["n"]) == len(posted)
        keys = [Key("main", f"entry/{token}", "entry") for token in posted]
        assert len(table.get_many(keys)) == len(posted)


def _patiently(work: Callable[[], None]) -> None:
    """Repeat as commits are repeated, until it is done."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return work()
        except (StoreSilentError, StoreThrottledError, TransactionCancelledError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)
