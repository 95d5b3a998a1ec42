"""Whole fen, and nothing lost in a split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chalicelib.kernel.money import Money, fen, yuan_text

amounts = st.integers(min_value=0, max_value=10**12)


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_a_split_sums_to_the_whole_and_is_nowhere_a_fen_off(
    amount: int, weights: list[int]
) -> None:
    parts = [part.amount for part in fen(amount).split(weights)]
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        exact = amount * weight
        assert part * sum(weights) - sum(weights) < exact < part * sum(weights) + sum(weights)


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [(100, [1, 1, 1], [34, 33, 33]), (1, [1, 1], [1, 0]), (5, [0, 3], [0, 5]), (0, [1], [0])],
)
def test_left_over_fen_go_to_the_largest_remainder(
    amount: int, weights: list[int], parts: list[int]
) -> None:
    assert [part.amount for part in fen(amount).split(weights)] == parts


@pytest.mark.parametrize(
    ("amount", "basis_points", "share"),
    [(10_000, 60, 60), (1, 5000, 1), (1, 4999, 0), (333, 100, 3), (350, 100, 4), (0, 60, 0)],
)
def test_a_share_is_rounded_half_up(amount: int, basis_points: int, share: int) -> None:
    assert fen(amount).share(basis_points=basis_points) == fen(share)


@pytest.mark.parametrize(
    ("money", "text"),
    [(fen(3998), "¥39.98"), (fen(-5), "-¥0.05"), (fen(123_456_789), "¥1,234,567.89")],
)
def test_money_is_spelled_for_people(money: Money, text: str) -> None:
    assert yuan_text(money) == text


def test_two_currencies_never_meet() -> None:
    with pytest.raises(AssertionError):
        fen(1) + Money(amount=1, currency="USD")


@pytest.mark.parametrize("amount", [1.0, "1", True, None, 10**16])
def test_an_amount_is_a_whole_number_and_nothing_else(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "CNY"})
