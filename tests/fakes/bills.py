"""A provider's bills, kept line by line while its books move.

`flows` is our own account; money under sellers stands in the other bills alone. A refund's state is
what it was when its bill was made first.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha1
from typing import Any, BinaryIO

from chalicelib.kernel.money import share_of
from chalicelib.ledger.days import CHINA, business_day
from chalicelib.providers.bills import (
    BillFile,
    BillKind,
    BillLine,
    BillTotals,
    LineKind,
    LineState,
)
from chalicelib.providers.funds import ShareResult, ShareReturn, Transfer
from chalicelib.providers.port import Collected
from chalicelib.providers.refunds import RefundOrder, RefundStatus

_STATES = {
    RefundStatus.PROCESSING: LineState.PENDING,
    RefundStatus.ABNORMAL: LineState.PENDING,
    RefundStatus.SUCCESS: LineState.DONE,
    RefundStatus.CLOSED: LineState.FAILED,
}


@dataclass
class BillBooks:
    """What the provider writes down of every movement, with its day."""

    now: Callable[[], datetime]
    platform: str
    fee_basis_points: int = 0
    lines: list[tuple[BillKind, date, BillLine]] = field(default_factory=list)
    own: int = 0
    fees: dict[str, int] = field(default_factory=dict)  # charged, by our payment's number
    given: dict[str, tuple[str, int]] = field(default_factory=dict)  # back, by refund, of a payment
    kept: int = 0  # of money that is kept for us, in all
    statuses: Callable[[str], RefundStatus] = lambda _number: RefundStatus.PROCESSING
    made: dict[tuple[BillKind, date], Sequence[BillLine]] = field(default_factory=dict)

    def paid(self, word: Collected) -> None:
        amount, seller = word.amount.amount, word.seller or ""
        fee = share_of(amount, self.fee_basis_points)
        self.fees[word.number] = fee
        self.kept += fee
        self._write(
            BillKind.PAYMENTS,
            LineKind.PAYMENT,
            word.number,
            amount,
            reference=word.transaction_id,
            fee=fee,
            seller=seller,
            payment=word.number,
            rate=f"{self.fee_basis_points // 100}.{self.fee_basis_points % 100:02}%",
        )
        if not seller:
            self._flow(LineKind.LISTED, word.number, amount)
            self._fee(word.number, fee)

    def refunded(self, order: RefundOrder, fee: int, *, ours: bool) -> None:
        """Write a refund that was accepted, and how much of the fee goes back with it.

        Where it is not `ours`, the seller pays it of its own money, and has its fee back.
        """
        amount, seller = order.amount.amount, order.seller or ""
        self.given[order.number] = order.payment_id, fee
        self.kept -= fee if ours else 0
        self._write(
            BillKind.REFUNDS,
            LineKind.REFUND,
            order.number,
            amount,
            fee=-fee,
            seller=seller,
            payment=order.payment_id,
        )
        if not seller:
            self._flow(LineKind.LISTED, order.number, -amount)
            self._fee(order.number, -fee)

    def refund_closed(self, order: RefundOrder, *, ours: bool) -> None:
        """Write that a refund will never be paid; under a seller no bill says so."""
        _, fee = self.given.pop(order.number)
        self.kept += fee if ours else 0
        if order.seller is None:
            self._flow(LineKind.REFUND_BACK, order.number, order.amount.amount)
            self._fee(order.number, fee)

    def transferred(self, order: Transfer) -> None:
        self._flow(LineKind.TRANSFER, order.payout_id, -order.amount.amount)

    def transfer_failed(self, order: Transfer) -> None:
        self._flow(LineKind.TRANSFER_BACK, order.payout_id, order.amount.amount)

    def shared(
        self, number: str, seller: str, account: str, amount: int, result: ShareResult
    ) -> None:
        done = result is ShareResult.SUCCESS
        self._write(
            BillKind.SHARES,
            LineKind.SHARE,
            number,
            amount,
            seller=seller,
            party=account,
            state=LineState.DONE if done else LineState.FAILED,
        )
        if done and account == self.platform:
            self._flow(LineKind.LISTED, number, amount)

    def unfrozen(self, number: str, seller: str, amount: int, **more: Any) -> None:
        self._write(
            BillKind.SHARES,
            LineKind.UNFREEZE,
            number,
            amount,
            seller=seller,
            party=seller,
            **more,
        )

    def returned(self, order: ShareReturn) -> None:
        amount = order.amount.amount
        self._write(
            BillKind.SHARES,
            LineKind.SHARE_BACK,
            order.number,
            amount,
            seller=order.payment.seller,
            party=order.account,
        )
        if order.account == self.platform:
            self._flow(LineKind.LISTED, order.number, -amount)

    def drawn(self, amount: int, note: str = "提现") -> None:
        """Write money that we drew from our account, which no verb of ours does."""
        self._flow(LineKind.OTHER, "", -amount, note=note)

    def fee_of(self, payment: str) -> int:
        """Return what is kept of a payment: of its fee, what no refund gave back."""
        given = sum(fee for of, fee in self.given.values() if of == payment)
        return self.fees.get(payment, 0) - given

    def gives_back(self, order: RefundOrder, back: int) -> int:
        """Return what a refund gives back of the fee: `back` of its payment is refunded then."""
        fee = self.fees.get(order.payment_id, 0)
        left = fee - fee * back // order.total.amount
        return max(self.fee_of(order.payment_id) - left, 0)

    def _fee(self, number: str, fee: int) -> None:
        if fee:
            self._flow(LineKind.FEE, number, -fee)

    def _flow(self, kind: LineKind, number: str, signed: int, note: str = "") -> None:
        self.own += signed
        amount = abs(signed)
        if kind in {LineKind.LISTED, LineKind.OTHER}:
            amount = signed
        elif kind is LineKind.FEE:
            amount = -signed
        reference = f"flow{len(self.lines)}"
        self._write(BillKind.FLOWS, kind, number, amount, reference=reference, note=note)

    def _write(self, bill: BillKind, kind: LineKind, number: str, amount: int, **more: Any) -> None:
        now = self.now()
        line: dict[str, Any] = {
            "line": 0,
            "reference": f"{bill}{len(self.lines)}",
            "at": now.astimezone(CHINA).isoformat(timespec="seconds"),
            "fee": 0,
            "state": LineState.DONE,
            "payment": "",
            "seller": "",
            "party": "",
            "rate": "",
            "note": "",
        }
        written = BillLine(kind=kind, number=number, amount=amount, **(line | more))
        self.lines.append((bill, business_day(now), written))

    def of(self, kind: BillKind, day: date) -> Sequence[BillLine]:
        """Return a day's bill; once it was made, it stays as it is."""
        if (kind, day) not in self.made:
            found = [line for bill, on, line in self.lines if (bill, on) == (kind, day)]
            self.made[kind, day] = [
                line._replace(
                    line=number,
                    state=_STATES[self.statuses(line.number)]
                    if kind is BillKind.REFUNDS
                    else line.state,
                )
                for number, line in enumerate(found, 2)
            ]
        return self.made[kind, day]

    def closing_on(self, day: str) -> int:
        """Return the same, of a day that is spelled."""
        return self.closing(date.fromisoformat(day))

    def things_on(self, day: str) -> int:
        """Return about how many things a day's bills speak: several lines may be about one."""
        skipped = {LineKind.LISTED, LineKind.FEE}
        same = {LineKind.REFUND_BACK: LineKind.REFUND, LineKind.TRANSFER_BACK: LineKind.TRANSFER}
        return len(
            {
                (same.get(line.kind, line.kind), line.number or line.reference)
                for _, on, line in self.lines
                if on.isoformat() == day and line.kind not in skipped
            }
        )

    def closing(self, day: date) -> int:
        """Return what our own account held at a day's end."""
        return _signed(
            line for bill, on, line in self.lines if bill is BillKind.FLOWS and on <= day
        )


