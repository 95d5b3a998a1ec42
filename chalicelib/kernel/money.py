"""Money: whole fen (分) and a currency. No float, no Decimal, no silent rounding."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from chalicelib.kernel.record import Record

CNY = "CNY"
AMOUNT_MAX = 10**15  # ten trillion yuan: far inside DynamoDB's 38 digits and JSON's exact integers

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Money(Record):
    """An amount in the smallest unit of its currency: fen for CNY.

    On the wire: `{"amount": 1999, "currency": "CNY"}`.
    """

    amount: int = Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX, description="In fen (分)")
    currency: Currency = CNY

    def __add__(self, other: Self) -> Self:
        return self._with(self.amount + self._same_unit(other))

    def __sub__(self, other: Self) -> Self:
        return self._with(self.amount - self._same_unit(other))

    def __neg__(self) -> Self:
        return self._with(-self.amount)

    def __lt__(self, other: Self) -> bool:
        return self.amount < self._same_unit(other)

    def __le__(self, other: Self) -> bool:
        return self.amount <= self._same_unit(other)

    def times(self, quantity: int) -> Self:
        """Return `quantity` of this amount."""
        return self._with(self.amount * quantity)

    def share(self, *, basis_points: int) -> Self:
        """Return this share of a non-negative amount, rounded half up to the fen."""
        assert self.amount >= 0, "a share is taken of what is there"
        return self._with(share_of(self.amount, basis_points))

    def split(self, weights: Sequence[int]) -> list[Self]:
        """Split by weights with the largest remainder; the parts sum to the whole.

        Ties go to the earlier part, so the same split is always the same.
        """
        assert self.amount >= 0, "only what is there can be split"
        assert weights, "nothing to split over"
        assert min(weights) >= 0, "weights are never negative"
        total = sum(weights)
        assert total > 0, "at least one weight counts"
        floors = [self.amount * weight // total for weight in weights]
        by_remainder = sorted(
            range(len(weights)), key=lambda i: (-(self.amount * weights[i] % total), i)
        )
        for i in by_remainder[: self.amount - sum(floors)]:
            floors[i] += 1
        assert sum(floors) == self.amount
        return [self._with(part) for part in floors]

    def _with(self, amount: int) -> Self:
        return type(self)(amount=amount, currency=self.currency)

    def _same_unit(self, other: Self) -> int:
        assert self.currency == other.currency, "two currencies never meet in one sum"
        return other.amount


def share_of(amount: int, basis_points: int) -> int:
    """Return this share of so many fen, rounded half up: for where a million are counted."""
    return (amount * basis_points * 2 + 10_000) // 20_000


def fen(amount: int) -> Money:
    """Return so many fen of CNY."""
    return Money(amount=amount)


def yuan_text(money: Money) -> str:
    """Spell an amount for people: `¥39.98`."""
    sign = "-" if money.amount < 0 else ""
    whole, rest = divmod(abs(money.amount), 100)
    mark = "¥" if money.currency == CNY else f"{money.currency} "
    return f"{sign}{mark}{whole:,}.{rest:02d}"
