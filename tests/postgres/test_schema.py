"""The schema is made once, whoever comes first; tokens are kept as long as they must be."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg
import pytest

from chalicelib.kernel.clock import instant_text
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.storage import keys
from chalicelib.storage.counters import Counters
from chalicelib.storage.postgres import schema
from chalicelib.storage.postgres import table as postgres_table
from chalicelib.storage.postgres.schema import SchemaError, create_schema, schema_version
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import Put
from chalicelib.storage.values import Key
from local.postgres import Postgres

_numbers = count(1)


@pytest.fixture
def empty_url(postgres: Postgres) -> str:
    return postgres.create_database(f"empty-{next(_numbers)}")


def asked(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("again", range(8))  # they collide in different places
def test_many_at_once_make_it_once(empty_url: str, again: int) -> None:
    assert schema_version(empty_url) == 0
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: create_schema(empty_url), range(8)))
    assert schema_version(empty_url) == schema.VERSION
    steps = asked(empty_url, "SELECT version FROM shoukuan.steps ORDER BY version")
    assert steps == [(number,) for number in range(1, schema.VERSION + 1)]


def test_a_database_of_an_earlier_version_takes_only_what_it_lacks(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_schema(empty_url)
    table = PostgresTable(empty_url, connect=5, read=5)
    table.transact([Put(Key("main", "a", "b"), {"n": 1})], "token")
    later = (*schema.STEPS, ("ALTER TABLE shoukuan.items ADD COLUMN planted int",))
    monkeypatch.setattr(schema, "STEPS", later)
    create_schema(empty_url)
    assert schema_version(empty_url) == len(later)
    assert table.get(Key("main", "a", "b")) == {"n": 1}
    table.close()


def test_a_step_that_fails_is_not_taken_by_half(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_schema(empty_url)
    broken = ("CREATE TABLE shoukuan.planted (n int)", "SELECT 1 / 0")
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, broken))
    with pytest.raises(psycopg.errors.DivisionByZero):
        create_schema(empty_url)
    assert schema_version(empty_url) == schema.VERSION
    assert asked(empty_url, "SELECT to_regclass('shoukuan.planted')") == [(None,)]


def test_another_encoding_is_refused(postgres: Postgres) -> None:
    name = f"latin-{next(_numbers)}"
    asked(postgres.url(), f"CREATE DATABASE \"{name}\" ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(SchemaError, match="UTF8"):
        create_schema(postgres.url(name))


@pytest.fixture
def sweeping(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresTable]:
    monkeypatch.setattr(postgres_table, "SWEEP_EVERY", 1)
    table = PostgresTable(postgres_url, connect=5, read=5)
    yield table
    table.close()


def test_old_tokens_are_forgotten_slice_by_slice_and_young_ones_kept(
    sweeping: PostgresTable, postgres_url: str
) -> None:
    asked(
        postgres_url,
        "INSERT INTO shoukuan.commits (token, digest, attempt, born, at)"
        " SELECT md5(n::text), '', '', '{}', now() - CASE WHEN n % 2 = 0 THEN interval '21 minutes'"
        " ELSE interval '19 minutes' END FROM generate_series(1, 4000) AS n",
    )
    for number in range(600):
        sweeping.transact([Put(Key("main", "a", "b"), {})], f"x{number}")
    left = asked(
        postgres_url,
        "SELECT count(*) FILTER (WHERE at < now() - interval '20 minutes'),"
        " count(*) FILTER (WHERE at BETWEEN now() - interval '20 minutes' AND now() - interval"
        " '10 minutes') FROM shoukuan.commits",
    )
    ((old, young),) = left
    assert isinstance(old, int)
    assert old < 400  # every slice was drawn about twice
    assert young == 2000


def test_calls_find_their_rows_by_key(postgres_url: str) -> None:
    """A plan that walks the table would be right and of no use: each statement is explained."""
    table = PostgresTable(postgres_url, connect=5, read=20)
    table.write_batch([Put(Key("main", "list", f"{n:02d}"), {}) for n in range(25)], [])
    asked(
        postgres_url,
        "INSERT INTO shoukuan.items SELECT 'main', md5(n::text), 'head', '{}'"
        " FROM generate_series(1, 20000) AS n",
    )
    asked(postgres_url, "ANALYZE shoukuan.items")
    before = _walks(postgres_url)
    keys = [Key("main", "list", f"{n:02d}") for n in range(25)]
    for again in range(8):  # also when plans are kept
        table.get_many(keys)
        table.query("main", "list", after="03", limit=5)
        table.transact([Put(key, {"n": again}) for key in keys], f"token-{again}")
        table.write_batch([Put(key, {"m": again}) for key in keys], [Key("main", "no", "such")])
    table.close()  # who ends tells what was counted
    assert _walks(postgres_url) == before
    asked(postgres_url, "SELECT count(*) FROM shoukuan.items WHERE body IS NULL")
    assert _walks(postgres_url) > before, "a walk would be seen"


def _walks(url: str) -> int:
    time.sleep(0.2)
    ((count,),) = asked(url, "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'items'")
    assert isinstance(count, int)
    return count


def test_counts_that_are_over_are_forgotten_and_nothing_else(sweeping: PostgresTable) -> None:
    began = datetime.now(UTC)
    counters = Counters(sweeping, os.urandom)
    assert counters.add("sign_in", "somebody", began - timedelta(hours=2), 1, most=5)
    assert counters.add("sign_in", "somebody", began, 1, most=5)
    sweeping.transact([Put(Key("main", "limit", "x"), {"ttl": 1})], "a")
    sweeping.transact([Put(Key("main", "limitless", "x"), {"ttl": 1})], "b")
    ((kept, _),) = sweeping.query(
        "main", keys.counter("sign_in", fingerprint("somebody"), "").pk
    ).rows
    assert kept.sk == instant_text(began)
    assert sweeping.get(Key("main", "limit", "x")) == {"ttl": 1}
    assert sweeping.get(Key("main", "limitless", "x")) == {"ttl": 1}
