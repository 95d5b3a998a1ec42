"""What a test plants in a day's bill (差错): lines that differ from the books, and broken files."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from local.sandbox.prepay import Form
from local.sandbox.statement import StatementKind

Number = Annotated[str, Field(min_length=1, max_length=64)]


class Dropped(Form):
    """A line is not there."""

    kind: Literal["dropped"]
    number: Number


class OtherAmount(Form):
    """A line says another amount, in fen."""

    kind: Literal["amount"]
    number: Number
    amount: int


class OtherState(Form):
    """A line says another state, in the bill's own words; fund flow knows none."""

    kind: Literal["state"]
    number: Number
    state: Annotated[str, Field(max_length=32)]


class OtherFee(Form):
    """A line says another fee, in fen; in a fund-flow bill, the first line of its fee does."""

    kind: Literal["fee"]
    number: Number
    fee: int


class Duplicated(Form):
    """A line stands there twice."""

    kind: Literal["duplicated"]
    number: Number


class Invented(Form):
    """A line of what never was, last of its day; below zero, money that left the account."""

    kind: Literal["invented"]
    number: Number
    reference: Number
    amount: int


Change = Dropped | OtherAmount | OtherState | OtherFee | Duplicated
Difference = Annotated[Change | Invented, Field(discriminator="kind")]


class Broken(StrEnum):
    """How a bill's file is not what it should be; its hash is true but where it says otherwise."""

    TRUNCATED = "truncated"  # ends within its last line: no summary
    OTHER_MERCHANT = "other_merchant"  # the first line is another merchant's
    UNKNOWN_COLUMN = "unknown_column"  # the third column is one that nobody knows
    EXTRA_SUMMARY = "extra_summary"  # the summary stands there twice
    WRONG_HASH = "wrong_hash"
    WRONG_DAY = "wrong_day"  # every line is of the day before
    GBK = "gbk"  # and no byte order mark
    COMMA = "comma"  # a comma in the first line's free text
    NEWLINE = "newline"  # a line break in it
    NOT_GZIP = "not_gzip"  # plain text, whatever was asked for


class BillPlan(Form):
    """What is planted in one bill of one day, instead of all that was; nothing takes it back.

    `creating` times the bill is still being made. A number is the merchant's own: of the payment,
    the refund, the voucher (业务凭证号), the share order; the first line with it is meant.
    """

    bill_date: date = Field(strict=False)
    bill: StatementKind = Field(strict=False)
    differences: tuple[Difference, ...] = Field(default=(), max_length=1000, strict=False)
    broken: Broken | None = Field(default=None, strict=False)
    creating: int = Field(default=0, ge=0, le=1000)

    @model_validator(mode="after")
    def _what_such_a_bill_has(self) -> Self:
        kinds = {each.kind for each in self.differences}
        if self.bill is StatementKind.FUNDFLOW and "state" in kinds:
            raise ValueError("a fund-flow bill tells no states")
        if self.bill is StatementKind.FUNDFLOW and self.broken is Broken.OTHER_MERCHANT:
            raise ValueError("a fund-flow bill tells no merchant")
        if self.bill is StatementKind.SHARES and "fee" in kinds:
            raise ValueError("a bill of shares tells no fees")
        return self

    @property
    def key(self) -> str:
        """Return what it is kept under."""
        return plan_key(self.bill, self.bill_date)


def plan_key(kind: StatementKind, day: date) -> str:
    """Return what the plan of a bill is kept under."""
    return f"{kind} {day}"
