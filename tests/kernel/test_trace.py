"""The correlation id: what is believed to be one, and where it is carried."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel import trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("traceparent", "found"),
    [
        (f"00-{TRACE}-{SPAN}-01", TRACE),
        (f"00-{TRACE}-{SPAN}-ff", TRACE),  # flags we don't know
        (f"cc-{TRACE}-{SPAN}-01", TRACE),  # a later version
        (f"cc-{TRACE}-{SPAN}-01-more", TRACE),
        (f"00-{TRACE}-{SPAN}-01-more", ""),  # version 00 ends there
        (f"cc-{TRACE}-{SPAN}-01more", ""),
        (f"ff-{TRACE}-{SPAN}-01", ""),  # no version
        (f"00-{TRACE.upper()}-{SPAN}-01", ""),
        (f"00-{'0' * 32}-{SPAN}-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE[1:]}-{SPAN}-01", ""),
        (f"00-{TRACE}0-{SPAN}-01", ""),
        (f"00-{TRACE}-{SPAN}-1", ""),
        (f"00-{TRACE}-{SPAN}", ""),
        (f" 00-{TRACE}-{SPAN}-01", ""),
        (f"00-{TRACE}-{SPAN}-01\n", ""),
        (f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01", ""),  # sent twice
        (f"00-{'g' * 32}-{SPAN}-01", ""),
        (f"00-{'４' * 32}-{SPAN}-01", ""),  # digits, and not ASCII's
        ("o-somebodys-openid", ""),
        (TRACE, ""),
        ("", ""),
    ],
)
def test_only_what_w3c_spells_is_believed(traceparent: str, found: str) -> None:
    assert trace.of_parent(traceparent) == found


@given(st.text() | st.from_regex(r"[0-9a-f]{2}-[0-9a-z]{32}-[0-9a-f]{16}-[0-9a-f]{2}.?"))
def test_whatever_is_sent_nothing_but_hex_gets_in(traceparent: str) -> None:
    found = trace.of_parent(traceparent)
    assert found == "" or (len(found) == 32 and set(found) <= set("0123456789abcdef"))


@pytest.mark.parametrize(
    "value", [None, 5, "", "x" * 32, TRACE.upper(), f"{TRACE}\n", [TRACE], "0" * 32]
)
def test_a_message_that_carries_none_carries_none(value: object) -> None:
    assert trace.read(value) == ""
    assert trace.read(TRACE) == TRACE


def test_a_uuid_keeps_its_digits_and_any_other_name_gets_some() -> None:
    assert trace.named("4bf92f35-77b3-4da6-a3ce-929d0e0e4736") == TRACE
    other = trace.named("request-1")
    assert trace.read(other) == other == trace.named("request-1")
    assert trace.read(trace.named("")) != ""


@given(st.binary(min_size=16, max_size=16).filter(any))
def test_what_is_packed_is_read_again(raw: bytes) -> None:
    packed = trace.packed(raw.hex())
    assert len(packed) == 22
    assert trace.unpacked(packed) == raw.hex()


@pytest.mark.parametrize("text", [None, 5, "", "A" * 21, "=" * 22, "A" * 22, "é" * 22, "*" * 22])
def test_a_row_whose_trace_is_none_has_none(text: object) -> None:
    assert trace.unpacked(text) == ""


def test_it_ends_where_it_began_and_a_thread_gets_it_only_by_being_given_it() -> None:
    with ThreadPoolExecutor(4) as threads, trace.within(TRACE):
        with trace.within(inner := trace.minted(os.urandom)):
            assert trace.current() == inner
        assert trace.current() == TRACE
        assert set(threads.map(lambda _: trace.current(), range(8))) == {""}
        carried = [trace.carried(trace.current) for _ in range(8)]
        assert set(threads.map(lambda call: call(), carried)) == {TRACE}
    assert trace.current() == ""
