"""Accepting a refund: from here on it is owed, and nothing else can take its money."""

from dataclasses import dataclass

from chalicelib.catalog.store import CatalogStore
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import DisputeId, MerchantId, OrderId, PaymentId, RefundId
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger import postings
from chalicelib.ledger.journal import Journal
from chalicelib.orders.model import Order, OrderNotFoundError, OrderVerb, refund_verb
from chalicelib.orders.store import OrderStore
from chalicelib.payments.model import Payment, PaymentState
from chalicelib.payments.rules import holding
from chalicelib.refunds import rules
from chalicelib.refunds.model import ACCEPTED, Refund, RefundState, RefundUnsettledError
from chalicelib.refunds.store import RefundStore
from chalicelib.storage.commit import CommitRefusedError, Commits, Work

_TRIES_MAX = 4
_LATE = "款项已迟到"
_UNSHIPPED = "超时未发货，自动退款"


@dataclass(frozen=True, slots=True)
class AcceptRefund:
    """Takes refunds on (受理退款): out of the hold at once, out of released money to be collected.

    A sale of which nothing ever left its merchant gives its goods back to the stock.
    """

    refunds: RefundStore
    orders: OrderStore
    catalog: CatalogStore
    journal: Journal
    commits: Commits
    clock: Clock

    def accept(
        self,
        order_id: OrderId,
        amount: Money,
        reason: str,
        *,
        merchant_id: MerchantId | None,
        caller: str,
        key: str,
    ) -> Refund:
        """Refund so much of an order; the same caller and key refund it once.

        `merchant_id` is whose order it must be, None for an operator. Raises `OrderNotFoundError`,
        `OrderNotRefundableError`, `RefundTooLargeError`, `TooManyRefundsError`,
        `OrderDisputedError` or `IdempotencyKeyReusedError`.
        """
        refund_id = RefundId.derive("refund", order_id, caller, key)
        for _ in range(_TRIES_MAX):
            found = self.refunds.of_order(order_id)
            order, payment = found.order, holding(found.payments)
            if order is None or merchant_id not in {None, order.merchant_id}:
                raise OrderNotFoundError("there is no such order")
            if (known := found.refund(refund_id)) is not None:
                if known.amount != amount:
                    raise IdempotencyKeyReusedError("this key refunded another amount")
                return known
            rules.refuse(order, payment, amount, now=self.clock.now())
            assert payment is not None, "refused otherwise"
            accepted = self._accepted(order, payment, refund_id, amount, reason)
            if accepted is not None:
                return accepted
        raise RefundUnsettledError("the order is moving; try again")

    def decided(self, order_id: OrderId, dispute_id: DisputeId, amount: Money, reason: str) -> None:
        """Refund out of a disputed order's hold, as was decided; said again, it is done."""
        refund_id = RefundId.derive("dispute", dispute_id)
        for _ in range(_TRIES_MAX):
            found = self.refunds.of_order(order_id)
            order, payment = found.order, holding(found.payments)
            if order is None or payment is None or order.dispute != dispute_id:
                return
            if found.refund(refund_id) is not None:
                return
            if self._accepted(order, payment, refund_id, amount, reason) is not None:
                return
        raise RefundUnsettledError("the order is moving; try again")

    def unshipped(self, order_id: OrderId) -> bool:
        """Refund all that an order holds whose goods were never shipped; tell whether it was.

        Shipped, disputed or refunded otherwise meanwhile, it is left alone.
        """
        refund_id = RefundId.derive("unshipped", order_id)
        for _ in range(_TRIES_MAX):
            found = self.refunds.of_order(order_id)
            order, payment = found.order, holding(found.payments)
            if order is None or payment is None or not rules.is_unshipped(order):
                return False
            if self._accepted(order, payment, refund_id, order.held, _UNSHIPPED) is not None:
                return True
        raise RefundUnsettledError("the order is moving; try again")

    def late(self, order_id: OrderId, payment_id: PaymentId) -> None:
        """Refund a payment that came too late, out of suspense; said again, it is done."""
        refund_id = RefundId.derive("late", payment_id)
        found = self.refunds.of_order(order_id)
        payment = next((one for one in found.payments if one.id == payment_id), None)
        if found.refund(refund_id) is not None or payment is None or not payment.late:
            return
        assert payment.state is PaymentState.CAPTURED
        try:
            with self.commits() as work:
                refund = Refund(
                    id=refund_id,
                    order_id=order_id,
                    payment_id=payment_id,
                    merchant_id=payment.merchant_id,
                    state=RefundState.QUEUED,
                    amount=payment.amount,
                    held=fen(0),
                    returned=fen(0),
                    fee=fen(0),
                    late=True,
                    reason=_LATE,
                    created_at=work.at,
                    number=0,
                    seller=payment.seller,
                )
                self.refunds.accepted(work, refund)
                work.emit(ACCEPTED, refund_id, beside=order_id, facts=facts_of(refund))
        except CommitRefusedError:
            return  # heard of twice at once

    def _accepted(
        self, order: Order, payment: Payment, refund_id: RefundId, amount: Money, reason: str
    ) -> Refund | None:
        """Commit it all at once; None when the order moved meanwhile."""
        held, returned = rules.split(order, amount)
        fee, shares = rules.given_back(order, returned)
        takes = []
        if rules.returns_stock(order, held):
            takes = [take for line in self.orders.lines(order) for take in line.takes]
        try:
            with self.commits() as work:
                refund = Refund(
                    id=refund_id,
                    order_id=order.id,
                    payment_id=payment.id,
                    merchant_id=order.merchant_id,
                    state=RefundState.WAITING if returned.amount else RefundState.QUEUED,
                    amount=amount,
                    held=held,
                    returned=returned,
                    fee=fee,
                    shares=shares if returned.amount else (),
                    reason=reason,
                    created_at=work.at,
                    number=order.refunds + 1,
                    seller=payment.seller,
                )
                self.orders.refunded(work, order, held=held, returned=returned)
                self.refunds.accepted(work, refund)
                self.catalog.give_back(work, takes)
                verb = refund_verb(order, held=held, returned=returned)
                self._say(work, refund, rest=verb is OrderVerb.REFUND_REST)
        except CommitRefusedError:
            return None
        return refund

    def _say(self, work: Work, refund: Refund, *, rest: bool) -> None:
        facts = facts_of(refund) | ({"rest": "1"} if rest else {})
        if not refund.held.amount:
            work.emit(ACCEPTED, refund.id, beside=refund.order_id, facts=facts)
            return
        movement = postings.refunded(
            refund.id,
            order_id=refund.order_id,
            merchant_id=refund.merchant_id,
            amount=refund.held,
        )
        self.journal.post(
            work,
            movement,
            event=ACCEPTED,
            about=refund.id,
            beside=refund.order_id,
            facts=facts,
            guarded=movement.guards,
        )


def facts_of(refund: Refund) -> dict[str, str]:
    """Return what every event of a refund says of it."""
    return {"merchant_id": refund.merchant_id, "order_id": refund.order_id}