def _signed(flows: Iterable[BillLine]) -> int:
    out = {LineKind.TRANSFER, LineKind.FEE}
    return sum(-line.amount if line.kind in out else line.amount for line in flows)


@dataclass(frozen=True)
class FakeBill:
    """A bill that is being read."""

    told: Sequence[BillLine]
    opening: int
    closing: int

    def lines(self) -> Iterator[BillLine]:
        return iter(self.told)

    def totals(self) -> BillTotals:
        return BillTotals(len(self.told), self.opening, self.closing)


@dataclass(frozen=True)
class FakeBills:
    """The port's `Bills`, out of the books; `changed` plants differences in a bill.

    An `empty` one is a file, with a header and totals and no row between.
    """

    books: BillBooks
    changed: dict[tuple[BillKind, str], Callable[[list[BillLine]], list[BillLine]]] = field(
        default_factory=dict
    )
    empty: set[tuple[BillKind, str]] = field(default_factory=set)

    def fetch(self, kind: BillKind, day: date, into: BinaryIO) -> BillFile | None:
        told = self._lines(kind, day)
        if not told and (kind, day.isoformat()) not in self.empty:
            return None
        text = json.dumps([list(line) for line in told], ensure_ascii=False).encode()
        into.write(text)
        digest = sha1(text, usedforsecurity=False).hexdigest()
        return BillFile(kind=kind, day=day.isoformat(), sha1=digest, bytes=len(text))

    def read(self, kind: BillKind, day: date, compressed: BinaryIO) -> FakeBill:
        closing = self.books.closing(day)
        opened = self.books.closing(date.fromordinal(day.toordinal() - 1))
        told = self._lines(kind, day)
        if not told:
            return FakeBill(told, 0, 0)
        if kind is BillKind.FLOWS:  # what was changed in it changes what it comes to
            closing += _signed(told) - _signed(self.books.of(kind, day))
        return FakeBill(told, opened, closing)

    def _lines(self, kind: BillKind, day: date) -> Sequence[BillLine]:
        told = list(self.books.of(kind, day))
        change = self.changed.get((kind, day.isoformat()))
        return change(told) if change else told


Changes = Mapping[tuple[BillKind, str], Callable[[list[BillLine]], list[BillLine]]]
