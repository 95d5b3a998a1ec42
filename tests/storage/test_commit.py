"""One verb, one commit."""

from collections import Counter
from datetime import timedelta

import pytest

from chalicelib.kernel.ids import OrderId
from chalicelib.storage import keys, outbox
from chalicelib.storage.commit import CommitRefusedError
from chalicelib.storage.conditions import ITEM_PRESENT, AtLeast, Set
from chalicelib.storage.values import Key, item_size
from tests.fakes.clock import START
from tests.fakes.house import House

HERE = Key("main", "a", "head")


def test_nothing_is_written_when_the_verb_fails_before_its_end(quick_house: House) -> None:
    with pytest.raises(ZeroDivisionError), quick_house.commits() as work:
        work.put(HERE, {}, refusal="here")
        raise ZeroDivisionError
    assert quick_house.table.get(HERE) is None


def test_two_writes_to_one_item_are_our_bug(quick_house: House) -> None:
    with pytest.raises(AssertionError, match="two writes"), quick_house.commits() as work:
        work.put(HERE, {}, refusal="one")
        work.update(HERE, Set("n", 1), when=ITEM_PRESENT, refusal="two")


def test_two_refusals_of_one_name_are_our_bug(quick_house: House) -> None:
    with pytest.raises(AssertionError, match="one name"), quick_house.commits() as work:
        work.put(HERE, {}, refusal="one")
        work.put(Key("main", "b", "head"), {}, refusal="one")


def test_over_a_hundred_actions_are_our_bug(quick_house: House) -> None:
    with pytest.raises(AssertionError, match="100"), quick_house.commits() as work:
        for number in range(101):
            work.put(Key("main", str(number), "head"), {}, refusal=str(number))


def test_over_four_megabytes_are_our_bug(quick_house: House) -> None:
    with pytest.raises(AssertionError, match="4 MB"), quick_house.commits() as work:
        for number in range(11):
            key = Key("main", str(number), "head")
            work.put(key, {"text": "x" * 400_000}, refusal=str(number))


def test_an_outbox_row_over_a_kilobyte_is_our_bug(quick_house: House) -> None:
    with pytest.raises(AssertionError, match="1 KB"), quick_house.commits() as work:
        work.emit("thing.done", "x" * 1000)


def test_one_outbox_row_a_commit(quick_house: House) -> None:
    with pytest.raises(AssertionError, match="one outbox row"), quick_house.commits() as work:
        work.emit("thing.done", "a")
        work.emit("thing.done", "a")


def test_refusals_come_by_name_with_the_items_as_they_were(quick_house: House) -> None:
    with quick_house.commits() as work:
        work.put(HERE, {"free": 1}, refusal="here")
    with pytest.raises(CommitRefusedError) as refused, quick_house.commits() as work:
        work.update(HERE, Set("n", 1), when=AtLeast("free", 2), refusal="short")
        work.check(Key("main", "b", "head"), when=ITEM_PRESENT, refusal="nobody")
    assert refused.value.refusals == {"short": {"free": 1}, "nobody": None}


def test_a_verb_that_writes_nothing_asks_nothing(quick_house: House) -> None:
    with quick_house.commits():
        pass
    assert quick_house.rows() == []


def test_rows_stand_in_the_order_of_time(quick_house: House) -> None:
    for number in range(40):
        with quick_house.commits() as work:
            work.emit("thing.done", str(number))
        quick_house.clock.move(seconds=1)
    assert [row.about for row in quick_house.rows()] == [str(number) for number in range(40)]
    assert outbox.waiting_since(quick_house.rows()[20].key.sk) == START + timedelta(seconds=20)


def test_rows_beside_one_id_lie_in_one_shard_and_others_spread(quick_house: House) -> None:
    for number in range(5):
        with quick_house.commits() as work:
            work.emit("thing.done", str(number), beside="order")
    assert len({row.key.pk for row in quick_house.rows()}) == 1


def test_rows_spread_evenly_over_shards() -> None:
    counts = Counter(outbox.shard_of(OrderId.derive(str(number))) for number in range(3200))
    assert len(counts) == keys.OUTBOX_SHARDS
    assert min(counts.values()) > 100
    assert max(counts.values()) < 300


def test_the_size_of_an_item_counts_names_and_bytes() -> None:
    assert item_size(HERE, {}) == len("pk") + 1 + len("sk") + 4
    assert item_size(HERE, {"word": "茶"}) - item_size(HERE, {}) == 4 + 3


def test_every_key_of_an_order_tells_it_apart() -> None:
    one, other = OrderId.derive("one"), OrderId.derive("other")
    assert keys.order(one) != keys.order(other)
