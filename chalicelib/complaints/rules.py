"""What is said to the payer, and by when a complaint is decided. Pure."""

from datetime import timedelta

from chalicelib.disputes.model import Dispute, DisputeState
from chalicelib.kernel.ids import DisputeId, EvidenceId, OrderId
from chalicelib.providers.complaints import WORDS_LENGTH_MAX, Complaint

DECIDED_WITHIN = timedelta(hours=70)
"""WeChat Pay expects an end within 72 hours; deciding by rule and saying so takes minutes."""

RECEIVED = "您的投诉已收到，该订单的款项已暂停结算，平台核实后会尽快答复您。"
"""The first answer: WeChat Pay expects one within a day."""

_NO_WORDS = "（未填写）"


def dispute_id(order_id: OrderId, complaint: Complaint) -> DisputeId:
    """Return the id of the dispute that a complaint opens."""
    return DisputeId.derive("complaint", order_id, complaint.id, str(complaint.times))


def said_id(dispute: DisputeId, complaint: Complaint) -> EvidenceId:
    """Return the id under which a complaint's words stand in a dispute."""
    return EvidenceId.derive("complaint", dispute, complaint.id, str(complaint.times))


def statement(complaint: Complaint) -> str:
    """Return what a complaint says in a dispute."""
    return f"微信支付投诉 {complaint.id}：{complaint.words or _NO_WORDS}"


def answer(dispute: Dispute) -> str:
    """Return how a dispute ended, for the payer; its id tells the words from any others."""
    words = f"争议 {dispute.id} "
    if dispute.state is DisputeState.WITHDRAWN:
        return f"{words}已由您在小程序中撤回，订单照常进行。"
    assert dispute.decision is not None, "what was carried out was decided"
    fen = dispute.decision.refund.amount
    decided = f"退款 {fen // 100}.{fen % 100:02d} 元，原路退回" if fen else "不退款"
    return f"{words}已裁决：{decided}。{dispute.decision.reason}"[:WORDS_LENGTH_MAX]
