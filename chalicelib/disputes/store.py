"""Disputes' items, each beside its order."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.disputes.model import (
    DISPUTE_LIFECYCLE,
    Decision,
    Dispute,
    DisputeState,
    DisputeVerb,
)
from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import DisputeId, OrderId
from chalicelib.orders.model import Order
from chalicelib.orders.store import head_key, read_order
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import Condition, OneOf, Set
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item, Key

DISPUTE = "dispute"


def read_dispute(key: Key, item: Item) -> Dispute:
    """Read a dispute's item."""
    decision = item.get("decision")
    return Dispute(
        id=DisputeId(key.sk.removeprefix(keys.DISPUTES_OF_ORDER)),
        order_id=OrderId(key.pk),
        state=DisputeState(str(item["state"])),
        reason=str(item["reason"]),
        opened_at=instant_from(str(item["opened_at"])),
        decide_by=instant_from(str(item["decide_by"])),
        decision=Decision.model_validate_json(str(decision)) if decision else None,
    )


@dataclass(frozen=True, slots=True)
class DisputeStore:
    """Where disputes are kept."""

    table: Table

    def with_order(
        self, order_id: OrderId, dispute_id: DisputeId
    ) -> tuple[Order | None, Dispute | None]:
        """Return an order's head and one of its disputes, in one round trip."""
        head, key = head_key(order_id), keys.dispute(order_id, dispute_id)
        found = self.table.get_many([head, key])
        order = read_order(order_id, found[head]) if head in found else None
        return order, read_dispute(key, found[key]) if key in found else None

    def of_order(self, order_id: OrderId) -> Sequence[Dispute]:
        """Return an order's disputes."""
        prefix = keys.DISPUTES_OF_ORDER
        page = self.table.query(keys.MAIN, order_id, between=(prefix, f"{prefix}~"))
        return [read_dispute(key, item) for key, item in page.rows]

    def opened(self, work: Work, dispute: Dispute) -> None:
        """Add a new dispute."""
        item: Item = {
            "state": dispute.state,
            "reason": dispute.reason,
            "opened_at": instant_text(dispute.opened_at),
            "decide_by": instant_text(dispute.decide_by),
        }
        work.put(keys.dispute(dispute.order_id, dispute.id), item, refusal=DISPUTE)

    def withdrawn(self, work: Work, dispute: Dispute) -> None:
        """Withdraw a dispute: open → withdrawn."""
        self._move(work, dispute, DisputeVerb.WITHDRAW)

    def decided(self, work: Work, dispute: Dispute, decision: Decision) -> None:
        """Decide a dispute: open → decided; a decision is never changed."""
        self._move(work, dispute, DisputeVerb.DECIDE, Set("decision", decision.model_dump_json()))

    def carried_out(self, work: Work, dispute: Dispute) -> None:
        """Close a dispute whose decision was carried out."""
        self._move(work, dispute, DisputeVerb.CARRY_OUT)

    def _move(self, work: Work, dispute: Dispute, verb: DisputeVerb, *more: Set) -> None:
        before = sorted(DISPUTE_LIFECYCLE.before(verb))
        when: Condition = OneOf("state", tuple(before))
        after = DISPUTE_LIFECYCLE.after(before[0], verb)
        key = keys.dispute(dispute.order_id, dispute.id)
        work.update(key, Set("state", after), *more, when=when, refusal=DISPUTE)
