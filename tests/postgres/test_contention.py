"""Many threads at once: sums are conserved, nothing is overdrawn, nobody waits in a ring.

What keeps it so is planted out, and then the same tests go red.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from chalicelib.storage.conditions import ITEM_ABSENT, Add, AtLeast, Missing, Set
from chalicelib.storage.postgres import statements, table
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import (
    Action,
    Check,
    Delete,
    Put,
    ReasonCode,
    TransactionCancelledError,
    Update,
)
from chalicelib.storage.values import Key, whole

THREADS = 64
WALLET = Key("main", "wallet", "head")
OTHER = Key("main", "other", "head")


@pytest.fixture
def busy(postgres_url: str) -> Iterator[PostgresTable]:
    opened = PostgresTable(postgres_url, connect=20, read=20, connections_max=24)
    yield opened
    opened.close()


def at_once(threads: int, work: Callable[[int], object]) -> Counter[str]:
    """Begin all at one moment; count how they ended."""
    gate = threading.Barrier(threads)

    def run(number: int) -> str:
        gate.wait()
        try:
            work(number)
        except TransactionCancelledError as cancelled:
            codes = {reason.code for reason in cancelled.reasons} - {ReasonCode.NONE}
            return ", ".join(sorted(codes))
        return "done"

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(run, range(threads)))


def free(table: PostgresTable, key: Key = WALLET) -> int:
    item = table.get(key)
    assert item is not None
    return whole(item["free"])


def spend(busy: PostgresTable, again: int = 0) -> Counter[str]:
    """Let 64 threads take 10 of 200, each with an entry of its own."""
    busy.write_batch([Put(WALLET, {"free": 200})], [])
    return at_once(
        THREADS,
        lambda number: busy.transact(
            [
                Update(WALLET, (Add("free", -10),), AtLeast("free", 10)),
                Put(Key("main", f"entry/{again}/{number}", "entry"), {"n": 1}, ITEM_ABSENT),
            ],
            f"token-{again}-{number}",
        ),
    )


def test_a_hot_item_is_spent_to_the_last_fen_and_no_further(busy: PostgresTable) -> None:
    assert spend(busy) == {"done": 20, "condition": 44}
    assert free(busy) == 0
    entries = [Key("main", f"entry/0/{number}", "entry") for number in range(THREADS)]
    assert len(busy.get_many(entries)) == 20


def test_planted_without_the_lock_the_wallet_is_overdrawn(
    busy: PostgresTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    locking = "DO UPDATE SET body = i.body WHERE false"
    assert locking in statements.TAKE
    monkeypatch.setattr(statements, "TAKE", statements.TAKE.replace(locking, "DO NOTHING"))
    for again in range(20):
        spend(busy, again)
        if free(busy) < 0:
            return
    pytest.fail("nobody could tell that the lock is gone")


PURSES = [Key("main", f"purse/{number}", "head") for number in range(3)]


def cross(busy: PostgresTable, url: str) -> Counter[str]:
    """Let two commits name three items from both ends, and meet in the middle at one moment."""
    busy.write_batch([Put(key, {"free": 9}) for key in PURSES], [])

    def move(number: int) -> None:
        named = PURSES[::-1] if number else PURSES
        busy.transact([Update(key, (Add("free", 1),)) for key in named], f"{number}")

    with psycopg.connect(url) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT 1 FROM shoukuan.items WHERE pk = 'purse/1' FOR UPDATE")
        both = pool.submit(at_once, 2, move)
        _wait_for_waiting(url, sessions=2)
        holder.commit()
        return both.result()


def _wait_for_waiting(url: str, *, sessions: int) -> None:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as watch:
        deadline = time.monotonic() + 10
        while watch.execute(asked).fetchone() != (sessions,):
            assert time.monotonic() < deadline, "nobody waits"


def test_crossing_commits_never_wait_in_a_ring(busy: PostgresTable, postgres_url: str) -> None:
    assert cross(busy, postgres_url) == {"done": 2}
    assert [free(busy, key) for key in PURSES] == [11, 11, 11]


def test_planted_without_the_order_they_do(
    busy: PostgresTable, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_named(actions: Sequence[Action]) -> list[Action]:
        return list(actions)

    monkeypatch.setattr(table, "in_order", as_named)
    assert cross(busy, postgres_url)["conflict"] > 0
    assert len({free(busy, key) for key in PURSES}) == 1  # and even so none is done by half


def test_of_two_that_each_need_the_others_absence_one_passes(busy: PostgresTable) -> None:
    """What is not there can be held as well: no two commits look past each other."""
    for again in range(20):
        left, right = (Key("main", f"{side}/{again}", "head") for side in ("left", "right"))

        def put(number: int, one: Key = left, other: Key = right, again: int = again) -> None:
            mine, yours = (one, other) if number else (other, one)
            busy.transact(
                [Put(mine, {}, ITEM_ABSENT), Check(yours, ITEM_ABSENT)], f"{again}-{number}"
            )

        assert at_once(2, put) == {"done": 1, "condition": 1}
        assert len(busy.get_many([left, right])) == 1


def test_one_of_many_that_make_the_same_item_makes_it(busy: PostgresTable) -> None:
    made = at_once(
        THREADS, lambda number: busy.transact([Put(OTHER, {"n": number}, ITEM_ABSENT)], str(number))
    )
    assert made == {"done": 1, "condition": THREADS - 1}


def test_items_that_come_and_go_are_never_seen_by_half(busy: PostgresTable) -> None:
    """Two items are made and taken away together; whoever reads both sees both or none."""
    seen: set[int] = set()

    def act(number: int) -> None:
        for again in range(30):
            token = f"{number}-{again}"
            if number % 4 == 0:
                busy.transact([Put(WALLET, {"by": token}), Put(OTHER, {"by": token})], token)
            elif number % 4 == 1:
                busy.transact([Delete(OTHER), Delete(WALLET)], token)
            elif number % 4 == 2:
                busy.transact(
                    [Update(key, (Set("by", token), Add("n", 1))) for key in (OTHER, WALLET)], token
                )
            else:
                found = busy.get_many([WALLET, OTHER])
                seen.add(len(found))
                assert len({item["by"] for item in found.values()}) <= 1

    assert at_once(16, act) == {"done": 16}
    assert seen <= {0, 2}


def test_one_token_at_many_doors_is_done_once(busy: PostgresTable) -> None:
    """An attempt whose answer was lost may still be under way when its repeat comes."""
    ended = at_once(16, lambda _: busy.transact([Update(WALLET, (Add("free", 7),))], "token"))
    assert set(ended) <= {"done", "conflict"}
    assert free(busy) == 7


def test_a_token_belongs_to_one_request(busy: PostgresTable) -> None:
    busy.transact([Put(WALLET, {"free": 1})], "token")
    with pytest.raises(AssertionError, match="one request"):
        busy.transact([Put(WALLET, {"free": 2})], "token")


def test_a_refused_commit_leaves_its_token_free(busy: PostgresTable) -> None:
    """As in DynamoDB: only what was done is remembered."""
    needs = [Update(WALLET, (Set("seen", True),), Missing("seen"))]
    busy.transact([Put(WALLET, {"seen": False})], "token-0")
    with pytest.raises(TransactionCancelledError):
        busy.transact(needs, "token")
    busy.transact([Delete(WALLET)], "token-1")
    busy.transact(needs, "token")
    assert busy.get(WALLET) == {"seen": True}
