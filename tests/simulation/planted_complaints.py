"""Planted bugs of complaints."""

import itertools
from contextlib import ExitStack
from typing import Any

from chalicelib.complaints import rules
from chalicelib.complaints.model import Case, CaseVerb, Taken
from chalicelib.complaints.store import CaseStore
from chalicelib.complaints.usecases import AnswerComplaints, TakeComplaints
from chalicelib.disputes.model import Dispute
from chalicelib.kernel.ids import DisputeId, OrderId
from chalicelib.orders.model import Order
from chalicelib.providers.complaints import Complaint
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from tests.simulation.roots import Bug, patch


def _ignored(roots: ExitStack) -> None:
    patch(roots, TakeComplaints, "take", lambda *_: [])


def _never_looked_for(roots: ExitStack) -> None:
    patch(roots, TakeComplaints, "look", lambda *_: 0)


def _second_dispute(roots: ExitStack) -> None:
    """Open a dispute each time that a complaint is heard of and none is open."""
    numbers = itertools.count()

    def with_order(self: CaseStore, order_id: OrderId, *name: Any) -> tuple[Order | None, None]:
        order, _ = right(self, order_id, *name)
        return order, None

    def taken(self: CaseStore, work: Work, case: Case) -> None:
        del self
        key = keys.complaint(case.order_id, case.complaint_id, case.times)
        item = {"state": case.state, "dispute": str(case.dispute_id)}
        work.put(key, item, refusal="complaint", when=None)

    def dispute_id(order_id: OrderId, complaint: Complaint) -> DisputeId:
        return DisputeId.derive("complaint", order_id, complaint.id, str(next(numbers)))

    right = patch(roots, CaseStore, "with_order", with_order)
    patch(roots, CaseStore, "taken", taken)
    patch(roots, rules, "dispute_id", dispute_id)


def _nothing_held_and_nobody_told(roots: ExitStack) -> None:
    patch(roots, TakeComplaints, "_unheld", lambda *_: Taken.BY_HAND)


def _end_unheard(roots: ExitStack) -> None:
    patch(roots, AnswerComplaints, "hear", lambda *_: None)


def _said_again_after_silence(roots: ExitStack) -> None:
    """Say it once more when nobody knows whether it was said."""

    def said(
        self: AnswerComplaints, order: Order, case: Case, dispute: Dispute, complaint: Complaint
    ) -> Case | None:
        self.provider.respond(complaint, rules.answer(dispute))
        return self._moved(order, case, CaseVerb.SAY)

    patch(roots, AnswerComplaints, "_said", said)


def _completed_without_a_word(roots: ExitStack) -> None:
    def said(self: AnswerComplaints, order: Order, case: Case, *_: Any) -> Case | None:
        return self._moved(order, case, CaseVerb.SAY)

    patch(roots, AnswerComplaints, "_said", said)


def _completed_for_all_orders(roots: ExitStack) -> None:
    patch(roots, AnswerComplaints, "_is_last", lambda *_: True)


COMPLAINT_BUGS = [
    Bug("complaint ignored", _ignored),
    Bug("complaint never looked for", _never_looked_for),
    Bug("complaint opens a second dispute", _second_dispute, "complaint, known"),
    Bug("nothing held, and nobody told", _nothing_held_and_nobody_told),
    Bug("end of a dispute unheard", _end_unheard),
    Bug("answer said again after silence", _said_again_after_silence, "answer a complaint"),
    Bug("completed without a word", _completed_without_a_word),
    Bug(
        "completed for all orders",
        _completed_for_all_orders,
        "answer a complaint of two orders",
    ),
]
