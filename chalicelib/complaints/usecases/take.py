"""Taking a complaint up: for each payment of ours a dispute is opened, or joined.

A notification is only a hint: the complaint itself is fetched. The list of recent complaints finds
those whose notification was lost.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.complaints import rules
from chalicelib.complaints.model import Case, CaseState, ComplaintUnsettledError, Taken
from chalicelib.complaints.store import CaseStore
from chalicelib.disputes.model import Evidence, Party
from chalicelib.disputes.store import DisputeStore
from chalicelib.disputes.usecases import Disputes
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import DisputeId, InvalidIdError, OrderId, PaymentId
from chalicelib.ledger.days import business_day
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.postings import captured_key
from chalicelib.orders.model import Order
from chalicelib.payments.rules import take_complaint_command
from chalicelib.providers.complaints import (
    Complained,
    Complaint,
    Complaints,
    ComplaintStatus,
    DisputedPayment,
)
from chalicelib.providers.port import ProviderRejectedError
from chalicelib.storage.commit import CommitRefusedError, Commits, Work

LOOK_BACK = timedelta(days=7)
"""How far back complaints are listed; after that their disputes are decided by rule."""

_PAGES_MAX = 200
_TRIES_MAX = 4

Send = Callable[[Sequence[Mapping[str, str]]], None]
TellTaken = Callable[[Taken, Complaint, str], None]

_KNOWN = {
    CaseState.WAITING: Taken.KNOWN,
    CaseState.SAID: Taken.COMPLETED,
    CaseState.ANSWERED: Taken.COMPLETED,
    CaseState.REFUSED: Taken.BY_HAND,
    CaseState.UNHELD: Taken.BY_HAND,
}


@dataclass(frozen=True, slots=True)
class TakeComplaints:
    """Turns complaints into disputes."""

    cases: CaseStore
    disputes: DisputeStore
    disputing: Disputes
    journal: Journal
    commits: Commits
    clock: Clock
    provider: Complaints
    send: Send
    tell: TellTaken

    def hear(self, complained: Complained) -> None:
        """Take a verified word to the queue; it is acknowledged when it is safe there."""
        self.send([take_complaint_command(complained)])

    def look(self) -> int:
        """Ask for every recent complaint that is not completed to be taken up; return how many."""
        today = business_day(self.clock.now())
        asked = 0
        for page in range(_PAGES_MAX):
            found = self.provider.open_between(today - LOOK_BACK, today, page=page)
            words = [Complained(complaint_id=one, action="") for one in found.ids]
            self.send([take_complaint_command(word) for word in words])
            asked += len(words)
            if not found.more:
                break
        return asked

    def take(self, complaint_id: str) -> list[Taken]:
        """Fetch a complaint and take it up, once each time that it is made.

        A provider's error passes through, and the command comes again.
        """
        complaint = self.provider.complaint(complaint_id)
        if complaint is None:
            complaint = _nothing_of(complaint_id)
        if complaint.status is ComplaintStatus.PROCESSED:
            return [self._told(Taken.COMPLETED, complaint)]
        taken = [self._payment(complaint, payment) for payment in complaint.payments]
        if not taken:
            return [self._told(Taken.UNKNOWN, complaint)]
        under_way = {Taken.OPENED, Taken.JOINED, Taken.KNOWN} & set(taken)
        if under_way and complaint.status is ComplaintStatus.PENDING:
            self._receive(complaint)
        return taken

    def _receive(self, complaint: Complaint) -> None:
        """Say that it was received; the provider then counts it as no longer pending."""
        try:
            self.provider.respond(complaint, rules.RECEIVED)
        except ProviderRejectedError:
            self._told(Taken.NOT_TOLD, complaint)

    def _payment(self, complaint: Complaint, payment: DisputedPayment) -> Taken:
        order_id, held = self._booked(payment)
        if order_id is None:
            return self._told(Taken.UNKNOWN, complaint, payment.number)
        for _ in range(_TRIES_MAX):
            taken = self._order(complaint, order_id, held=held)
            if taken is not None:
                return self._told(taken, complaint, order_id)
        raise ComplaintUnsettledError("the order is moving; try again")

    def _booked(self, payment: DisputedPayment) -> tuple[OrderId | None, bool]:
        """Return whose payment it is, and whether its money was held, by both its numbers."""
        try:
            entry = self.journal.find(captured_key(PaymentId.parse(payment.number)))
        except InvalidIdError:
            return None, False
        if entry is None or entry.reference != payment.transaction_id:
            return None, False
        return entry.order_id, entry.kind == "payment_captured"

    def _order(self, complaint: Complaint, order_id: OrderId, *, held: bool) -> Taken | None:
        """Open, join or leave it to a person, in one commit; None when the order moved."""
        order, known = self.cases.with_order(order_id, complaint.id, complaint.times)
        assert order is not None, "what was paid was ordered"
        if known is not None:
            return _KNOWN[known.state]
        if not held:
            return self._unheld(complaint, order)
        if order.dispute is not None:
            return self._joined(complaint, order, order.dispute)
        if self.disputing.can_hold(order):
            return self._opened(complaint, order)
        return self._unheld(complaint, order)

    def _opened(self, complaint: Complaint, order: Order) -> Taken | None:
        dispute_id = rules.dispute_id(order.id, complaint)
        opened = self.disputing.hold_back(
            order,
            dispute_id,
            rules.statement(complaint),
            within=rules.DECIDED_WITHIN,
            also=lambda work: self._record(work, complaint, order.id, dispute_id),
        )
        return None if opened is None else Taken.OPENED

    def _joined(self, complaint: Complaint, order: Order, dispute_id: DisputeId) -> Taken | None:
        try:
            with self.commits() as work:
                self.disputes.going_on(work, order.id, dispute_id)
                self._record(work, complaint, order.id, dispute_id)
                facts = {"merchant_id": order.merchant_id, "complaint_id": complaint.id}
                work.emit("complaint.joined", dispute_id, beside=order.id, facts=facts)
        except CommitRefusedError:
            return None
        return Taken.JOINED

    def _unheld(self, complaint: Complaint, order: Order) -> Taken | None:
        """Leave it to a person, who is told of it before it is remembered that they were."""
        self.tell(Taken.UNHELD, complaint, order.id)
        try:
            with self.commits() as work:
                self.cases.taken(work, _case(complaint, order.id, CaseState.UNHELD))
                facts = {"merchant_id": order.merchant_id, "complaint_id": complaint.id}
                work.emit("complaint.unheld", order.id, facts=facts)
        except CommitRefusedError:
            return None
        return Taken.BY_HAND

    def _record(
        self, work: Work, complaint: Complaint, order_id: OrderId, dispute_id: DisputeId
    ) -> None:
        """Remember the complaint, and let its words stand in the dispute."""
        case = _case(complaint, order_id, CaseState.WAITING).evolve(dispute_id=dispute_id)
        said = Evidence(
            id=rules.said_id(dispute_id, complaint),
            order_id=order_id,
            dispute_id=dispute_id,
            party=Party.SHOPPER,
            said_at=work.at,
            text=rules.statement(complaint),
        )
        self.cases.taken(work, case)
        self.disputes.said(work, said)

    def _told(self, taken: Taken, complaint: Complaint, about: str = "") -> Taken:
        self.tell(taken, complaint, about)
        return taken


def _case(complaint: Complaint, order_id: OrderId, state: CaseState) -> Case:
    return Case(order_id=order_id, complaint_id=complaint.id, times=complaint.times, state=state)


def _nothing_of(complaint_id: str) -> Complaint:
    """Return a complaint of which the provider knows nothing: it is about no payment of ours."""
    return Complaint(
        id=complaint_id,
        complained_of="",
        status=ComplaintStatus.PENDING,
        words="",
        times=1,
        payments=(),
    )
