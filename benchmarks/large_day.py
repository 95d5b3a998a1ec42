"""A day of as many bill lines as one likes, with a hundred differences, written as a stream.

The bills are WeChat Pay's own texts, compressed; our side is the lake's segments of the same day.
One payment in ten is our own shop's, so that it moves our own account, the others are sellers'.
"""

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TextIO

from benchmarks.large_day_rows import Ours, flow_text, payment_text, refund_text, yuan
from chalicelib.ledger.numbered import Batch, NumberedRow
from chalicelib.ledger.segments import WriteSegments, chain_after
from chalicelib.providers.bills import BillKind
from chalicelib.providers.wechatpay.billrows import LAYOUTS
from chalicelib.reconciliation.model import Outcome
from chalicelib.storage.lake import Lake
from chalicelib.storage.outbox import OutboxRow

DAY = date(2026, 11, 24)
_BEGIN = datetime(2026, 11, 23, 16, tzinfo=UTC)  # midnight in China
_BATCH = 2_000
_OF_EACH = 10
_OPENING = 100_000_00


class Plant(StrEnum):
    """What can be wrong on purpose; ten of each."""

    UNHEARD = "a payment that we never heard of"
    UNLISTED = "a payment that the bill does not have"
    AMOUNT = "a payment of another amount"
    FEE = "a fee that is not the rate's"
    LISTED_TWICE = "a payment twice in the bill"
    BOOKED_TWICE = "a payment twice in our books"
    REFUND_UNHEARD = "a refund that we never heard of"
    REFUND_AMOUNT = "a refund of another amount"
    REFUND_FAILED = "a refund that failed there"
    DRAWN = "money that somebody drew"


_OF_PAYMENTS = tuple(Plant)[:6]
_OF_REFUNDS = tuple(Plant)[6:9]
SEEN: dict[tuple[str, Outcome], int] = {
    ("payment", Outcome.MISSING_HERE): _OF_EACH,
    ("entry", Outcome.MISSING_THERE): _OF_EACH,
    ("payment", Outcome.AMOUNT): _OF_EACH,
    ("payment", Outcome.FEE): _OF_EACH,
    ("payment", Outcome.DUPLICATE): 2 * _OF_EACH,
    ("refund", Outcome.MISSING_HERE): _OF_EACH,
    ("refund", Outcome.AMOUNT): _OF_EACH,
    ("refund", Outcome.STATE): _OF_EACH,
    ("other", Outcome.MISSING_HERE): _OF_EACH,
}
"""How the hundred must be found."""


@dataclass
class Expected:
    """What the comparison of the day must come to, added up while it was written."""

    counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    fees: int = 0
    frozen: int = 0
    closing: int = _OPENING
    ours: int = 0  # lines of the lake


@dataclass
class _Bill:
    """One bill that is being written; `sums` are its totals, in their order."""

    kind: BillKind
    out: TextIO
    sums: Counter[str] = field(default_factory=Counter)
    rows: int = 0

    def write(self, row: str, **sums: int) -> None:
        self.out.write(row)
        self.rows += 1
        self.sums.update(sums)

    def close(self) -> None:
        totals = LAYOUTS[self.kind].totals
        cells = [
            str(self.rows)
            if column is None
            else str(self.sums[name])
            if name.endswith("笔数")
            else yuan(self.sums[name])
            for name, column in totals.items()
        ]
        self.out.write(f"{','.join(totals)}\n`{',`'.join(cells)}\n")
        self.out.close()


