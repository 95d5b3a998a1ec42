"""What PostgreSQL can't hold is spelled otherwise, and nobody above can tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.storage.conditions import Equals
from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.postgres.texts import item_from_json, read, spelled, to_json
from chalicelib.storage.table import Check, Put
from chalicelib.storage.values import Key
from tests.fakes.pgwire import Wire

HERE = Key("main", "thing", "head")
TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("\x00\x01\x02"), max_size=6)
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(TEXTS, TEXTS)
def test_a_spelling_is_read_back_and_keeps_the_order(one: str, other: str) -> None:
    assert read(spelled(one)) == one
    assert "\x00" not in spelled(one)
    assert (spelled(one) < spelled(other)) is (one < other)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_an_item_comes_back_from_its_json(item: dict[str, object]) -> None:
    assert item_from_json(to_json(item)) == item  # type: ignore[arg-type]


def test_half_a_character_is_refused_before_anything_is_sent(wire: Wire) -> None:
    """No door lets one in (`kernel/strict_json.py`), and no text of UTF-8 can hold it."""
    table = PostgresTable(wire.url, connect=5)
    with wire.reading() as reading:
        for half in (Put(HERE, {"text": "\ud800"}), Check(HERE, Equals("text", "\ud800"))):
            with pytest.raises(UnicodeEncodeError):
                table.transact([half], "token")
        with pytest.raises(UnicodeEncodeError):
            table.get(Key("main", "\ud800", "head"))
    assert reading.round_trips == 0
    table.close()


@pytest.mark.parametrize("wrong", [1.5, float("nan"), {1, 2}])
def test_what_has_no_place_in_an_item_is_a_bug(wrong: object) -> None:
    with pytest.raises(AssertionError):
        to_json({"wrong": wrong})  # type: ignore[dict-item]


def test_numbers_may_be_longer_than_dynamodbs(postgres_table: PostgresTable) -> None:
    postgres_table.transact([Put(HERE, {"n": 10**60 + 1})], "token")
    assert postgres_table.get(HERE) == {"n": 10**60 + 1}
