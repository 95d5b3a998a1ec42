"""The room's collaborators in production."""

from collections.abc import Mapping, Sequence

from chalicelib import outside
from chalicelib.complaints.model import UNANSWERED, Answered, Case, Taken
from chalicelib.complaints.store import CaseStore
from chalicelib.complaints.usecases import AnswerComplaints, TakeComplaints
from chalicelib.disputes.store import DisputeStore
from chalicelib.edge import observe
from chalicelib.ledger.journal import Journal
from chalicelib.providers.complaints import Complaint
from chalicelib.storage.due import DueList

authenticator = outside.authenticator


@outside.renewed
def take_complaints() -> TakeComplaints:
    """Return the way complaints are taken up."""
    from chalicelib.disputes.wiring import disputes
    from chalicelib.payments.wiring import wechatpay

    return TakeComplaints(
        cases=CaseStore(outside.table()),
        disputes=DisputeStore(outside.table()),
        disputing=disputes(),
        journal=Journal(outside.table()),
        commits=outside.commits(),
        clock=outside.clock(),
        provider=wechatpay().complaints,
        send=_send,
        tell=_tell_taken,
    )


@outside.renewed
def answer_complaints() -> AnswerComplaints:
    """Return the way complaints are answered."""
    from chalicelib.payments.wiring import wechatpay

    return AnswerComplaints(
        cases=CaseStore(outside.table()),
        disputes=DisputeStore(outside.table()),
        journal=Journal(outside.table()),
        commits=outside.commits(),
        clock=outside.clock(),
        unanswered=DueList(outside.table(), UNANSWERED),
        provider=wechatpay().complaints,
        send=_send,
        tell=_tell_answered,
    )


def _send(commands: Sequence[Mapping[str, str]]) -> None:
    outside.commands_queue().send_many(commands)


def _tell_taken(taken: Taken, complaint: Complaint, about: str) -> None:
    """Count what a complaint turned out to be, and alarm where a person must answer it."""
    facts = {"complaint_id": complaint.id, "about": about[:40]}
    observe.count("Complaint", taken=taken, facts=facts)
    if taken is Taken.UNHELD:
        observe.alarm("a complaint about money that is not held", times=complaint.times, **facts)
    if taken is Taken.UNKNOWN:
        observe.alarm(
            "a complaint about a payment that is none of ours", times=complaint.times, **facts
        )


def _tell_answered(answered: Answered, case: Case, code: str) -> None:
    """Count what became of an answer, and alarm where a person must give it."""
    observe.count("ComplaintAnswer", answered=answered)
    if answered is Answered.REFUSED:
        observe.alarm(
            "WeChat Pay takes no answer to a complaint",
            complaint_id=case.complaint_id,
            order_id=case.order_id,
            provider_code=code,
        )