@dataclass
class LargeDay:
    """Writes the day's bills and segments; four lines in a hundred are refunds."""

    folder: Path
    lake: Lake
    lines: int
    expected: Expected = field(default_factory=Expected)

    def write(self) -> Expected:
        """Write it all, and return what must be found."""
        refunds = self.lines // 25
        payments = self.lines - refunds
        self._bills = {kind: self._opened(kind) for kind in list(BillKind)[:3]}
        rows = self._rows(payments, refunds)
        base, chain = 0, ""
        while batch := list(islice(rows, _BATCH)):
            numbered = [NumberedRow(base + at, row) for at, row in enumerate(batch, 1)]
            written = Batch(base, numbered, chain, DAY.isoformat())
            WriteSegments(self.lake).read(written)
            base, chain = written.end, chain_after(chain, written.lines)
        for _ in range(_OF_EACH):
            self._flow("提现", "支出", 5_000_00, "")
            self.expected.counts["other", Outcome.MISSING_HERE] += 1
        for bill in self._bills.values():
            bill.close()
        self.expected.ours = base
        return self.expected

    def _opened(self, kind: BillKind) -> _Bill:
        out = gzip.open(self.folder / f"{kind}.csv.gz", "wt", 1, encoding="utf-8", newline="\n")  # noqa: SIM115
        out.write(f"{','.join(sorted(LAYOUTS[kind].columns))}\n")
        return _Bill(kind, out)

    def _rows(self, payments: int, refunds: int) -> Iterator[OutboxRow]:
        """Write the bills, and return our side's rows, as the day goes on."""
        planted = dict(_spread(payments, _OF_PAYMENTS, every=1))
        for number in range(payments):
            at = _BEGIN + timedelta(seconds=number * 86_400 // payments)
            yield from self._payment(number, at, planted.get(number))
        planted = dict(_spread(refunds, _OF_REFUNDS, every=10))  # those of our own shop
        for number in range(refunds):
            at = _BEGIN + timedelta(seconds=number * 86_400 // refunds)
            yield from self._refund(number, at, planted.get(number))

    def _payment(self, number: int, at: datetime, plant: Plant | None) -> Iterator[OutboxRow]:
        ours = Ours(number, 1 + number * 37 % 99_999, at)
        basis_points = 38 if ours.own else 60
        fee = (ours.amount * basis_points * 2 + 10_000) // 20_000
        theirs = ours.amount + (100 if plant is Plant.AMOUNT else 0)
        fee += plant is Plant.FEE
        for _ in range(2 if plant is Plant.LISTED_TWICE else plant is not Plant.UNLISTED):
            self._paid(ours, theirs, fee)
        if plant is not Plant.UNHEARD:
            yield ours.captured()
        if plant is Plant.BOOKED_TWICE:
            yield ours.captured_again()
        if number % 10 == 0:
            yield ours.shipped()
        self.expected.counts[_as_seen(plant, "payment")] += 1

    def _paid(self, ours: Ours, amount: int, fee: int) -> None:
        self._bills[BillKind.PAYMENTS].write(
            payment_text(ours, amount, fee),
            订单总金额=amount,
            应结订单总金额=amount,
            手续费总金额=fee,
        )
        self.expected.fees += fee
        if ours.own:
            self._flow("交易", "收入", amount, ours.payment)
            self._flow("扣除交易手续费", "支出", fee, ours.payment)
        else:
            self.expected.frozen += amount - fee

    def _refund(self, number: int, at: datetime, plant: Plant | None) -> Iterator[OutboxRow]:
        ours = Ours(number, 100 + number * 41 % 9_999, at)
        fee = ours.amount // 250
        amount = ours.amount + (100 if plant is Plant.REFUND_AMOUNT else 0)
        state = "FAIL" if plant is Plant.REFUND_FAILED else "SUCCESS"
        self._bills[BillKind.REFUNDS].write(
            refund_text(ours, amount, fee, state),
            退款总金额=amount,
            申请退款总金额=amount,
            手续费总金额=-fee,
        )
        self.expected.fees -= fee
        if ours.own:
            self._flow("退款", "支出", amount, ours.refund)
            self._flow("返还交易手续费", "收入", fee, ours.refund)
        else:
            self.expected.frozen -= amount - fee
        if plant is not Plant.REFUND_UNHEARD:
            yield ours.refunded()
        self.expected.counts[_as_seen(plant, "refund")] += 1

    def _flow(self, note: str, side: str, amount: int, number: str) -> None:
        bill = self._bills[BillKind.FLOWS]
        self.expected.closing += amount if side == "收入" else -amount
        row = flow_text(bill.rows, note, side, amount, self.expected.closing, number)
        bill.write(row, **{f"{side}笔数": 1, f"{side}金额": amount})


def sha1_of(file: Path) -> str:
    """Return the SHA-1 of a bill's text, as the provider would tell it."""
    with gzip.open(file) as text:
        return hashlib.file_digest(text, "sha1").hexdigest()


def _spread(among: int, plants: tuple[Plant, ...], *, every: int) -> Iterator[tuple[int, Plant]]:
    """Choose ten of each over the whole day, evenly, and only multiples of `every`."""
    number = len(plants) * _OF_EACH
    for at in range(number):
        yield (at + 1) * among // (number + 1) // every * every, plants[at % len(plants)]


def _as_seen(plant: Plant | None, kind: str) -> tuple[str, Outcome]:
    match plant:
        case None:
            return kind, Outcome.MATCHED
        case Plant.UNHEARD | Plant.REFUND_UNHEARD:
            return kind, Outcome.MISSING_HERE
        case Plant.UNLISTED:
            return "entry", Outcome.MISSING_THERE
        case Plant.AMOUNT | Plant.REFUND_AMOUNT:
            return kind, Outcome.AMOUNT
        case Plant.FEE:
            return kind, Outcome.FEE
        case Plant.REFUND_FAILED:
            return kind, Outcome.STATE
        case _:
            return kind, Outcome.DUPLICATE
