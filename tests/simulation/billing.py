"""The provider's bills: fetched in three fates, or too early; and a file may be torn."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from chalicelib.providers.bills import (
    BillBrokenError,
    BillFile,
    BillKind,
    BillLine,
    BillNotReadyError,
    BillTotals,
    ReadBill,
)
from chalicelib.providers.port import ProviderOutcomeUnknownError, ProviderUnavailableError
from tests.fakes.bills import FakeBill, FakeBills
from tests.simulation.ports import Fault, Outside


@dataclass(frozen=True)
class TornBill:
    """A bill whose second half is unreadable."""

    whole: FakeBill
    why: BillBrokenError

    def lines(self) -> Iterator[BillLine]:
        told = list(self.whole.lines())
        yield from told[: len(told) // 2]
        raise self.why

    def totals(self) -> BillTotals:
        raise self.why


@dataclass(frozen=True)
class SimulatedBills:
    """The port's `Bills`, over the provider's own books."""

    outside: Outside
    books: FakeBills

    def fetch(self, kind: BillKind, day: date, into: BinaryIO) -> BillFile | None:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: ProviderUnavailableError("not sent"),
            Fault.SILENT: ProviderOutcomeUnknownError("no answer"),
            Fault.LOST: ProviderOutcomeUnknownError("no answer"),
            Fault.NOT_READY: BillNotReadyError("still being made"),
        }
        fetch = self.books.fetch
        return self.outside.call("bill", f"bill of {kind}", lambda: fetch(kind, day, into), errors)

    def read(self, kind: BillKind, day: date, compressed: BinaryIO) -> ReadBill:
        bill = self.books.read(kind, day, compressed)
        torn = BillBrokenError("the file ends in the middle of a line", line=2, column=1)
        try:
            return self.outside.call("paper", "read bill", lambda: bill, {Fault.BROKEN: torn})
        except BillBrokenError as why:
            return TornBill(bill, why)
