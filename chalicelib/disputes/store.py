"""Disputes' items, each beside its order."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.disputes.model import (
    DISPUTE_LIFECYCLE,
    ENDED,
    Decision,
    Dispute,
    DisputeState,
    DisputeVerb,
    Evidence,
    Party,
)
from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import DisputeId, EvidenceId, OrderId
from chalicelib.orders.model import Order
from chalicelib.orders.store import head_key, read_order
from chalicelib.storage import keys
from chalicelib.storage.commit import CommitRefusedError, Work
from chalicelib.storage.conditions import Condition, OneOf, Set
from chalicelib.storage.table import Table, every_row
from chalicelib.storage.values import Item, Key, whole

DISPUTE = "dispute"
EVIDENCE = "evidence"


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


def read_evidence(key: Key, item: Item) -> Evidence:
    """Read what a party said."""
    _, dispute_id, evidence_id = key.sk.split("/")
    return Evidence(
        id=EvidenceId(evidence_id),
        order_id=OrderId(key.pk),
        dispute_id=DisputeId(dispute_id),
        party=Party(str(item["party"])),
        said_at=instant_from(str(item["said_at"])),
        text=str(item["text"]),
        media_type=str(item["media_type"]),
        sha256=str(item["sha256"]),
        size=whole(item["size"]),
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

    def many(self, names: Sequence[tuple[OrderId, DisputeId]]) -> Sequence[Dispute]:
        """Return up to 100 disputes, in one round trip; what there is not is left out."""
        found = self.table.get_many([keys.dispute(*name) for name in names])
        return [read_dispute(key, item) for key, item in found.items()]

    def of_order(self, order_id: OrderId) -> Sequence[Dispute]:
        """Return an order's disputes."""
        prefix = keys.DISPUTES_OF_ORDER
        rows = every_row(self.table, keys.MAIN, order_id, between=(prefix, f"{prefix}~"))
        return [read_dispute(key, item) for key, item in rows]

    def evidence(self, dispute: Dispute) -> Sequence[Evidence]:
        """Return what was said in a dispute, in the order in which it was."""
        prefix = keys.said_in(dispute.id)
        bounds = prefix, f"{prefix}~"
        rows = every_row(self.table, keys.MAIN, dispute.order_id, between=bounds)
        found = [read_evidence(key, item) for key, item in rows]
        return sorted(found, key=lambda one: one.said_at)

    def said(self, work: Work, evidence: Evidence) -> None:
        """Add what a party says; it is never changed."""
        item: Item = {
            "party": evidence.party,
            "said_at": instant_text(evidence.said_at),
            "text": evidence.text,
            "media_type": evidence.media_type,
            "sha256": evidence.sha256,
            "size": evidence.size,
        }
        key = keys.evidence(evidence.order_id, evidence.dispute_id, evidence.id)
        work.put(key, item, refusal=EVIDENCE)

    def read_refused(self, refused: CommitRefusedError, evidence: Evidence) -> Evidence:
        """Return what was said before under the same id."""
        item = refused.refusals[EVIDENCE]
        assert item is not None, "something stood there"
        key = keys.evidence(evidence.order_id, evidence.dispute_id, evidence.id)
        return read_evidence(key, item)

    def opened(self, work: Work, dispute: Dispute) -> None:
        """Add a new dispute."""
        item: Item = {
            "state": dispute.state,
            "reason": dispute.reason,
            "opened_at": instant_text(dispute.opened_at),
            "decide_by": instant_text(dispute.decide_by),
        }
        work.put(keys.dispute(dispute.order_id, dispute.id), item, refusal=DISPUTE)

    def going_on(self, work: Work, order_id: OrderId, dispute_id: DisputeId) -> None:
        """Refuse the commit unless a dispute is open, or decided and not carried out yet."""
        key = keys.dispute(order_id, dispute_id)
        going_on = tuple(sorted(set(DisputeState) - ENDED))
        work.check(key, when=OneOf("state", going_on), refusal=DISPUTE)

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
        at = Set("moved_at", instant_text(work.at))
        work.update(key, Set("state", after), at, *more, when=when, refusal=DISPUTE)
