"""Answering a complaint when its dispute has ended, and completing it.

The dispute ends ─▶ the payer is told how ─▶ SAID ─▶ was that the last order? ─▶ completed
A complaint about several orders is completed by whoever finds all the others told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.complaints import rules
from chalicelib.complaints.model import LEFT, Answered, Case, CaseState, CaseVerb
from chalicelib.complaints.store import CaseStore
from chalicelib.disputes.model import ENDED, Dispute
from chalicelib.disputes.store import DisputeStore
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import InvalidIdError, OrderId, PaymentId
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.postings import captured_key
from chalicelib.orders.model import Order
from chalicelib.providers.complaints import Complaint, Complaints, ComplaintStatus
from chalicelib.providers.port import ProviderRejectedError
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.due import DueList, Note

LOOK_AGAIN = timedelta(minutes=10)
"""How long after it was looked at a complaint that may be unanswered is looked at again."""

Send = Callable[[Sequence[Mapping[str, str]]], None]
TellAnswered = Callable[[Answered, Case, str], None]

_TOLD = frozenset({CaseState.SAID, CaseState.ANSWERED})
_EVENTS = {
    CaseVerb.SAY: "complaint.said",
    CaseVerb.COMPLETE: "complaint.answered",
    CaseVerb.REFUSE: "complaint.refused",
}


@dataclass(frozen=True, slots=True)
class AnswerComplaints:
    """Tells payers how their disputes ended, until the provider has taken it or refused it."""

    cases: CaseStore
    disputes: DisputeStore
    journal: Journal
    commits: Commits
    clock: Clock
    unanswered: DueList
    provider: Complaints
    send: Send
    tell: TellAnswered

    def hear(self, event: Mapping[str, Any]) -> None:
        """Hear that a dispute has ended: note and ask for answers; heard again, asked again."""
        found = self.cases.of_order(OrderId.parse(event["facts"]["order_id"]))
        ended = [case for case in found if case.dispute_id == event["about"] and case.state in LEFT]
        if not ended:
            return
        with self.commits() as work:
            for case in ended:
                self.unanswered.put(work, case.name, self.clock.now() + LOOK_AGAIN)
        self.send([answer_command(case.name) for case in ended])

    def answer(self, name: str) -> None:
        """Bring one complaint about one order to its end; done before, it is done.

        A provider's error passes through: the command comes again, and so does the sweep.
        """
        case = self.cases.find(name)
        if case is None or case.state not in LEFT:
            return
        assert case.dispute_id is not None, "what waits, waits for a dispute"
        order, dispute = self.disputes.with_order(case.order_id, case.dispute_id)
        if order is None or dispute is None or dispute.state not in ENDED:
            return
        try:
            complaint = self.provider.complaint(case.complaint_id)
            self._end(order, case, dispute, complaint)
        except ProviderRejectedError as rejected:
            code = str(rejected.facts.get("provider_code", rejected.code))
            self._refused(order, case, code)

    def sweep(self) -> int:
        """Ask again for every answer that is noted and not given; return for how many."""
        return self.unanswered.sweep(self.clock.now(), self._settle)

    def _end(self, order: Order, case: Case, dispute: Dispute, complaint: Complaint | None) -> None:
        if complaint is None:
            raise ProviderRejectedError("there is no such complaint", provider_code="not_there")
        if complaint.status is ComplaintStatus.PROCESSED or complaint.times > case.times:
            self._moved(order, case, CaseVerb.COMPLETE)
            return
        said = self._said(order, case, dispute, complaint)
        if said is None:
            return
        last = self._is_last(case, complaint)
        if last:
            self.provider.complete(complaint)
        moved = self._moved(order, said, CaseVerb.COMPLETE)
        if moved is not None:
            self.tell(Answered.COMPLETED if last else Answered.SAID, case, "")

    def _said(
        self, order: Order, case: Case, dispute: Dispute, complaint: Complaint
    ) -> Case | None:
        """Tell the payer how it ended, unless that was said; None if another is faster."""
        if case.state is CaseState.SAID:
            return case
        if not any(dispute.id in words for words in self.provider.said(complaint.id)):
            self.provider.respond(complaint, rules.answer(dispute))
        return self._moved(order, case, CaseVerb.SAY)

    def _is_last(self, case: Case, complaint: Complaint) -> bool:
        """Tell whether of every other order of a complaint the payer was told how it ended."""
        if len(complaint.payments) == 1:
            return True
        others = {self._other(payment.number) for payment in complaint.payments} - {case.order_id}
        names = [case.evolve(order_id=order_id).name for order_id in others if order_id is not None]
        found = self.cases.named(names) if names else {}
        return None not in others and all(
            name in found and found[name].state in _TOLD for name in names
        )

    def _other(self, number: str) -> OrderId | None:
        try:
            entry = self.journal.find(captured_key(PaymentId.parse(number)))
        except InvalidIdError:
            return None
        return entry.order_id if entry else None

    def _refused(self, order: Order, case: Case, code: str) -> None:
        """Leave it to a person, unless it was done all the same."""
        case = self.cases.find(case.name) or case
        now = self.provider.complaint(case.complaint_id)
        done = now is not None and now.status is ComplaintStatus.PROCESSED
        if case.state not in LEFT:
            return
        if not done:
            self.tell(Answered.REFUSED, case, code)
        self._moved(order, case, CaseVerb.COMPLETE if done else CaseVerb.REFUSE)

    def _moved(self, order: Order, case: Case, verb: CaseVerb) -> Case | None:
        """Bring it further; None if another was faster."""
        try:
            with self.commits() as work:
                moved = self.cases.moved(work, case, verb)
                facts = {"merchant_id": order.merchant_id, "complaint_id": case.complaint_id}
                about = case.dispute_id or case.order_id
                work.emit(_EVENTS[verb], about, beside=case.order_id, facts=facts)
        except CommitRefusedError:
            return None
        return moved

    def _settle(self, found: Sequence[Note]) -> int:
        names = list(dict.fromkeys(note.about for note in found))
        cases = self.cases.named(names)
        left = [name for name in names if name in cases and cases[name].state in LEFT]
        self.send([answer_command(name) for name in left])
        with self.commits() as work:
            for note in found:
                self.unanswered.drop(work, note)
            for name in left:
                self.unanswered.put(work, name, self.clock.now() + LOOK_AGAIN)
        return len(left)


def answer_command(name: str) -> dict[str, str]:
    """Spell the command to answer a complaint."""
    return {"command": "answer_complaint", "case": name}
