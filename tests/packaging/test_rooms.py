"""A function starts with what it uses: the rooms that each entry loads, in a process of its own."""

from importlib import import_module

import pytest

from chalicelib import hearing


def test_to_what_a_room_listens_is_what_it_says() -> None:
    told = {room: set(import_module(f"chalicelib.{room}.model").HEARD) for room in hearing.HEARD_BY}
    assert told == hearing.HEARD_BY


def test_there_is_no_room_of_another_name() -> None:
    with pytest.raises(AssertionError, match="kitchen"):
        hearing.listener("kitchen")
