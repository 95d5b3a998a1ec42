"""The fake, moto and the embedded AWS agree on generated conditions and updates."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from chalicelib.storage.conditions import (
    Add,
    AllOf,
    AnyOf,
    AtLeast,
    AtMost,
    Change,
    Condition,
    Equals,
    Missing,
    Not,
    OneOf,
    Present,
    Remove,
    Set,
)
from chalicelib.storage.dynamo import dynamodb_client
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import Put, Table, TransactionCancelledError, Update
from chalicelib.storage.values import Item, Key
from tests.conftest import dynamo_table
from tests.fakes.table import MemoryTable

QUICK, LONG = 80, 1000
BATCH = 8  # conditions and updates an example

# moto can't compare across types, so each attribute has one; one in four is not there.
NUMBERS, TEXTS, TRUTHS = ("n_a", "n_b"), ("w_a", "w_b"), ("b_a",)
numbers = st.integers(-(10**15), 10**15) | st.integers(-2, 2)
texts = st.text(alphabet="ab茶 ", max_size=3)
items = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(NUMBERS, numbers)
    | dict.fromkeys(TEXTS, texts)
    | {name: st.booleans() for name in TRUTHS},
)
simple: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Equals, st.sampled_from(NUMBERS), numbers),
    st.builds(Equals, st.sampled_from(TEXTS), texts),
    st.builds(Equals, st.sampled_from(TRUTHS), st.booleans()),
    st.builds(AtLeast, st.sampled_from(NUMBERS), numbers),
    st.builds(AtMost, st.sampled_from(NUMBERS), numbers),
    st.builds(OneOf, st.sampled_from(TEXTS), st.lists(texts, min_size=1, max_size=3).map(tuple)),
    st.builds(Present, st.sampled_from(NUMBERS + TEXTS + TRUTHS)),
    st.builds(Missing, st.sampled_from(NUMBERS + TEXTS + TRUTHS)),
)
conditions = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
changes: st.SearchStrategy[tuple[Change, ...]] = st.lists(
    st.one_of(
        st.builds(Set, st.sampled_from(NUMBERS), numbers),
        st.builds(Set, st.sampled_from(TEXTS), texts),
        st.builds(Add, st.sampled_from(NUMBERS), numbers),
        st.builds(Remove, st.sampled_from(NUMBERS + TEXTS)),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda change: change.attribute,
).map(tuple)
steps = st.lists(st.tuples(conditions, changes), min_size=BATCH, max_size=BATCH)

_numbers = itertools.count()


@pytest.fixture(scope="module")
def moto_table() -> Iterator[Table]:
    with mock_aws():
        yield dynamo_table(dynamodb_client())


def answers(
    table: Table, key: Key, item: Item, asked: list[tuple[Condition, tuple[Change, ...]]]
) -> list[object]:
    """Put an item, then change it under each condition; return what happened."""
    number = next(_numbers)
    told: list[object] = []
    table.transact([Put(key, item)], f"put-{number}")
    for step, (condition, change) in enumerate(asked):
        try:
            table.transact([Update(key, change, condition)], f"step-{number}-{step}")
            told.append(table.get(key))
        except TransactionCancelledError as cancelled:
            told.append(("refused", cancelled.reasons[0].old))
    return told


def agree(table: Table, item: Item, asked: list[tuple[Condition, tuple[Change, ...]]]) -> None:
    key = Key("main", "thing", "head")
    assert answers(MemoryTable(), key, item, asked) == answers(table, key, item, asked)


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture
def emulator_table(emulator_client: Any) -> Table:
    return dynamo_table(emulator_client)


@given(items, steps)
@examples(QUICK)
def test_the_fake_agrees_with_moto(moto_table: Table, item: Item, asked: Any) -> None:
    agree(moto_table, item, asked)


@pytest.mark.emulator
@given(items, steps)
@examples(QUICK)
def test_the_fake_agrees_with_the_embedded_aws(
    emulator_table: Table, item: Item, asked: Any
) -> None:
    agree(emulator_table, item, asked)


@pytest.mark.postgres
@given(items, steps)
@examples(QUICK)
def test_the_fake_agrees_with_postgresql(
    postgres_table: PostgresTable, item: Item, asked: Any
) -> None:
    agree(postgres_table, item, asked)


@pytest.mark.slow
@pytest.mark.postgres
@given(items, steps)
@examples(LONG)
def test_the_fake_agrees_with_postgresql_for_long(
    postgres_table: PostgresTable, item: Item, asked: Any
) -> None:
    agree(postgres_table, item, asked)


@pytest.mark.slow
@given(items, steps)
@examples(LONG)
def test_the_fake_agrees_with_moto_for_long(moto_table: Table, item: Item, asked: Any) -> None:
    agree(moto_table, item, asked)


@pytest.mark.slow
@pytest.mark.emulator
@given(items, steps)
@examples(LONG)
def test_the_fake_agrees_with_the_embedded_aws_for_long(
    emulator_table: Table, item: Item, asked: Any
) -> None:
    agree(emulator_table, item, asked)
