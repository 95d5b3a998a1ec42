"""Payments' items, and the provider's certificates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import MerchantId, OrderId, PaymentId
from chalicelib.kernel.money import Money
from chalicelib.orders.model import Order
from chalicelib.orders.store import read_order
from chalicelib.payments.model import PAYMENT_LIFECYCLE, Payment, PaymentState, PaymentVerb
from chalicelib.payments.rules import PAYMENT
from chalicelib.providers.port import Certificate, Collected
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import Condition, Equals, Missing, OneOf, Set, all_of
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item, Key, Value, whole

CERTIFICATES = "certificates"


def read_payment(key: Key, item: Item) -> Payment:
    """Read a payment's item."""
    return Payment(
        id=PaymentId(key.sk.removeprefix(keys.PAYMENTS_OF_ORDER)),
        order_id=OrderId(key.pk),
        merchant_id=MerchantId(str(item["merchant"])),
        provider=str(item["provider"]),
        state=PaymentState(str(item["state"])),
        amount=Money(amount=whole(item["amount"]), currency=str(item["currency"])),
        created_at=instant_from(str(item["created_at"])),
        seller=str(item["seller"]) if "seller" in item else None,
        transaction_id=str(item["transaction_id"]) if "transaction_id" in item else None,
        late=bool(item.get("late", False)),
    )


@dataclass(frozen=True, slots=True)
class PaymentStore:
    """Where payments are kept: each beside its order."""

    table: Table

    def find(self, order_id: OrderId, payment_id: PaymentId) -> Payment | None:
        """Return a payment, if there is one."""
        key = keys.payment(order_id, payment_id)
        item = self.table.get(key)
        return read_payment(key, item) if item else None

    def of_order(self, order_id: OrderId) -> tuple[Order | None, Sequence[Payment]]:
        """Return an order's head and all its payments; a round trip for every hundred."""
        head: Order | None = None
        payments: list[Payment] = []
        after: str | None = None
        while True:
            page = self.table.query(keys.MAIN, order_id, after=after)
            for key, item in page.rows:
                if key == keys.order(order_id):
                    head = read_order(order_id, item)
                elif key.sk.startswith(keys.PAYMENTS_OF_ORDER):
                    payments.append(read_payment(key, item))
            if page.next_sk is None:
                return head, payments
            after = page.next_sk

    def started(self, work: Work, payment: Payment, *, request: str) -> None:
        """Add a pending payment."""
        item: Item = {
            "merchant": payment.merchant_id,
            "provider": payment.provider,
            "state": payment.state,
            "amount": payment.amount.amount,
            "currency": payment.amount.currency,
            "created_at": instant_text(payment.created_at),
            "request": request,
        }
        if payment.seller is not None:
            item = {**item, "seller": payment.seller}
        work.put(keys.payment(payment.order_id, payment.id), item, refusal=PAYMENT)

    def captured(
        self,
        work: Work,
        payment_id: PaymentId,
        order_id: OrderId,
        *,
        merchant_id: MerchantId,
        collected: Collected,
        late: bool = False,
    ) -> None:
        """Take a payment as paid, unless it is already, or was for another amount or merchant."""
        work.update(
            keys.payment(order_id, payment_id),
            Set("state", PaymentState.CAPTURED),
            Set("transaction_id", collected.transaction_id),
            Set("paid_at", instant_text(collected.paid_at)),
            Set("late", late),
            when=all_of(
                _state_before(PaymentVerb.CAPTURE),
                Equals("amount", collected.amount.amount),
                Equals("currency", collected.amount.currency),
                Equals("merchant", merchant_id),
                Equals("provider", collected.provider),
                Missing("seller")
                if collected.seller is None
                else Equals("seller", collected.seller),
            ),
            refusal=PAYMENT,
        )

    def failed(self, work: Work, payment: Payment, *, reason: str) -> None:
        """Give a payment up: pending → failed."""
        work.update(
            keys.payment(payment.order_id, payment.id),
            Set("state", PaymentState.FAILED),
            Set("failure", reason),
            when=_state_before(PaymentVerb.FAIL),
            refusal=PAYMENT,
        )

    def closed(self, work: Work, payment: Payment) -> None:
        """Close a payment that the provider confirmed can't be paid any more."""
        work.update(
            keys.payment(payment.order_id, payment.id),
            Set("state", PaymentState.CLOSED),
            when=_state_before(PaymentVerb.CLOSE),
            refusal=f"{PAYMENT}/{payment.id}",
        )

    def certificates(self, provider: str) -> Sequence[Certificate]:
        """Return the provider's certificates as last downloaded."""
        item = self.table.get(keys.provider_certificates(provider))
        rows = item["certificates"] if item else []
        assert isinstance(rows, list)
        return [_read_certificate(row) for row in rows]

    def save_certificates(
        self, work: Work, provider: str, certificates: Sequence[Certificate], *, at: datetime
    ) -> None:
        """Replace the downloaded certificates by a list that contains the still valid old ones."""
        rows: list[Value] = [
            {
                "serial": certificate.serial,
                "pem": certificate.pem,
                "expires_at": instant_text(certificate.expires_at),
            }
            for certificate in certificates
        ]
        item: Item = {"certificates": rows, "downloaded_at": instant_text(at)}
        key = keys.provider_certificates(provider)
        work.put(key, item, refusal=CERTIFICATES, when=None)


def _read_certificate(row: Value) -> Certificate:
    assert isinstance(row, Mapping)
    return Certificate(
        serial=str(row["serial"]),
        pem=str(row["pem"]),
        expires_at=instant_from(str(row["expires_at"])),
    )


def _state_before(verb: PaymentVerb) -> Condition:
    return OneOf("state", tuple(sorted(PAYMENT_LIFECYCLE.before(verb))))
