"""What we ask of a provider about its own books: a day's bills (账单), line by line.

A bill is a file. It is fetched whole, with its hash checked, before a line of it is read, and it is
read as a stream: a bill of millions of lines takes no more memory than one of ten. A bill that is
not just what it should be is refused whole, with the line and the column where it is not.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import BinaryIO, NamedTuple, Protocol

from chalicelib.kernel.errors import Kind, PlatformError, TryAgainError
from chalicelib.kernel.record import Record


class BillKind(StrEnum):
    """The bills of a day."""

    PAYMENTS = "payments"  # trade bill of what was paid
    REFUNDS = "refunds"  # trade bill of the refunds that were accepted
    FLOWS = "flows"  # our own account: every movement, and what was left after it
    SHARES = "shares"  # what was shared of frozen payments, unfrozen, and taken back


class LineKind(StrEnum):
    """What a line of a bill is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    TRANSFER = "transfer"  # money out of our account to a person
    TRANSFER_BACK = "transfer_back"  # a transfer that failed: its money is ours again
    REFUND_BACK = "refund_back"  # a refund that was closed: its money is ours again
    SHARE = "share"  # a receiver's share of a frozen payment
    SHARE_BACK = "share_back"  # a share that was taken back
    UNFREEZE = "unfreeze"  # what was given to the seller
    FEE = "fee"  # what the provider kept of our own account's money; negative: gave back
    LISTED = "listed"  # a movement of our account that another bill lists line by line
    OTHER = "other"  # a movement of our account that none of our verbs makes


class LineState(StrEnum):
    """How far what a line is about had come when the bill was made."""

    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"


class BillLine(NamedTuple):
    """One line, in our words. Amounts are whole fen, `at` is RFC 3339 of fixed width."""

    line: int  # where it stands in the file, from 1
    kind: LineKind
    number: str  # our own number of it, as spelled there
    reference: str  # the provider's number of it
    at: str
    amount: int  # what moved; signed in FEE (paid is positive), LISTED and OTHER (came is positive)
    fee: int  # what the provider kept of it, negative where it gave some back
    state: LineState
    payment: str  # our number of the payment it belongs to, where the bill says so
    seller: str  # under whose merchant number, empty for our own
    party: str  # who received it, where the bill says so
    rate: str  # the fee's rate as the bill spells it, `0.60%`; empty where there is none
    note: str  # the provider's word for what it is


class BillTotals(NamedTuple):
    """What a bill comes to; its own last row was checked against it."""

    lines: int
    opening: int  # what the account held before the first line, and after the last; FLOWS only
    closing: int


class BillFile(Record):
    """A bill as it was fetched: SHA-1 over its uncompressed text, as the provider told it."""

    kind: BillKind
    day: str
    sha1: str
    bytes: int  # uncompressed


class BillBrokenError(PlatformError):
    """A bill is not what it should be: `line` and `column` say where."""

    kind = Kind.CONFLICT
    code = "bill_broken"


class BillNotReadyError(TryAgainError):
    """The provider is still making this bill."""

    code = "bill_not_ready"


class ReadBill(Protocol):
    """A bill that is being read: its lines first, then what it says of itself."""

    def lines(self) -> Iterator[BillLine]:
        """Read the lines, or raise `BillBrokenError`, if need be at the very end."""

    def totals(self) -> BillTotals:
        """Return the totals, once all lines were read."""


class Bills(Protocol):
    """A provider that shows its books."""

    def fetch(self, kind: BillKind, day: date, into: BinaryIO) -> BillFile | None:
        """Write a day's bill to a file, compressed as it came; None: the day was empty.

        Raises `BillNotReadyError`, `BillBrokenError` where it isn't what its hash says, or one of
        the three fates.
        """

    def read(self, kind: BillKind, day: date, compressed: BinaryIO) -> ReadBill:
        """Read a bill that was fetched."""
