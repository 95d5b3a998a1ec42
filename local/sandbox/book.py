"""The sandbox's memory: one lock, plain dictionaries, a file that is replaced whole."""

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from local.sandbox.bills import Bill
from local.sandbox.complaint import Complaint
from local.sandbox.orders import Notice, Order, Preferences, Seen
from local.sandbox.parcel import Parcel
from local.sandbox.plan import BillPlan
from local.sandbox.refund import Refund
from local.sandbox.shares import ReceiverGone, ShareReturn, Split
from local.sandbox.shelf import Shelf

REQUESTS_KEPT = 2000
R = TypeVar("R")


class Page(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(extra="forbid")

    orders: list[Order] = []
    notices: list[Notice] = []
    requests: list[Seen] = []
    preferences: Preferences = Preferences()
    bills: list[Bill] = []
    splits: list[Split] = []
    returns: list[ShareReturn] = []
    receivers: list[ReceiverGone] = []
    parcels: list[Parcel] = []
    refunds: list[Refund] = []
    plans: list[BillPlan] = []
    complaints: list[Complaint] = []


class Book:
    """Orders, notices and requests; hold `lock` to decide and write in one piece."""

    def __init__(self, path: Path | None = None, *, changed: Callable[[], None]) -> None:
        self.lock = RLock()
        self._path = path
        self._changed = changed
        self.bills: Shelf[Bill] = self._shelf(lambda bill: bill.out_bill_no)
        self.splits: Shelf[Split] = self._shelf(
            lambda split: split.out_order_no, group=lambda split: split.transaction_id
        )
        self.returns: Shelf[ShareReturn] = self._shelf(
            lambda back: back.asked.out_return_no, group=lambda back: back.out_order_no
        )
        self.receivers: Shelf[ReceiverGone] = self._shelf(lambda receiver: receiver.key)
        self.parcels: Shelf[Parcel] = self._shelf(lambda parcel: parcel.transaction_id)
        self.refunds: Shelf[Refund] = self._shelf(
            lambda refund: refund.out_refund_no, group=lambda refund: refund.transaction_id
        )
        self.plans: Shelf[BillPlan] = self._shelf(lambda plan: plan.key)
        self.complaints: Shelf[Complaint] = self._shelf(lambda one: one.complaint_id)
        page = Page()
        if path and path.exists():
            page = Page.model_validate_json(path.read_bytes())
        self._open(page)

    def reset(self) -> int:
        """Forget everything; return how many orders were forgotten."""
        with self.lock:
            forgotten = len(self._orders)
            self._open(Page())
        self._changed()
        return forgotten

    def order(self, out_trade_no: str) -> Order | None:
        """Find an order by the merchant's number."""
        with self.lock:
            return self._orders.get(out_trade_no)

    def order_by_prepay_id(self, prepay_id: str) -> Order | None:
        """Find an order by its living prepay_id."""
        with self.lock:
            return self._orders.get(self._by_prepay_id.get(prepay_id, ""))

    def order_by_transaction_id(self, transaction_id: str) -> Order | None:
        """Find an order by WeChat Pay's number."""
        with self.lock:
            return self._orders.get(self._by_transaction_id.get(transaction_id, ""))

    def keep(self, order: Order) -> Order:
        """Write an order."""
        with self.lock:
            if before := self._orders.get(order.out_trade_no):
                self._by_prepay_id.pop(before.prepay_id, None)
            self._index(order)
        self._changed()
        return order

    def orders(self) -> list[Order]:
        """Return every order, oldest first."""
        with self.lock:
            return list(self._orders.values())

    def notice(self, notice_id: str) -> Notice | None:
        """Find a notice by its id."""
        with self.lock:
            return self._notices.get(notice_id)

    def keep_notice(self, notice: Notice) -> Notice:
        """Write a notice."""
        with self.lock:
            self._notices[notice.id] = notice
        self._changed()
        return notice

    def notices(self) -> list[Notice]:
        """Return every notice, oldest first."""
        with self.lock:
            return list(self._notices.values())

    def saw(self, request: Seen) -> None:
        """Write down a request and what became of it, under the next position."""
        with self.lock:
            position = self._requests[-1].position + 1 if self._requests else 1
            self._requests.append(request.evolve(position=position))
        self._changed()

    def requests(self) -> list[Seen]:
        """Return the recent requests, oldest first."""
        with self.lock:
            return list(self._requests)

    @property
    def preferences(self) -> Preferences:
        """Return what holds for all that follows."""
        return self._preferences

    def prefer(self, preferences: Preferences) -> None:
        """Change what holds for all that follows."""
        self._preferences = preferences
        self._changed()

    def save(self) -> None:
        """Replace the file by what is known now."""
        if not self._path:
            return
        with self.lock:
            page = Page(
                orders=list(self._orders.values()),
                notices=list(self._notices.values()),
                requests=list(self._requests),
                preferences=self._preferences,
                bills=self.bills.all(),
                splits=self.splits.all(),
                returns=self.returns.all(),
                receivers=self.receivers.all(),
                parcels=self.parcels.all(),
                refunds=self.refunds.all(),
                plans=self.plans.all(),
                complaints=self.complaints.all(),
            )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".tmp")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(page.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _open(self, page: Page) -> None:
        self._orders: dict[str, Order] = {}
        self._by_prepay_id: dict[str, str] = {}
        self._by_transaction_id: dict[str, str] = {}
        self._notices = {notice.id: notice for notice in page.notices}
        self._requests = deque(page.requests, maxlen=REQUESTS_KEPT)
        self._preferences = page.preferences
        for order in page.orders:
            self._index(order)

        self.bills.open(page.bills)
        self.splits.open(page.splits)
        self.returns.open(page.returns)
        self.receivers.open(page.receivers)
        self.parcels.open(page.parcels)
        self.refunds.open(page.refunds)
        self.plans.open(page.plans)
        self.complaints.open(page.complaints)

    def _shelf(self, key: Callable[[R], str], group: Callable[[R], str] | None = None) -> Shelf[R]:
        return Shelf(key, group=group, lock=self.lock, changed=self._changed)

    def _index(self, order: Order) -> None:
        self._orders[order.out_trade_no] = order
        self._by_prepay_id[order.prepay_id] = order.out_trade_no
        if order.transaction_id:
            self._by_transaction_id[order.transaction_id] = order.out_trade_no
