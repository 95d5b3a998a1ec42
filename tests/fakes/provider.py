"""A provider in memory: it keeps its own books, and fails when it is told to."""

from collections.abc import Mapping

from chalicelib.kernel.ids import PaymentId
from chalicelib.providers.port import (
    CloseOutcome,
    Collected,
    Ignored,
    Invoke,
    NotificationRefusedError,
    Outcome,
    PrepayOrder,
    Queried,
)
from tests.fakes.bills import BillBooks
from tests.fakes.clock import START


class FakeProvider:
    """Says `paid` of what was paid, and raises what is next in `failures`."""

    name = "wechatpay"

    def __init__(self) -> None:
        self.prepaid: dict[str, PrepayOrder] = {}
        self.paid: dict[str, Collected] = {}
        self.closed: set[str] = set()
        self.failures: list[Exception] = []
        self.calls: list[str] = []
        self.bills: BillBooks | None = None  # where every movement is written down

    def pay(self, payment_id: PaymentId) -> Collected:
        """Let the shopper pay, and return what the provider will say of it."""
        order = self.prepaid[payment_id]
        collected = Collected(
            provider=self.name,
            number=payment_id,
            attach=order.attach,
            transaction_id=f"42000{payment_id[-20:]}",
            amount=order.amount,
            paid_at=START,
            seller=order.seller,
        )
        self.paid[payment_id] = collected
        if self.bills:
            self.bills.paid(collected)
        return collected

    def prepay(self, order: PrepayOrder) -> Invoke:
        self._maybe_fail("prepay")
        self.prepaid[order.payment_id] = order
        return {"package": f"prepay_id=wx{order.payment_id}"}

    def query(self, payment_id: PaymentId, *, seller: str | None = None) -> Queried:
        self._maybe_fail("query")
        if payment_id in self.paid:
            return Queried(outcome=Outcome.PAID, collected=self.paid[payment_id])
        if payment_id in self.closed:
            return Queried(outcome=Outcome.CLOSED)
        known = payment_id in self.prepaid
        return Queried(outcome=Outcome.UNPAID if known else Outcome.UNKNOWN_TO_PROVIDER)

    def close(self, payment_id: PaymentId, *, seller: str | None = None) -> CloseOutcome:
        self._maybe_fail("close")
        if payment_id in self.paid:
            return CloseOutcome.ALREADY_PAID
        self.closed.add(payment_id)
        return CloseOutcome.CLOSED

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Collected | Ignored:
        raise NotificationRefusedError("this fake sends none", reason="body")

    def _maybe_fail(self, call: str) -> None:
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop(0)


class FakeLogin:
    """Every code is its own openid."""

    def openid(self, code: str) -> str:
        return f"o_{code}"
