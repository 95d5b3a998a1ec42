"""The wire is cut before and after each statement of a commit: all or nothing, and never twice."""

from collections.abc import Iterator

import pytest

from chalicelib.storage.conditions import ITEM_ABSENT, Add, AtLeast, Equals
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import (
    Action,
    Check,
    Delete,
    Put,
    StoreSilentError,
    TransactionCancelledError,
    Update,
)
from chalicelib.storage.values import Item, Key
from tests.fakes.pgwire import Cut, Wire

WALLET = Key("main", "wallet", "head")
ENTRY = Key("main", "captured", "entry")
NOTE = Key("log", "due", "note")
RULE = Key("main", "rule", "head")
STATEMENTS = 5  # BEGIN, the patience, take, decide, COMMIT
COMMIT = STATEMENTS
PAY: list[Action] = [
    Put(ENTRY, {"amount": 30}, ITEM_ABSENT),
    Update(WALLET, (Add("free", -30),), AtLeast("free", 30)),
    Delete(NOTE),
    Check(RULE, Equals("open", True)),
]
CUTS = [Cut(number, after) for number in range(1, STATEMENTS + 1) for after in (False, True)]


@pytest.fixture
def through(wire: Wire) -> Iterator[PostgresTable]:
    table = PostgresTable(wire.url, connect=5, read=20)
    yield table
    table.close()


@pytest.fixture
def stood(postgres_table: PostgresTable) -> PostgresTable:
    items: dict[Key, Item] = {WALLET: {"free": 50}, NOTE: {}, RULE: {"open": True}}
    postgres_table.transact([Put(key, item) for key, item in items.items()], "token-0")
    return postgres_table


def state(table: PostgresTable) -> tuple[object, bool, bool]:
    found = table.get_many([WALLET, ENTRY, NOTE])
    return found[WALLET]["free"], ENTRY in found, NOTE in found


BEFORE, DONE = (50, False, True), (20, True, False)


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_a_commit_that_is_cut_is_whole_or_nothing_and_its_repeat_is_no_second(
    stood: PostgresTable, through: PostgresTable, wire: Wire, cut: Cut
) -> None:
    wire.cut = cut
    with pytest.raises(StoreSilentError):
        through.transact(PAY, "token-1")
    done = cut == Cut(COMMIT, after=True)
    assert wire.cut is None
    assert state(stood) == (DONE if done else BEFORE)
    through.transact(PAY, "token-1")
    assert state(stood) == DONE
    through.transact(PAY, "token-1")
    assert state(stood) == DONE


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_a_refused_commit_that_is_cut_leaves_nothing_and_is_refused_again(
    stood: PostgresTable, through: PostgresTable, wire: Wire, cut: Cut
) -> None:
    dear = [*PAY[:1], Update(WALLET, (Add("free", -80),), AtLeast("free", 80)), *PAY[2:]]
    wire.cut = cut
    with pytest.raises(StoreSilentError):
        through.transact(dear, "token-1")
    assert state(stood) == BEFORE
    with pytest.raises(TransactionCancelledError):
        through.transact(dear, "token-1")
    assert state(stood) == BEFORE


@pytest.mark.parametrize("number", range(1, 9))
def test_a_batch_that_is_cut_can_be_repeated(
    stood: PostgresTable, through: PostgresTable, wire: Wire, number: int
) -> None:
    """BEGIN, the patience, puts, COMMIT; and the same for what is taken away."""
    wire.cut = Cut(number, after=True)
    with pytest.raises(StoreSilentError):
        through.write_batch([Put(ENTRY, {"amount": 30})], [NOTE])
    through.write_batch([Put(ENTRY, {"amount": 30})], [NOTE])
    assert state(stood) == (50, True, False)


def test_a_read_that_is_cut_is_silence_and_the_next_one_answers(
    stood: PostgresTable, through: PostgresTable, wire: Wire
) -> None:
    wire.cut = Cut(1, after=True)
    with pytest.raises(StoreSilentError):
        through.get(WALLET)
    assert through.get(WALLET) == {"free": 50}


def test_without_a_token_a_repeat_would_be_a_second(
    stood: PostgresTable, through: PostgresTable, wire: Wire
) -> None:
    """What the tokens are for, seen red: the same wish under another token is done again."""
    wire.cut = Cut(COMMIT, after=True)
    add = [Update(WALLET, (Add("free", 7),))]
    with pytest.raises(StoreSilentError):
        through.transact(add, "token-1")
    through.transact(add, "token-2")
    assert stood.get(WALLET) == {"free": 64}
