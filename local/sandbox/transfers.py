"""The verbs of a transfer: ask (转账), look (查单), cancel (撤销), and what the payee does."""

import secrets
from collections.abc import Callable
from datetime import datetime

from local.sandbox.bills import Bill, BillState, TransferForm
from local.sandbox.book import Book
from local.sandbox.orders import china_time
from local.sandbox.wire import RefusalError


class Transfers:
    """Bills and what may happen to them; every verb decides and writes under the book's lock.

    `ended` hears of a bill that came to its end because time passed, once.
    """

    def __init__(
        self, book: Book, *, now: Callable[[], datetime], ended: Callable[[Bill], object]
    ) -> None:
        self._book = book
        self._now = now
        self._ended = ended

    def ask(self, asked: TransferForm, *, mch_id: str) -> Bill:
        """Open a bill, or answer for the one that has this number."""
        now = self._now()
        with self._book.lock:
            if known := self._book.bills.get(asked.out_bill_no):
                if known.asked.content != asked.content:
                    raise _refused("商户单号重复，且参数与原请求不一致")
                return self._seen(known)
            self.bills()  # what is overdue gives its money back first
            self._spend(asked.transfer_amount)
            return self._book.bills.keep(
                Bill(
                    asked=asked,
                    mch_id=mch_id,
                    transfer_bill_no=self._bill_no(now),
                    package_info=secrets.token_urlsafe(48),
                    created_at=now,
                    updated_at=now,
                )
            )

    def look(self, out_bill_no: str) -> Bill:
        """Return a bill by the merchant's number."""
        with self._book.lock:
            return self._seen(self._book.bills.get(out_bill_no))

    def look_by_bill_no(self, transfer_bill_no: str) -> Bill:
        """Return a bill by WeChat Pay's number."""
        with self._book.lock:
            same = (
                bill for bill in self._book.bills.all() if bill.transfer_bill_no == transfer_bill_no
            )
            return self._seen(next(same, None))

    def bills(self) -> list[Bill]:
        """Return every bill, oldest first."""
        with self._book.lock:
            return [self._seen(bill) for bill in self._book.bills.all()]

    def cancel(self, out_bill_no: str) -> Bill:
        """Begin to cancel what nobody has confirmed; the next look finds it cancelled."""
        with self._book.lock:
            bill = self.look(out_bill_no)
            if bill.state is BillState.CANCELLED:
                return bill
            if bill.state is not BillState.WAIT_USER_CONFIRM:
                raise _refused("当前状态不允许撤销")
            return self._book.bills.keep(
                bill.evolve(state=BillState.CANCELING, updated_at=self._now())
            )

    def end(self, out_bill_no: str, state: BillState, fail_reason: str | None = None) -> Bill:
        """Let the payee confirm, or the bill fail or be cancelled; the same end again is right."""
        with self._book.lock:
            bill = self.look(out_bill_no)
            if bill.state is state:
                return bill
            if bill.final:
                raise _refused("单据已是终态")
            ended = bill.evolve(state=state, fail_reason=fail_reason, updated_at=self._now())
            return self._kept_at_its_end(ended)

    def _seen(self, bill: Bill | None) -> Bill:
        if not bill:
            raise RefusalError(404, "NOT_FOUND", "记录不存在")
        seen = bill.at(self._now())
        if seen is not bill:
            self._kept_at_its_end(seen)
            self._ended(seen)
        return seen

    def _kept_at_its_end(self, bill: Bill) -> Bill:
        if bill.state is not BillState.SUCCESS:
            self._spend(-bill.asked.transfer_amount)
        return self._book.bills.keep(bill)

    def _spend(self, amount: int) -> None:
        """Take from what the merchant has, or give back; nobody counts what is unlimited."""
        left = self._book.preferences.transfer_balance
        if left is None:
            return
        if left < amount:
            raise RefusalError(403, "NOT_ENOUGH", "商户账户余额不足")
        self._book.prefer(self._book.preferences.evolve(transfer_balance=left - amount))

    def _bill_no(self, now: datetime) -> str:
        known = {bill.transfer_bill_no for bill in self._book.bills.all()}
        while True:
            day = china_time(now)[:10].replace("-", "")
            number = f"13300001000{secrets.randbelow(10**4):04}{day}{secrets.randbelow(10**12):012}"
            if number not in known:
                return number


def _refused(reason: str) -> RefusalError:
    return RefusalError(400, "INVALID_REQUEST", reason)
