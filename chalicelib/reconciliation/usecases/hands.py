"""What people do about discrepancies: take one on, say what is known, resolve it by an entry."""

from dataclasses import dataclass

from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.kernel.money import fen
from chalicelib.ledger import chart, postings
from chalicelib.ledger.journal import Journal
from chalicelib.reconciliation.model import (
    CHANGED,
    DISCREPANCY_LIFECYCLE,
    SETTLED,
    Discrepancy,
    DiscrepancyNotFoundError,
    DiscrepancyNotOpenError,
    DiscrepancyVerb,
    ReconciliationUnsettledError,
    Resolution,
)
from chalicelib.reconciliation.store import ReconciliationStore
from chalicelib.reconciliation.usecases.notes import facts_of
from chalicelib.storage.commit import CommitRefusedError, Commits

_AGAINST = {
    Resolution.BANK: chart.BANK,
    Resolution.SUSPENSE: chart.PLATFORM_SUSPENSE,
}


@dataclass(frozen=True, slots=True)
class SettleDiscrepancy:
    """Lets a person look after a discrepancy; nothing is ever edited away."""

    store: ReconciliationStore
    journal: Journal
    commits: Commits

    def assign(
        self, discrepancy_id: DiscrepancyId, owner: str, remark: str | None = None
    ) -> Discrepancy:
        """Say who looks after it, and what is known; the last word counts, and none leaves it.

        Raises `DiscrepancyNotFoundError` or `ReconciliationUnsettledError`.
        """
        now = self._found(discrepancy_id)
        then = now.evolve(owner=owner, remark=now.remark if remark is None else remark)
        if then == now:
            return now
        try:
            with self.commits() as work:
                self.store.noted(work, then, now)
                work.emit(CHANGED, then.id, facts=facts_of(then))
        except CommitRefusedError:
            raise ReconciliationUnsettledError("somebody else changes it; try again") from None
        return then

    def settle(
        self, discrepancy_id: DiscrepancyId, how: Resolution, remark: str, *, by: str = ""
    ) -> Discrepancy:
        """Resolve it: our books follow the provider's by one entry, against what a person names.

        `by` signs it. Said again, the same way, it is done. Raises `DiscrepancyNotFoundError`,
        `DiscrepancyNotOpenError` or `ReconciliationUnsettledError`.
        """
        now = self._found(discrepancy_id)
        if (now.resolution, now.remark) == (how, remark):
            return now
        if now.state not in DISCREPANCY_LIFECYCLE.before(DiscrepancyVerb.RESOLVE):
            raise DiscrepancyNotOpenError("it is resolved, or has turned up", state=now.state)
        if bool(now.effect) != (how in _AGAINST):
            raise DiscrepancyNotOpenError(
                "an entry resolves what moves money, a remark what moves none", effect=now.effect
            )
        resolved = now.evolve(
            state=DISCREPANCY_LIFECYCLE.after(now.state, DiscrepancyVerb.RESOLVE),
            remark=remark,
            resolved_by=_entry(now, how),
            resolution=how,
            signed_by=by,
            gone_on=now.gone_on if now.effect else now.day,
        )
        try:
            with self.commits() as work:
                self.store.noted(work, resolved, now)
                if how not in _AGAINST:
                    work.emit(SETTLED, now.id, facts=facts_of(resolved))
                else:
                    movement = postings.discrepancy_settled(
                        now.id,
                        provider=now.provider,
                        against=_AGAINST[how],
                        effect=fen(now.effect),
                    )
                    self.journal.post(
                        work, movement, event=SETTLED, about=now.id, facts=facts_of(resolved)
                    )
        except CommitRefusedError:
            raise ReconciliationUnsettledError("somebody else changes it; try again") from None
        return resolved

    def _found(self, discrepancy_id: DiscrepancyId) -> Discrepancy:
        found = self.store.discrepancy(discrepancy_id)
        if found is None:
            raise DiscrepancyNotFoundError("there is no such discrepancy")
        return found


def _entry(discrepancy: Discrepancy, how: Resolution) -> str:
    """Return the key of the entry that resolves it, or that none does."""
    return f"discrepancy_settled/{discrepancy.id}" if how in _AGAINST else str(how)
