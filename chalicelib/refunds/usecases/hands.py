"""What an operator's hand does to a refund that does not go on by itself."""

from dataclasses import dataclass

from chalicelib.kernel.ids import OrderId, RefundId
from chalicelib.ledger import postings
from chalicelib.ledger.journal import Journal
from chalicelib.refunds.model import (
    Refund,
    RefundNotFoundError,
    RefundNotWaitingError,
    RefundState,
    RefundVerb,
)
from chalicelib.refunds.store import RefundStore
from chalicelib.refunds.usecases.accept import facts_of
from chalicelib.refunds.usecases.advance import Send, advance_command
from chalicelib.refunds.usecases.collect import CollectRefund
from chalicelib.storage.commit import CommitRefusedError, Commits


@dataclass(frozen=True, slots=True)
class RefundHands:
    """Funds, retries or settles refunds, each once."""

    refunds: RefundStore
    journal: Journal
    commits: Commits
    collecting: CollectRefund
    send: Send

    def fund(self, order_id: OrderId, refund_id: RefundId) -> Refund:
        """Pay the merchant's part of a waiting refund for it (垫付), which it owes from then on.

        Said again, it is done. Raises `RefundNotFoundError` or `RefundNotWaitingError`.
        """
        refund = self._found(order_id, refund_id)
        if not refund.returned.amount or refund.seller is not None:
            raise RefundNotWaitingError("it does not wait for money", state=refund.state)
        if refund.state is not RefundState.WAITING:
            return refund
        if not self.collecting.from_merchant(refund, funded=True):
            return self._found(order_id, refund_id)  # somebody collected it meanwhile
        return refund.evolve(state=RefundState.QUEUED)

    def retry(self, order_id: OrderId, refund_id: RefundId) -> Refund:
        """Send a refund that the provider closed again, under a fresh number.

        Said again, it is done. Raises `RefundNotFoundError` or `RefundNotWaitingError`.
        """
        refund = self._found(order_id, refund_id)
        if refund.state is not RefundState.CLOSED:
            if refund.attempt > 1:
                return refund
            raise RefundNotWaitingError("the provider did not close it", state=refund.state)
        try:
            with self.commits() as work:
                self.refunds.moved(work, refund, RefundVerb.RETRY)
                facts = facts_of(refund)
                work.emit("refund.retried", refund.id, beside=order_id, facts=facts)
        except CommitRefusedError:
            return self._found(order_id, refund_id)  # another hand was faster
        self.send([advance_command((order_id, refund_id))])
        return refund.evolve(state=RefundState.QUEUED, attempt=refund.attempt + 1)

    def settle(self, order_id: OrderId, refund_id: RefundId, *, reference: str) -> Refund:
        """Record that the platform paid a refund from its bank, since the provider closed it.

        `reference` says how. Where the seller is the payee its own money pays, not the platform's.
        Said again, it is done. Raises `RefundNotFoundError` or `RefundNotWaitingError`.
        """
        refund = self._found(order_id, refund_id)
        if refund.state is RefundState.SETTLED:
            return refund
        if refund.state is not RefundState.CLOSED or refund.seller is not None:
            raise RefundNotWaitingError("the provider may still pay it", state=refund.state)
        movement = postings.refund_settled(
            refund_id, order_id=order_id, amount=refund.amount, late=refund.late
        )
        try:
            with self.commits() as work:
                self.refunds.moved(work, refund, RefundVerb.SETTLE, failure=reference)
                self.journal.post(
                    work,
                    movement,
                    event="refund.settled",
                    about=refund_id,
                    beside=order_id,
                    facts=facts_of(refund) | {"reference": reference},
                )
        except CommitRefusedError:
            return self._found(order_id, refund_id)  # it moved meanwhile: the caller sees where to
        return refund.evolve(state=RefundState.SETTLED)

    def _found(self, order_id: OrderId, refund_id: RefundId) -> Refund:
        found = self.refunds.many([(order_id, refund_id)])
        if not found:
            raise RefundNotFoundError("there is no such refund")
        return found[0]
