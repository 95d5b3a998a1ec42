"""Closing what nobody paid."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from chalicelib.catalog.store import CatalogStore
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import OrderId
from chalicelib.orders.rules import is_overdue
from chalicelib.orders.store import OrderStore
from chalicelib.payments.model import Closing, Payment, PaymentState
from chalicelib.payments.store import PaymentStore
from chalicelib.payments.usecases.capture import Capture
from chalicelib.payments.usecases.offers import Providers
from chalicelib.providers.port import CloseOutcome, ProviderOutcomeUnknownError
from chalicelib.storage.commit import ACTIONS_MAX, CommitRefusedError, Commits


@dataclass(frozen=True, slots=True)
class CloseOrder:
    """Closes an order that nobody paid in time, after the provider confirmed that nobody can."""

    payments: PaymentStore
    orders: OrderStore
    catalog: CatalogStore
    commits: Commits
    providers: Providers
    capture: Capture
    clock: Clock
    tell: Callable[[Closing], None]

    def close(self, order_id: OrderId) -> None:
        """Close it if its time is over; may be repeated, and stock returns exactly once.

        A provider's error passes through: nothing was closed here, and the command comes again.
        """
        order, payments = self.payments.of_order(order_id)
        if order is None or not is_overdue(order, now=self.clock.now()):
            self.tell(Closing.NOT_DUE)
            return
        closable = [
            payment
            for payment in payments
            if payment.state in {PaymentState.PENDING, PaymentState.FAILED}
        ]
        for payment in closable:
            if self._paid_after_all(payment):
                self.tell(Closing.PAID)
                return
        lines = self.orders.lines(order)
        takes = [take for line in lines for take in line.takes]
        room = ACTIONS_MAX - len(takes) - 2  # the head and the outbox row
        for payment in closable[room:]:
            self._close_alone(payment)
        try:
            with self.commits() as work:
                self.orders.closed(work, order_id)
                for payment in closable[:room]:
                    self.payments.closed(work, payment)
                self.catalog.give_back(work, takes)
                work.emit("order.closed", order_id, facts={"merchant_id": order.merchant_id})
        except CommitRefusedError:
            # Paid, closed, or one of its payments captured meanwhile: look again from the start.
            raise TryAgainError("the order moved while it was being closed") from None
        self.tell(Closing.CLOSED)

    def _paid_after_all(self, payment: Payment) -> bool:
        """Close a payment at its provider; if the shopper was faster, book what was paid."""
        provider = self.providers[payment.provider]
        outcome = provider.close(payment.id, seller=payment.seller)
        match outcome:
            case CloseOutcome.CLOSED:
                return False
            case CloseOutcome.ALREADY_PAID:
                queried = provider.query(payment.id, seller=payment.seller)
                if queried.collected is None:
                    raise ProviderOutcomeUnknownError("paid, says the close; not so, the query")
                self.capture.capture(queried.collected)
                return True
            case _:
                assert_never(outcome)

    def _close_alone(self, payment: Payment) -> None:
        try:
            with self.commits() as work:
                self.payments.closed(work, payment)
                facts = {"merchant_id": payment.merchant_id}
                work.emit("payment.closed", payment.id, beside=payment.order_id, facts=facts)
        except CommitRefusedError:
            raise TryAgainError("the payment moved while it was being closed") from None
