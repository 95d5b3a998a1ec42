"""Disputes, over HTTP."""

import hashlib
from base64 import b64encode
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

from chalicelib.catalog.api import Price
from chalicelib.disputes import wiring
from chalicelib.disputes.model import (
    AlreadyDisputedError,
    Dispute,
    DisputeNotFoundError,
    DisputeNotOpenError,
    DisputeState,
    Evidence,
    EvidenceNotFoundError,
    NotEvidenceError,
    OrderNotDisputableError,
    Party,
)
from chalicelib.disputes.rules import FILE_BYTES_MAX, assert_evidence, document_name
from chalicelib.disputes.usecases import evidence_id
from chalicelib.edge.callers import Caller, Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.limits import DISPUTE, EVIDENCE
from chalicelib.edge.texts import visible
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import DisputeId, EvidenceId, MemberId, MerchantId, OrderId
from chalicelib.kernel.money import Money, fen
from chalicelib.orders.model import OrderNotFoundError
from chalicelib.refunds.model import RefundTooLargeError

api = Api(__name__, authenticator=wiring.authenticator)

_ANYBODY = [Scope.MEMBER, Scope.MERCHANT, Scope.OPERATOR]

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    AfterValidator(visible),
]


class OpenDispute(BaseModel):
    """What is wrong, in the shopper's words."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Text


class DecideDispute(BaseModel):
    """What goes back to the shopper, none for nothing; the rest is the merchant's."""

    model_config = ConfigDict(extra="forbid", strict=True)

    refund: Price | None = None
    reason: Text


class SayText(BaseModel):
    """What a party has to say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Text


class DecisionView(BaseModel):
    """How it was decided: by an operator, or `by rule` when nobody had in time."""

    refund: Money
    reason: str
    by: str
    decided_at: AwareDatetime


class DisputeView(BaseModel):
    """A dispute: while it is open the order's held money stays; it is decided by `decide_by`."""

    id: DisputeId
    order_id: OrderId
    state: DisputeState
    reason: str
    opened_at: AwareDatetime
    decide_by: AwareDatetime
    decision: DecisionView | None


class DisputeList(BaseModel):
    """An order's disputes."""

    items: list[DisputeView]
    next: None = None


class EvidenceView(BaseModel):
    """What a party said: a text, or a file by its type, size and SHA-256."""

    id: EvidenceId
    party: Party
    said_at: AwareDatetime
    text: str | None
    media_type: str | None
    sha256: str | None
    size: int | None


class EvidenceList(BaseModel):
    """All that was said in a dispute, in the order in which it was."""

    items: list[EvidenceView]
    next: None = None


class FileView(BaseModel):
    """A file, as it was handed in."""

    media_type: str
    content_base64: str


@api.post(
    "/v1/orders/{order_id}/disputes",
    scopes=[Scope.MEMBER],
    body=OpenDispute,
    answer=DisputeView,
    status=201,
    idempotent=True,
    limit=DISPUTE,
    refusals=[
        OrderNotFoundError,
        OrderNotDisputableError,
        AlreadyDisputedError,
        IdempotencyKeyReusedError,
    ],
)
def open_dispute(call: Call, order_id: str, body: OpenDispute) -> DisputeView:
    """Dispute an order while its money is held: nothing is released until that is settled."""
    opened = wiring.disputes().open(
        call.caller.member_id, OrderId.parse(order_id), body.reason, key=call.idempotency_key
    )
    return _view(opened)


@api.get(
    "/v1/orders/{order_id}/disputes",
    scopes=_ANYBODY,
    answer=DisputeList,
    refusals=[OrderNotFoundError],
)
def list_disputes(call: Call, order_id: str) -> DisputeList:
    """List an order's disputes to its shopper, its merchant, or an operator."""
    member_id, merchant_id = _who(call.caller)
    found = wiring.disputes().of_order(
        OrderId.parse(order_id), member_id=member_id, merchant_id=merchant_id
    )
    return DisputeList(items=[_view(one) for one in found])


@api.post(
    "/v1/orders/{order_id}/disputes/{dispute_id}/withdrawal",
    scopes=[Scope.MEMBER],
    answer=DisputeView,
    idempotent=True,
    refusals=[DisputeNotFoundError, DisputeNotOpenError],
)
def withdraw_dispute(call: Call, order_id: str, dispute_id: str) -> DisputeView:
    """Withdraw a dispute: all goes on as if it had not been."""
    withdrawn = wiring.disputes().withdraw(
        call.caller.member_id, OrderId.parse(order_id), DisputeId.parse(dispute_id)
    )
    return _view(withdrawn)


