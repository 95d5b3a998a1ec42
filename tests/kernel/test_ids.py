"""Ids that can't be swapped, and that a retry finds again."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chalicelib.kernel.clock import instant_from, instant_text, milliseconds
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import InvalidIdError, OrderId, PaymentId
from tests.fakes.clock import START

GOOD = "pay_01K0000000ABCDEFGHJKMNPQRS"


def test_an_id_fits_a_providers_order_number() -> None:
    minted = PaymentId.mint(at_ms=milliseconds(START), randomness=bytes)
    assert re.fullmatch(r"[0-9A-Za-z_\-|*]{6,32}", minted)
    assert len(minted) == 30
    assert PaymentId.parse(minted) == minted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pay_",
        GOOD[:-1],
        GOOD + "0",
        GOOD.lower(),
        GOOD.replace("pay", "ord"),
        "pay_81K0000000ABCDEFGHJKMNPQRS",  # over 128 bits
        "pay_01K0000000ABCDEFGHJKMNPQRI",  # no Crockford letter
        "pay_01K0000000ABCDEFGHJKMNPQR\n",
        "支付_01K0000000ABCDEFGHJKMNPQRS",
    ],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdError):
        PaymentId.parse(text)


def test_one_kind_of_id_is_never_another() -> None:
    assert TypeAdapter(PaymentId).validate_python(GOOD) == GOOD
    with pytest.raises(ValidationError):
        TypeAdapter(OrderId).validate_python(GOOD)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_a_derived_id_belongs_to_its_parts_alone(one: list[str], other: list[str]) -> None:
    assert (OrderId.derive(*one) == OrderId.derive(*other)) is (one == other)
    assert OrderId.parse(OrderId.derive(*one))


def test_the_order_of_minted_ids_is_the_order_of_time() -> None:
    minted = [PaymentId.mint(at_ms=at, randomness=bytes) for at in (0, 1, 1 << 40, (1 << 48) - 1)]
    assert minted == sorted(minted)


def test_instants_are_spelled_at_fixed_width() -> None:
    assert instant_text(START) == "2026-11-24T08:00:00.000000Z"
    assert instant_from(instant_text(START)) == START


def test_a_fingerprint_tells_places_and_kinds_apart() -> None:
    prints = {fingerprint("a", "b"), fingerprint("ab"), fingerprint("b", "a"), fingerprint("a", 1)}
    assert len(prints | {fingerprint("a", "1"), fingerprint("a", None)}) == 6
