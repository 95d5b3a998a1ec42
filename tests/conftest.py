"""Engines: the same tests on the in-memory fake, on moto, on the embedded AWS and on PostgreSQL."""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from moto import mock_aws

from chalicelib import aws
from chalicelib.storage.dynamo import DynamoTable, dynamodb_client
from chalicelib.storage.keys import LOG, MAIN
from chalicelib.storage.postgres.schema import create_schema
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import Table
from local.emulator import Emulator
from local.postgres import HOW_TO_INSTALL, Postgres, binaries
from tests.fakes.house import House
from tests.fakes.table import MemoryTable

os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

ENGINES = [
    "memory",
    "moto",
    pytest.param("emulator", marks=pytest.mark.emulator),
    pytest.param("postgres", marks=pytest.mark.postgres),
]
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def fresh_aws() -> None:
    """A session with AWS remembers whose it is, and here each test may be somebody else."""
    aws.session.cache_clear()


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One embedded AWS for all tests of this process."""
    with Emulator() as running:
        yield running


@pytest.fixture
def emulator_client(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of the embedded AWS, in an account of its own: an access key of digits is one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"{os.getpid() % 1000:03d}{next(_numbers):09d}")
    return dynamodb_client(connect=5, read=20)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for all tests of this process."""
    need_postgres()
    with Postgres() as running:
        create_schema(running.create_database("house"))
        yield running


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The address of a database that holds nothing but the schema."""
    url = postgres.url("house")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE shoukuan.items, shoukuan.commits")
    return url


@pytest.fixture
def postgres_table(postgres_url: str) -> Iterator[PostgresTable]:
    """An empty table on PostgreSQL."""
    opened = PostgresTable(postgres_url, connect=5, read=20)
    yield opened
    opened.close()


def need_postgres() -> None:
    """Skip where PostgreSQL is not installed; in CI that is a failure."""
    if binaries() is None:
        assert not os.environ.get("CI"), HOW_TO_INSTALL
        pytest.skip(HOW_TO_INSTALL)


@pytest.fixture(params=ENGINES)
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """An empty table on every engine."""
    match request.param:
        case "memory":
            yield MemoryTable()
        case "moto":
            with mock_aws():
                yield dynamo_table(dynamodb_client())
        case "postgres":
            yield request.getfixturevalue("postgres_table")
        case _:
            yield dynamo_table(request.getfixturevalue("emulator_client"))


@pytest.fixture
def house(table: Table) -> House:
    """The house's use cases on every engine."""
    return House(table)


@pytest.fixture
def quick_house() -> House:
    """The house's use cases in memory alone."""
    return House(MemoryTable())


def dynamo_table(client: Any) -> DynamoTable:
    """Create a new pair of tables and return the port to them."""
    number = next(_numbers)
    names = {MAIN: f"main-{os.getpid()}-{number}", LOG: f"log-{os.getpid()}-{number}"}
    for name in names.values():
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
    return DynamoTable(client, names)
