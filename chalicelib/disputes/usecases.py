"""Opening, withdrawing, deciding and carrying out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.disputes import rules
from chalicelib.disputes.model import (
    CARRIED_OUT,
    DECIDED,
    WITHDRAWN,
    AlreadyDisputedError,
    Decision,
    Dispute,
    DisputeNotFoundError,
    DisputeNotOpenError,
    DisputeState,
    DisputeUnsettledError,
    Evidence,
    OrderNotDisputableError,
    Party,
)
from chalicelib.disputes.store import DisputeStore
from chalicelib.escrow.usecases import Release
from chalicelib.kernel.clock import Clock, instant_text
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import DisputeId, EvidenceId, MemberId, MerchantId, OrderId
from chalicelib.kernel.money import Money, fen
from chalicelib.orders.model import Order, OrderNotFoundError
from chalicelib.orders.store import OrderStore
from chalicelib.refunds.model import RefundTooLargeError
from chalicelib.refunds.usecases import AcceptRefund
from chalicelib.storage.commit import CommitRefusedError, Commits, Work
from chalicelib.storage.due import DueList, Note

LOOK_AGAIN = timedelta(minutes=10)
"""How long after it was looked at a decision that is not carried out is looked at again."""

_TRIES_MAX = 4
_BY_RULE = "by rule"


@dataclass(frozen=True, slots=True)
class Disputes:
    """Lets shoppers dispute what is held, and operators decide (争议裁决)."""

    disputes: DisputeStore
    orders: OrderStore
    receipts: DueList
    deadlines: DueList
    commits: Commits
    clock: Clock
    freeze_days: int

    def open(self, member_id: MemberId, order_id: OrderId, reason: str, *, key: str) -> Dispute:
        """Dispute a shopper's own order while its money is held; the same key opens it once.

        Raises `OrderNotFoundError`, `OrderNotDisputableError`, `AlreadyDisputedError` or
        `IdempotencyKeyReusedError`.
        """
        dispute_id = DisputeId.derive("dispute", order_id, member_id, key)
        for _ in range(_TRIES_MAX):
            order, known = self.disputes.with_order(order_id, dispute_id)
            if order is None or order.member_id != member_id:
                raise OrderNotFoundError("there is no such order")
            if known is not None:
                if known.reason != reason:
                    raise IdempotencyKeyReusedError("this key gave another reason")
                return known
            if order.dispute is not None:
                raise AlreadyDisputedError("it is disputed already", dispute_id=order.dispute)
            if not self.can_hold(order):
                raise OrderNotDisputableError("nothing can be held back", state=order.state)
            opened = self.hold_back(order, dispute_id, reason)
            if opened is not None:
                return opened
        raise DisputeUnsettledError("the order is moving; try again")

    def withdraw(self, member_id: MemberId, order_id: OrderId, dispute_id: DisputeId) -> Dispute:
        """Withdraw a shopper's own dispute; the receipt falls due again. Said again, it is done.

        Raises `DisputeNotFoundError` or `DisputeNotOpenError`.
        """
        order, dispute = self._found(order_id, dispute_id)
        if order.member_id != member_id:
            raise DisputeNotFoundError("there is no such dispute")
        if dispute.state is DisputeState.WITHDRAWN:
            return dispute
        if dispute.state is not DisputeState.OPEN:
            raise DisputeNotOpenError("it was decided", state=dispute.state)
        try:
            with self.commits() as work:
                self.disputes.withdrawn(work, dispute)
                self.orders.undisputed(work, order_id, dispute_id)
                if order.shipment is not None:
                    self.receipts.put(work, order_id, order.shipment.receipt_due_at)
                self._say(work, order, dispute, WITHDRAWN)
        except CommitRefusedError:
            raise DisputeUnsettledError("the order is moving; try again") from None
        return dispute.evolve(state=DisputeState.WITHDRAWN)

    def decide(
        self, order_id: OrderId, dispute_id: DisputeId, refund: Money, reason: str, *, by: str
    ) -> Dispute:
        """Decide that so much of the hold goes back and the rest is the merchant's; once.

        Decided just so before, it is the same. Raises `DisputeNotFoundError`,
        `DisputeNotOpenError` or `RefundTooLargeError`.
        """
        order, dispute = self._found(order_id, dispute_id)
        if dispute.decision is not None:
            if (dispute.decision.refund, dispute.decision.by) != (refund, by):
                raise DisputeNotOpenError("it was decided otherwise", state=dispute.state)
            return dispute
        if dispute.state is not DisputeState.OPEN:
            raise DisputeNotOpenError("it was withdrawn", state=dispute.state)
        if refund > order.held:
            raise RefundTooLargeError("less is held", remaining=order.held.amount)
        try:
            with self.commits() as work:
                decision = Decision(refund=refund, reason=reason, by=by, decided_at=work.at)
                self.disputes.decided(work, dispute, decision)
                self.deadlines.put(work, _about(dispute), work.at + LOOK_AGAIN)
                self._say(work, order, dispute, DECIDED, refund=str(refund.amount))
        except CommitRefusedError:
            raise DisputeUnsettledError("somebody else decided; look again") from None
        return dispute.evolve(state=DisputeState.DECIDED, decision=decision)

    def say(self, evidence: Evidence) -> Evidence:
        """Add to what a party says of an open dispute; said again, it is the same.

        Raises `DisputeNotFoundError`, `DisputeNotOpenError` or `IdempotencyKeyReusedError`.
        """
        order, dispute = self._found(evidence.order_id, evidence.dispute_id)
        if dispute.state is not DisputeState.OPEN:
            raise DisputeNotOpenError("it is not open any more", state=dispute.state)
        try:
            with self.commits() as work:
                self.disputes.said(work, evidence)
                facts = {"evidence_id": evidence.id, "party": evidence.party}
                self._say(work, order, dispute, "dispute.evidence_added", **facts)
        except CommitRefusedError as refused:
            known = self.disputes.read_refused(refused, evidence)
            if known.content != evidence.content:
                raise IdempotencyKeyReusedError("this key said something else") from None
            return known
        return evidence

    def of_order(
        self, order_id: OrderId, *, member_id: MemberId | None, merchant_id: MerchantId | None
    ) -> Sequence[Dispute]:
        """Return an order's disputes to its shopper, its merchant, or (both None) an operator."""
        order = self.orders.find(order_id)
        if order is None or not _sees(order, member_id, merchant_id):
            raise OrderNotFoundError("there is no such order")
        return self.disputes.of_order(order_id)

    def party_of(
        self,
        order_id: OrderId,
        dispute_id: DisputeId,
        *,
        member_id: MemberId | None,
        merchant_id: MerchantId | None,
    ) -> tuple[Dispute, Party]:
        """Return a dispute, and what its reader is to it, or raise `DisputeNotFoundError`."""
        order, dispute = self._found(order_id, dispute_id)
        if not _sees(order, member_id, merchant_id):
            raise DisputeNotFoundError("there is no such dispute")
        if member_id is not None:
            return dispute, Party.SHOPPER
        return dispute, Party.OPERATOR if merchant_id is None else Party.MERCHANT

    def evidence(self, dispute: Dispute) -> Sequence[Evidence]:
        """Return what was said, in the order in which it was."""
        return self.disputes.evidence(dispute)

    def can_hold(self, order: Order) -> bool:
        """Tell whether an order holds money that a dispute could keep where it is."""
        now = self.clock.now()
        return rules.is_disputable(order, now=now, freeze_days=self.freeze_days)

    def hold_back(
        self,
        order: Order,
        dispute_id: DisputeId,
        reason: str,
        *,
        within: timedelta = rules.DECIDED_WITHIN,
        also: Callable[[Work], None] = lambda _work: None,
    ) -> Dispute | None:
        """Open a dispute, and what goes with it, in one commit.

        None when the order moved meanwhile, or the dispute was opened before.
        """
        try:
            with self.commits() as work:
                dispute = Dispute(
                    id=dispute_id,
                    order_id=order.id,
                    state=DisputeState.OPEN,
                    reason=reason,
                    opened_at=work.at,
                    decide_by=rules.decide_by(
                        order, now=work.at, freeze_days=self.freeze_days, within=within
                    ),
                )
                self.orders.disputed(work, order, dispute_id)
                self.disputes.opened(work, dispute)
                self.deadlines.put(work, _about(dispute), dispute.decide_by)
                until = instant_text(dispute.decide_by)
                self._say(work, order, dispute, "dispute.opened", decide_by=until)
                also(work)
        except CommitRefusedError:
            return None
        return dispute

    def _found(self, order_id: OrderId, dispute_id: DisputeId) -> tuple[Order, Dispute]:
        order, dispute = self.disputes.with_order(order_id, dispute_id)
        if order is None or dispute is None:
            raise DisputeNotFoundError("there is no such dispute")
        return order, dispute

    def _say(self, work: Work, order: Order, dispute: Dispute, event: str, **more: str) -> None:
        facts = {"merchant_id": order.merchant_id, "order_id": order.id, **more}
        work.emit(event, dispute.id, beside=order.id, facts=facts)


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Does what was decided, step by step; and decides by rule what nobody decided in time."""

    disputes: DisputeStore
    deciding: Disputes
    deadlines: DueList
    commits: Commits
    clock: Clock
    release: Release
    refunds: AcceptRefund

    def hear(self, event: Mapping[str, Any]) -> None:
        """Hear that a dispute was decided; heard again, it is done."""
        order_id = OrderId.parse(event["facts"]["order_id"])
        self.carry_out(order_id, DisputeId.parse(event["about"]))

    def carry_out(self, order_id: OrderId, dispute_id: DisputeId) -> None:
        """Refund what goes back, release the rest, close; each step once, in this order."""
        order, dispute = self.disputes.with_order(order_id, dispute_id)
        if order is None or dispute is None or dispute.state is not DisputeState.DECIDED:
            return
        assert dispute.decision is not None, "what was decided says so"
        decision = dispute.decision
        if decision.refund.amount:
            self.refunds.decided(order_id, dispute_id, decision.refund, decision.reason)
        self.release.decided(order_id, dispute_id)
        try:
            with self.commits() as work:
                self.disputes.carried_out(work, dispute)
                facts = {"merchant_id": order.merchant_id, "order_id": order_id}
                work.emit(CARRIED_OUT, dispute_id, beside=order_id, facts=facts)
        except CommitRefusedError:
            return  # carried out twice at once

    def sweep(self) -> int:
        """Look at every dispute whose time is over; return how many were brought further."""
        return self.deadlines.sweep(self.clock.now(), self._settle)

    def _settle(self, found: Sequence[Note]) -> int:
        again: list[Dispute] = []
        for note in found:
            order_text, _, dispute_text = note.about.partition(".")
            order_id, dispute_id = OrderId(order_text), DisputeId(dispute_text)
            _, dispute = self.disputes.with_order(order_id, dispute_id)
            if dispute is None:
                continue
            if dispute.state is DisputeState.OPEN and self.clock.now() >= dispute.decide_by:
                self._decide_by_rule(dispute)
            if dispute.state in {DisputeState.OPEN, DisputeState.DECIDED}:
                self.carry_out(order_id, dispute_id)
                again.append(dispute)
        with self.commits() as work:
            for note in found:
                self.deadlines.drop(work, note)
            for dispute in {one.id: one for one in again}.values():
                self.deadlines.put(work, _about(dispute), self.clock.now() + LOOK_AGAIN)
        return len(again)

    def _decide_by_rule(self, dispute: Dispute) -> None:
        """Decide for the merchant if it has answered, else for the shopper."""
        order, _ = self.disputes.with_order(dispute.order_id, dispute.id)
        assert order is not None, "what is disputed is there"
        evidence = self.disputes.evidence(dispute)
        answered = any(one.party is Party.MERCHANT for one in evidence)
        refund = fen(0) if answered else order.held
        reason = "商家已举证，逾期未裁决" if answered else "商家逾期未举证"
        self.deciding.decide(dispute.order_id, dispute.id, refund, reason, by=_BY_RULE)


def evidence_id(dispute_id: DisputeId, caller: str, key: str) -> EvidenceId:
    """Return the id of what this request says."""
    return EvidenceId.derive("said", dispute_id, caller, key)


def _about(dispute: Dispute) -> str:
    return f"{dispute.order_id}.{dispute.id}"


def _sees(order: Order, member_id: MemberId | None, merchant_id: MerchantId | None) -> bool:
    return member_id in {None, order.member_id} and merchant_id in {None, order.merchant_id}
