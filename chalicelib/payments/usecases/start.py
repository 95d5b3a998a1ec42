"""Starting a payment."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import MemberId, MerchantId, OrderId, PaymentId
from chalicelib.orders.model import Order, OrderNotFoundError
from chalicelib.orders.rules import is_payable
from chalicelib.orders.store import head_key, read_order
from chalicelib.payments import rules
from chalicelib.payments.model import (
    OrderNotPayableError,
    Payment,
    PaymentNotPayableError,
    PaymentState,
    ProviderNotOfferedError,
    SellerUnknownError,
)
from chalicelib.payments.rules import PAYMENT
from chalicelib.payments.store import PaymentStore, read_payment
from chalicelib.payments.usecases.capture import Capture
from chalicelib.payments.usecases.offers import Providers
from chalicelib.people.model import Member, Merchant
from chalicelib.people.store import read_member, read_merchant
from chalicelib.providers.port import (
    Invoke,
    Outcome,
    PrepayOrder,
    Provider,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
)
from chalicelib.storage import keys
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.table import Table


@dataclass(frozen=True, slots=True)
class Started:
    """A payment, and what the mini-program needs to pay it; None when that is not known (yet)."""

    payment: Payment
    invoke: Invoke | None


@dataclass(frozen=True, slots=True)
class StartPayment:
    """Creates a payment here, then at the provider, under the same number."""

    table: Table
    payments: PaymentStore
    commits: Commits
    providers: Providers
    capture: Capture
    clock: Clock
    seller_of: Callable[[Merchant], str | None]
    """Under whose merchant number the money is frozen; where the platform is the payee, None."""

    unfreezes: bool  # the seller is the payee

    def start(
        self, member_id: MemberId, order_id: OrderId, provider_name: str, *, key: str
    ) -> Started:
        """Start a payment of all that is due; the same shopper, order and key give the same one.

        Raises `OrderNotFoundError`, `OrderNotPayableError`, `PaymentNotPayableError`,
        `ProviderNotOfferedError`, `IdempotencyKeyReusedError`, or a provider's error.
        """
        provider = self.providers.get(provider_name)
        if provider is None:
            raise ProviderNotOfferedError(
                "this provider is not offered here", offered=sorted(self.providers)
            )
        payment_id = PaymentId.derive("start_payment", member_id, order_id, key)
        request = fingerprint(provider_name)
        order, member, payment = self._read(member_id, order_id, payment_id, request)
        if payment is not None and payment.state is PaymentState.CAPTURED:
            return Started(payment, None)
        if payment is not None and payment.state is not PaymentState.PENDING:
            raise PaymentNotPayableError("start another payment", state=payment.state)
        if not is_payable(order, now=self.clock.now()):
            raise OrderNotPayableError("this order can't be paid any more", state=order.state)
        if payment is None:
            payment = self._committed(order, payment_id, provider_name, request)
        return self._prepaid(provider, order, member, payment)

    def _read(
        self, member_id: MemberId, order_id: OrderId, payment_id: PaymentId, request: str
    ) -> tuple[Order, Member, Payment | None]:
        """Read the order, the shopper and the answer already given, in one round trip."""
        at, payment_at = head_key(order_id), keys.payment(order_id, payment_id)
        member_at = keys.member(member_id)
        found = self.table.get_many([at, payment_at, member_at])
        order = read_order(order_id, found[at]) if at in found else None
        if order is None or order.member_id != member_id or member_at not in found:
            raise OrderNotFoundError("there is no such order")
        member = read_member(member_id, found[member_at])
        if payment_at not in found:
            return order, member, None
        if found[payment_at]["request"] != request:
            raise IdempotencyKeyReusedError("this Idempotency-Key started another payment")
        return order, member, read_payment(payment_at, found[payment_at])

    def _committed(
        self, order: Order, payment_id: PaymentId, provider_name: str, request: str
    ) -> Payment:
        seller = self._seller(order.merchant_id)
        try:
            with self.commits() as work:
                payment = Payment(
                    id=payment_id,
                    order_id=order.id,
                    merchant_id=order.merchant_id,
                    provider=provider_name,
                    state=PaymentState.PENDING,
                    amount=order.due,
                    created_at=work.at,
                    seller=seller,
                )
                self.payments.started(work, payment, request=request)
                facts = {"order_id": order.id, "merchant_id": order.merchant_id}
                work.emit("payment.started", payment_id, beside=order.id, facts=facts)
        except CommitRefusedError as refused:
            # The same request, twice at once: the other one made this payment.
            item = refused.refusals[PAYMENT]
            assert item is not None
            return read_payment(keys.payment(order.id, payment_id), item)
        return payment

    def _seller(self, merchant_id: MerchantId) -> str | None:
        """Return under whom the money is frozen; one more read where the seller is the payee."""
        if not self.unfreezes:
            return None
        item = self.table.get(keys.merchant(merchant_id))
        assert item is not None, "who sells is registered"
        seller = self.seller_of(read_merchant(merchant_id, item))
        if seller is None:
            raise SellerUnknownError("the merchant has no account at the provider yet")
        return seller

    def _prepaid(
        self, provider: Provider, order: Order, member: Member, payment: Payment
    ) -> Started:
        """Ask the provider; the number is the payment's, so that asking again is harmless."""
        asked = PrepayOrder(
            payment_id=payment.id,
            attach=rules.attach_text(order.id, order.merchant_id),
            amount=payment.amount,
            description=order.subject,
            payer_openid=member.openid,
            expires_at=order.expires_at,
            seller=payment.seller,
        )
        try:
            try:
                return Started(payment, provider.prepay(asked))
            except ProviderRejectedError as rejected:
                return self._given_up(provider, payment, rejected)
        except ProviderOutcomeUnknownError:
            return Started(payment, None)

    def _given_up(
        self, provider: Provider, payment: Payment, rejected: ProviderRejectedError
    ) -> Started:
        """Before giving up ask what the provider knows: a refusal may mean *paid already*."""
        queried = provider.query(payment.id, seller=payment.seller)
        if queried.outcome is Outcome.PAID and queried.collected is not None:
            self.capture.capture(queried.collected)
            return Started(payment.evolve(state=PaymentState.CAPTURED), None)
        try:
            with self.commits() as work:
                reason = str(rejected.facts.get("provider_code", rejected.code))[:64]
                self.payments.failed(work, payment, reason=reason)
                facts = {"reason": reason, "merchant_id": payment.merchant_id}
                work.emit("payment.failed", payment.id, beside=payment.order_id, facts=facts)
        except CommitRefusedError:
            # Its state moved meanwhile; the caller asks again and is told.
            raise PaymentNotPayableError("the payment is not pending any more") from rejected
        raise rejected
