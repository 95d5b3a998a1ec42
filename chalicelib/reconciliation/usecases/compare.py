"""Comparing a day: the provider's bills and the numbered list, as two sorted streams.

Nothing is written but the bills themselves, unchanged, under their hashes. Memory is what one
sorted run takes, however long the day was.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar

from chalicelib.ledger import chart
from chalicelib.ledger.segments import ReadSegments
from chalicelib.providers.bills import (
    BillFile,
    BillKind,
    BillLine,
    Bills,
    BillTotals,
    LineKind,
    LineState,
)
from chalicelib.reconciliation import rules
from chalicelib.reconciliation.model import (
    Count,
    Found,
    Ours,
    Outcome,
    Theirs,
    TooManyDiscrepanciesError,
)
from chalicelib.storage.lake import Lake
from chalicelib.storage.sorting import Sorter, joined

FOUND_MAX = 10_000
"""More differences than that are no differences: the file is wrong."""

_TOLD_EVERY = 10_000

T = TypeVar("T")

Progress = Callable[[str, int], None]
"""Tell what is being done, and how many lines of it are done."""


@dataclass
class Compared:
    """What the comparison of a day found; amounts are fen."""

    bills: list[BillFile] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    counts: dict[tuple[str, Outcome], tuple[int, int]] = field(default_factory=dict)
    flows: BillTotals | None = None  # None: nothing moved on our own account
    fees: int = 0
    frozen: int = 0  # what the day did to what is frozen under sellers

    def take(self, found: Found) -> None:
        """Count one thing, and keep it where it differs."""
        self.count(found.kind, found.outcome, found.moved)
        if found.outcome is not Outcome.MATCHED:
            if len(self.found) >= FOUND_MAX:
                raise TooManyDiscrepanciesError(
                    "too much differs for the bill to be the right one", most=FOUND_MAX
                )
            self.found.append(found)

    def count(self, kind: str, outcome: Outcome, amount: int) -> None:
        """Count one thing."""
        lines, amounts = self.counts.get((kind, outcome), (0, 0))
        self.counts[kind, outcome] = lines + 1, amounts + amount

    def of_seller(self, here: Sequence[Ours], there: Sequence[Theirs]) -> None:
        """Add what lines did to what is frozen under a seller, and the fees that came off it.

        A refund of what the seller has already leaves the seller's own money, and so does its fee:
        our entry says how much of it was still frozen.
        """
        for line in there:
            if line.kind == LineKind.REFUND and line.state == LineState.FAILED:
                continue  # nothing left, and nothing came back
            fee, frozen = int(line.fee), int(line.frozen)
            if line.kind == LineKind.REFUND and here:
                of_hold = sum(int(one.effect) for one in here)
                fee = fee if of_hold else 0
                frozen = of_hold - fee
            self.frozen += frozen
            self.fees += fee

    def not_of_hold(self, refund: Found) -> None:
        """Take a seller's refund off again: it left the seller's own money, or never left.

        One that has no effect was taken off on its own day.
        """
        if not refund.effect:
            return
        assert refund.theirs is not None
        self.frozen += refund.theirs + refund.fee
        self.fees -= refund.fee

    def met(self, found: Found) -> None:
        """Count what met another day's difference as matched."""
        lines, amount = self.counts.pop((found.kind, found.outcome))
        if lines > 1:
            self.counts[found.kind, found.outcome] = lines - 1, amount - found.moved
        self.count(found.kind, Outcome.MATCHED, found.moved)

    def funnel(self) -> tuple[Count, ...]:
        """Return how many lines of each kind came to what."""
        return tuple(
            Count(kind=kind, outcome=outcome, lines=lines, amount=amount)
            for (kind, outcome), (lines, amount) in sorted(self.counts.items())
        )


@dataclass(frozen=True, slots=True)
class CompareDay:
    """Holds a day's bills against what we booked on that day."""

    provider_name: str
    provider: Bills
    lake: Lake
    documents: Lake
    platform: str
    """Our own merchant number at the provider."""

    def compare(
        self, day: date, progress: Progress, span: tuple[int, int] | None = None
    ) -> Compared:
        """Compare a closed day, or raise `BillBrokenError`, `BillNotReadyError` or a fate.

        `span` is the position after which the day began, and where it closed: all of it is read.
        """
        compared = Compared()
        with ExitStack() as stack:
            theirs, ours = stack.enter_context(Sorter()), stack.enter_context(Sorter())
            for kind in BillKind:
                file = stack.enter_context(TemporaryFile("w+b"))
                self._read_bill(kind, day, file, compared, theirs, progress)
            self._read_ours(ReadSegments(self.lake).lines_on(day.isoformat(), span), ours, progress)
            pairs = joined(ours.groups(), theirs.groups())
            for key, here, there in _told(pairs, "compared", progress):
                lines = [Theirs(*row) for row in there]
                entries = [Ours(*row) for row in here]
                if rules.agree(entries, lines):
                    compared.count(lines[0].kind, Outcome.MATCHED, int(lines[0].amount))
                else:
                    for found in rules.compared(key, entries, lines):
                        compared.take(found)
                if lines and lines[0].seller:
                    compared.of_seller(entries, lines)
        return compared

    def _read_bill(
        self,
        kind: BillKind,
        day: date,
        file: BinaryIO,
        compared: Compared,
        theirs: Sorter,
        progress: Progress,
    ) -> None:
        """Fetch a bill, keep it as it came, and read it whole before anything is believed."""
        fetched = self.provider.fetch(kind, day, file)
        if fetched is None:
            return
        bill = self.provider.read(kind, day, file)
        for line in _told(bill.lines(), kind, progress):
            self._take(line, kind, compared, theirs)
        self.documents.put_file(rules.document_name(self.provider_name, fetched), file)
        compared.bills.append(fetched)
        if kind is BillKind.FLOWS:
            totals = bill.totals()
            compared.flows = totals if totals.lines else None  # no row says what the account held

    def _take(self, line: BillLine, kind: BillKind, compared: Compared, theirs: Sorter) -> None:
        if line.kind is LineKind.FEE:
            compared.fees += line.amount  # of our own account
        elif line.kind is not LineKind.LISTED:
            theirs.add(rules.theirs_of(line, kind, platform=self.platform))

    def _read_ours(self, lines: Iterator[bytes], ours: Sorter, progress: Progress) -> None:
        clearing = chart.provider_clearing(self.provider_name).name
        wanted = f'"{clearing}"'.encode()
        for line in _told(lines, "ours", progress):
            if wanted in line or rules.REFUND_PAID in line:
                entry = rules.ours_of(rules.row_in(line), clearing)
                if entry is not None:
                    ours.add(entry)


def _told(lines: Iterator[T], what: str, progress: Progress) -> Iterator[T]:
    """Pass lines on, and tell now and then how many there were."""
    number = 0
    for number, line in enumerate(lines, 1):
        if number % _TOLD_EVERY == 0:
            progress(what, number)
        yield line
    progress(what, number)
