"""Notifications (异步通知): sealed, signed, delivered, and delivered again until acknowledged."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import urllib3

from local.sandbox.bills import Bill
from local.sandbox.book import Book
from local.sandbox.keys import SandboxKeys
from local.sandbox.orders import Delivery, Notice, Order, china_time
from local.sandbox.refund import Refund
from local.sandbox.signing import (
    SIGNTEST,
    SignWith,
    encrypted,
    notification_serial,
    signed_headers,
    spoiled,
)
from local.sandbox.timetable import Timetable
from local.sandbox.wire import compact

ANSWER_SECONDS_MAX = 5
SAME_EVENT = uuid.UUID("6f0e3b7c-54d1-4c62-9a52-0f7f6d0a9b11")


class Messenger:
    """The postman to the merchant's notify_url."""

    def __init__(
        self,
        book: Book,
        timetable: Timetable,
        *,
        keys: Callable[[], SandboxKeys],
        now: Callable[[], datetime],
        retries: Sequence[timedelta],
    ) -> None:
        self._book = book
        self._timetable = timetable
        self._keys = keys
        self._now = now
        self._retries = tuple(retries)
        self._waiting: set[str] = set()
        self._pool = urllib3.PoolManager(
            num_pools=8, maxsize=64, timeout=urllib3.Timeout(total=ANSWER_SECONDS_MAX)
        )

    def notice(self, order: Order, *, sign_with: SignWith | None = None, **tampered: Any) -> Notice:
        """Write the notice of a paid order; untampered, its id is always the same."""
        assert order.paid_at, "only what is paid is told"
        true = order.transaction()
        told = _merged(true, tampered)
        same = str(uuid.uuid5(SAME_EVENT, true["transaction_id"]))
        if told == true and (known := self._book.notice(same)):
            return known.evolve(sign_with=sign_with)
        return Notice(
            id=same if told == true else str(uuid.uuid4()),
            number=order.out_trade_no,
            url=order.prepay.notify_url,
            created_at=order.paid_at,
            plaintext=told,
            sign_with=sign_with,
            retries_left=len(self._retries),
        )

    def transfer_notice(self, bill: Bill) -> Notice:
        """Write the notice of a transfer at its end; its id is always the same."""
        assert bill.final, "only an end is told"
        same = str(uuid.uuid5(SAME_EVENT, bill.transfer_bill_no))
        return self._book.notice(same) or Notice(
            id=same,
            number=bill.out_bill_no,
            url=bill.asked.notify_url,
            created_at=bill.updated_at,
            event_type="MCHTRANSFER.BILL.FINISHED",
            summary="商家转账单据终态通知",
            original_type="mchtransfer",
            associated_data="mch_transfer",
            plaintext=bill.finished(),
            retries_left=len(self._retries),
        )

    def refund_notice(self, refund: Refund, mch_id: str) -> Notice:
        """Write the notice of a refund at an end; the same end is the same notice."""
        same = str(uuid.uuid5(SAME_EVENT, f"{refund.refund_id} {refund.state}"))
        return self._book.notice(same) or Notice(
            id=same,
            number=refund.out_refund_no,
            url=refund.asked.notify_url,
            created_at=self._now(),
            event_type=f"REFUND.{refund.state}",
            summary="退款结果",
            original_type="refund",
            associated_data="refund",
            plaintext=refund.notified(mch_id),
            retries_left=len(self._retries),
        )

    def complaint_notice(self, complaint_id: str, action: str, *, url: str) -> Notice:
        """Write the notice that something became of a complaint: its id, and no more than that."""
        made = action == "CREATE_COMPLAINT"
        return Notice(
            id=str(uuid.uuid4()),
            number=complaint_id,
            url=url,
            created_at=self._now(),
            event_type="COMPLAINT.CREATE" if made else "COMPLAINT.STATE_CHANGE",
            summary="产生新投诉" if made else "投诉单状态变化",
            original_type="complaint",
            associated_data="complaint",
            plaintext={"complaint_id": complaint_id, "action_type": action},
            retries_left=len(self._retries),
        )

    def send(self, notice: Notice, *, times: int = 1) -> list[Delivery]:
        """Deliver copies now; if the last wasn't taken, the retries follow by themselves."""
        self._remember(notice)
        deliveries = [self._deliver(notice) for _ in range(times)]
        self._retry_later(notice.id)
        return deliveries

    def send_later(self, notice: Notice, *, times: int, delay: timedelta) -> None:
        """Deliver copies after a while, in the background."""
        self._remember(notice)
        self._timetable.after(delay, lambda: self.send(notice, times=times))

    def resume(self) -> None:
        """Take up what was still due when the sandbox stopped."""
        for notice in self._book.notices():
            self._retry_later(notice.id)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _remember(self, notice: Notice) -> None:
        with self._book.lock:
            if not self._book.notice(notice.id):
                self._book.keep_notice(notice)

    def _deliver(self, notice: Notice) -> Delivery:
        delivery = self._posted(notice)
        with self._book.lock:
            known = self._book.notice(notice.id) or notice
            delivered = (*known.deliveries, delivery)
            self._book.keep_notice(known.evolve(deliveries=delivered))
        return delivery

    def _posted(self, notice: Notice) -> Delivery:
        body = self._body(notice)
        now = self._now()
        try:
            answer = self._pool.request(
                "POST",
                notice.url,
                body=body,
                headers=self._headers(notice, now, body),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return Delivery(at=now, status=None, reason=type(error).__name__)
        return Delivery(at=now, status=answer.status, reason=answer.reason or "")

    def _body(self, notice: Notice) -> bytes:
        sealed = encrypted(self._keys(), compact(notice.plaintext), notice.associated_data)
        return compact(
            {
                "id": notice.id,
                "create_time": china_time(notice.created_at),
                "resource_type": "encrypt-resource",
                "event_type": notice.event_type,
                "summary": notice.summary,
                "resource": {"original_type": notice.original_type, **sealed},
            }
        )

    def _headers(self, notice: Notice, now: datetime, body: bytes) -> dict[str, str]:
        keys = self._keys()
        sign_with = notice.sign_with or self._book.preferences.sign_with
        serial = notification_serial(keys, sign_with)
        headers = signed_headers(keys, now, body, serial=serial)
        if sign_with is SignWith.SIGNTEST:
            headers = spoiled(headers, prefix=SIGNTEST)
        return headers | {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "User-Agent": "Mozilla/4.0",
            "Request-ID": uuid.uuid4().hex.upper(),
        }

    def _retry_later(self, notice_id: str) -> None:
        with self._book.lock:
            notice = self._book.notice(notice_id)
            if not notice or not notice.due or notice_id in self._waiting:
                return
            self._waiting.add(notice_id)
        tried = max(len(self._retries) - notice.retries_left, 0)
        self._timetable.after(self._retries[tried], lambda: self._retry(notice_id))

    def _retry(self, notice_id: str) -> None:
        with self._book.lock:
            self._waiting.discard(notice_id)
            notice = self._book.notice(notice_id)
            if not notice or not notice.due:
                return
            spent = notice.evolve(retries_left=notice.retries_left - 1, sign_with=_honest(notice))
            self._book.keep_notice(spent)
        self._deliver(spent)
        self._retry_later(notice_id)


def _honest(notice: Notice) -> SignWith | None:
    """Return how a retry is signed: what follows a sign test is genuine."""
    return None if notice.sign_with is SignWith.SIGNTEST else notice.sign_with


def _merged(true: dict[str, Any], tampered: dict[str, Any]) -> dict[str, Any]:
    """Tell something else than what is true; `amount` is merged, the rest replaced."""
    changed = {name: value for name, value in tampered.items() if value is not None}
    amount = {**true["amount"], **changed.pop("amount", {})}
    return {**true, **changed, "amount": amount}
