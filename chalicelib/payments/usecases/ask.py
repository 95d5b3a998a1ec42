"""Asking about payments of which the provider has not said anything (主动查单)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.kernel.ids import OrderId, PaymentId
from chalicelib.payments.model import PaymentState
from chalicelib.payments.store import PaymentStore
from chalicelib.payments.usecases.capture import Capture
from chalicelib.payments.usecases.offers import Providers

ASKED_AFTER_SECONDS = (30, 60, 180, 300, 600)
"""When an unpaid payment is asked about, counted from its start."""

SendLater = Callable[[Mapping[str, str], int], None]
"""Sends a command, which comes after so many seconds."""


@dataclass(frozen=True, slots=True)
class AskAboutPayment:
    """Asks the provider about a payment now and then, so that a lost notification costs minutes.

    What is still unpaid after the last question is asked about once more when its order is closed.
    """

    payments: PaymentStore
    providers: Providers
    capture: Capture
    send_later: SendLater

    def hear(self, event: Mapping[str, Any]) -> None:
        """Hear that a payment was started; heard again, it is asked about twice as often."""
        order_id = OrderId.parse(event["facts"]["order_id"])
        self._later(order_id, PaymentId.parse(event["about"]), 0)

    def ask(self, order_id: OrderId, payment_id: PaymentId, *, question: int) -> None:
        """Ask once, book what was paid, and ask again later about what was not.

        A provider's error passes through, and the command comes again.
        """
        payment = self.payments.find(order_id, payment_id)
        if payment is None or payment.state is not PaymentState.PENDING:
            return
        provider = self.providers[payment.provider]
        collected = provider.query(payment_id, seller=payment.seller).collected
        if collected is not None:
            self.capture.capture(collected)
        elif question + 1 < len(ASKED_AFTER_SECONDS):
            self._later(order_id, payment_id, question + 1)

    def _later(self, order_id: OrderId, payment_id: PaymentId, question: int) -> None:
        before = ASKED_AFTER_SECONDS[question - 1] if question else 0
        command = {
            "command": "ask_about_payment",
            "order_id": order_id,
            "payment_id": payment_id,
            "question": str(question),
        }
        self.send_later(command, ASKED_AFTER_SECONDS[question] - before)