@api.post(
    "/v1/orders/{order_id}/disputes/{dispute_id}/decision",
    scopes=[Scope.OPERATOR],
    body=DecideDispute,
    answer=DisputeView,
    idempotent=True,
    refusals=[DisputeNotFoundError, DisputeNotOpenError, RefundTooLargeError],
)
def decide_dispute(call: Call, order_id: str, dispute_id: str, body: DecideDispute) -> DisputeView:
    """Decide a dispute; what was decided is carried out within seconds, and never changed."""
    refund = fen(body.refund.amount) if body.refund else fen(0)
    decided = wiring.disputes().decide(
        OrderId.parse(order_id),
        DisputeId.parse(dispute_id),
        refund,
        body.reason,
        by=call.caller.subject,
    )
    return _view(decided)


@api.post(
    "/v1/orders/{order_id}/disputes/{dispute_id}/statements",
    scopes=_ANYBODY,
    body=SayText,
    answer=EvidenceView,
    status=201,
    idempotent=True,
    limit=EVIDENCE,
    refusals=[DisputeNotFoundError, DisputeNotOpenError, IdempotencyKeyReusedError],
)
def say_text(call: Call, order_id: str, dispute_id: str, body: SayText) -> EvidenceView:
    """Say something in an open dispute."""
    evidence = _evidence(call, order_id, dispute_id).evolve(text=body.text)
    return _said(wiring.disputes().say(evidence))


@api.post(
    "/v1/orders/{order_id}/disputes/{dispute_id}/evidence",
    scopes=_ANYBODY,
    raw=True,
    body_bytes_max=FILE_BYTES_MAX,
    answer=EvidenceView,
    status=201,
    idempotent=True,
    limit=EVIDENCE,
    refusals=[
        DisputeNotFoundError,
        DisputeNotOpenError,
        NotEvidenceError,
        IdempotencyKeyReusedError,
    ],
)
def add_evidence(call: Call, order_id: str, dispute_id: str) -> EvidenceView:
    """Hand in a picture (JPEG, PNG) or a PDF as the raw body, with its Content-Type."""
    media_type = str(call.headers.get("content-type", "")).partition(";")[0].strip().lower()
    assert_evidence(media_type, call.raw_body)
    evidence = _evidence(call, order_id, dispute_id).evolve(
        media_type=media_type,
        sha256=hashlib.sha256(call.raw_body).hexdigest(),
        size=len(call.raw_body),
    )
    wiring.documents().put(document_name(evidence), call.raw_body)
    return _said(wiring.disputes().say(evidence))


@api.get(
    "/v1/orders/{order_id}/disputes/{dispute_id}/evidence",
    scopes=_ANYBODY,
    answer=EvidenceList,
    refusals=[DisputeNotFoundError],
)
def list_evidence(call: Call, order_id: str, dispute_id: str) -> EvidenceList:
    """List what both sides said."""
    dispute, _ = _party(call.caller, order_id, dispute_id)
    return EvidenceList(items=[_said(one) for one in wiring.disputes().evidence(dispute)])


@api.get(
    "/v1/orders/{order_id}/disputes/{dispute_id}/evidence/{evidence_id}",
    scopes=_ANYBODY,
    answer=FileView,
    refusals=[DisputeNotFoundError, EvidenceNotFoundError],
)
def get_evidence(call: Call, order_id: str, dispute_id: str, evidence_id: str) -> FileView:
    """Return a file that was handed in."""
    dispute, _ = _party(call.caller, order_id, dispute_id)
    asked = EvidenceId.parse(evidence_id)
    for one in wiring.disputes().evidence(dispute):
        if one.id == asked and one.sha256:
            body = wiring.documents().get(document_name(one))
            return FileView(media_type=one.media_type, content_base64=b64encode(body).decode())
    raise EvidenceNotFoundError("there is no such file")


def _evidence(call: Call, order_id: str, dispute_id: str) -> Evidence:
    dispute, party = _party(call.caller, order_id, dispute_id)
    return Evidence(
        id=evidence_id(dispute.id, call.caller.subject, call.idempotency_key),
        order_id=dispute.order_id,
        dispute_id=dispute.id,
        party=party,
        said_at=wiring.clock().now(),
    )


def _party(caller: Caller, order_id: str, dispute_id: str) -> tuple[Dispute, Party]:
    member_id, merchant_id = _who(caller)
    return wiring.disputes().party_of(
        OrderId.parse(order_id),
        DisputeId.parse(dispute_id),
        member_id=member_id,
        merchant_id=merchant_id,
    )


def _who(caller: Caller) -> tuple[MemberId | None, MerchantId | None]:
    if Scope.OPERATOR in caller.scopes:
        return None, None
    if Scope.MERCHANT in caller.scopes:
        return None, caller.own_merchant_id
    return caller.member_id, None


def _view(dispute: Dispute) -> DisputeView:
    decision = dispute.decision
    return DisputeView(
        **dict(dispute.evolve(decision=None)) | {"decision": decision and dict(decision)}
    )


def _said(evidence: Evidence) -> EvidenceView:
    return EvidenceView(
        id=evidence.id,
        party=evidence.party,
        said_at=evidence.said_at,
        text=evidence.text or None,
        media_type=evidence.media_type or None,
        sha256=evidence.sha256 or None,
        size=evidence.size or None,
    )
