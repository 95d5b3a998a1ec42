"""What must be true of disputes: what is disputed stays, and what was decided is done."""

from collections.abc import Iterator
from datetime import datetime

from chalicelib.disputes.model import Dispute, DisputeState
from chalicelib.disputes.store import read_dispute
from chalicelib.kernel.clock import instant_from
from chalicelib.kernel.ids import RefundId
from chalicelib.ledger.journal import JournalEntry
from chalicelib.storage import keys
from chalicelib.storage.values import Item, Key, whole
from tests.simulation.stage import Stage

_MOVES = frozenset({"order_released", "order_refunded"})


def always(stage: Stage, entries: dict[str, JournalEntry]) -> Iterator[str]:
    """Name money that moved out of a hold while its order was disputed."""
    moves = [entry for entry in entries.values() if entry.kind in _MOVES]
    for dispute, item in _disputes(stage):
        end = _end(dispute, item)
        for entry in moves:
            if entry.order_id != dispute.order_id or entry.posted_at <= dispute.opened_at:
                continue
            if end is None or entry.posted_at < end:
                yield f"{entry.key} was posted while {dispute.id} was open"
        head = stage.memory.items[keys.order(dispute.order_id)]
        if (head.get("dispute") == dispute.id) is not _marks(dispute, head):
            yield f"{dispute.id} is {dispute.state}, and its order says {head.get('dispute')}"


def when_settled(stage: Stage) -> Iterator[str]:
    """Name disputes that nobody ended, and decisions that were not done."""
    for dispute, _ in _disputes(stage):
        if dispute.state in {DisputeState.OPEN, DisputeState.DECIDED}:
            yield f"{dispute.id} is {dispute.state} for ever"
        if dispute.decision is None or not dispute.decision.refund.amount:
            continue
        refund_id = RefundId.derive("dispute", dispute.id)
        item = stage.memory.items.get(keys.refund(dispute.order_id, refund_id))
        if item is None or whole(item["amount"]) != dispute.decision.refund.amount:
            yield f"{dispute.id} was decided, and its refund is {item}"


def _marks(dispute: Dispute, head: Item) -> bool:
    """Tell whether an order is marked by this dispute: decided, until all is carried out."""
    if dispute.state is DisputeState.DECIDED:
        return head.get("dispute") == dispute.id  # done step by step
    return dispute.state is DisputeState.OPEN


def _end(dispute: Dispute, item: Item) -> datetime | None:
    if dispute.decision is not None:
        return dispute.decision.decided_at
    return instant_from(str(item["moved_at"])) if "moved_at" in item else None


def _disputes(stage: Stage) -> list[tuple[Dispute, Item]]:
    def is_one(key: Key) -> bool:
        return key.pk.startswith("ord_") and key.sk.startswith("dispute/")

    return [
        (read_dispute(key, item), item) for key, item in stage.memory.items.items() if is_one(key)
    ]
