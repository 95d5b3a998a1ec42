"""Planted bugs of reconciliation."""

import itertools
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date
from types import SimpleNamespace
from typing import Any

from chalicelib.kernel.ids import DiscrepancyId, PaymentId
from chalicelib.ledger import postings
from chalicelib.ledger.movement import Movement
from chalicelib.providers.bills import BillKind, BillLine, LineKind
from chalicelib.reconciliation.model import (
    Discrepancy,
    DiscrepancyState,
    Found,
    Reconciliation,
)
from chalicelib.reconciliation.store import ReconciliationStore
from chalicelib.reconciliation.usecases import (
    AskProvider,
    CompareDay,
    Notes,
    ReconcileDay,
    SettleDiscrepancy,
    hands,
    notes,
)
from chalicelib.reconciliation.usecases.ask import Booked
from chalicelib.reconciliation.usecases.compare import Compared
from tests.simulation.roots import Bug, patch


def _fee_not_booked(roots: ExitStack) -> None:
    def take(self: CompareDay, line: BillLine, *rest: Any) -> None:
        if line.kind is not LineKind.FEE:
            right(self, line, *rest)

    right = patch(roots, CompareDay, "_take", take)


def _fee_booked_with_every_run(roots: ExitStack) -> None:
    def find(self: ReconciliationStore, provider: str, day: str) -> Reconciliation | None:
        found: Reconciliation | None = right(self, provider, day)
        return found.evolve(fees=0) if found else None

    right = patch(roots, ReconciliationStore, "find", find)


def _nobody_asked(roots: ExitStack) -> None:
    patch(roots, AskProvider, "book", lambda *_: Booked(DiscrepancyState.OPEN))


def _booked_beside_the_verb(roots: ExitStack) -> None:
    """Post what the provider says at once: the notification, when it comes, posts it again."""

    def payment(self: AskProvider, found: Found) -> Booked:
        key = f"parked/{found.reference}"
        said = self.provider.query(PaymentId(found.payment)).collected
        if said is not None and self.journal.find(key) is None:
            amount, name = said.amount, said.provider
            movement = postings.parked(
                found.reference, provider=name, amount=amount, reference=found.reference
            )
            with self.capture.commits() as work:
                self.journal.post(work, movement, event="payment.parked", about=found.payment)
        return Booked(DiscrepancyState.RESOLVED, key)

    patch(roots, AskProvider, "_payment", payment)


def _result_before_its_notes(roots: ExitStack) -> None:
    """Commit the day's result first, and write the differences down afterwards, if ever."""

    def taken(
        self: ReconcileDay, day: str, found: Found, compared: Compared
    ) -> tuple[Discrepancy, ...]:
        later.append(lambda: right(self, day, found, compared))
        noted = Discrepancy(
            **dict(found),
            id=DiscrepancyId.derive("discrepancy", found.key),
            provider=self.provider_name,
            day=day,
            state=DiscrepancyState.OPEN,
            found_at=self.clock.now(),
        )
        return (noted,)

    def result(self: ReconcileDay, *args: Any) -> Reconciliation:
        found: Reconciliation = commit(self, *args)
        while later:
            later.pop()()
        return found

    later: list[Any] = []
    right = patch(roots, ReconcileDay, "_taken", taken)
    commit = patch(roots, ReconcileDay, "_result", result)


def _days_never_meet(roots: ExitStack) -> None:
    """Take what turns up on another day for another difference."""
    patch(roots, notes, "_belongs", lambda known, day, _found: known.day == day)


def _made_even_twice(roots: ExitStack) -> None:
    """Let two entries of one day make the same difference even."""

    def belongs(known: Discrepancy, day: str, found: Found) -> bool:
        met = known.gone_on in {None, day}
        return known.day == day or (known.effect + found.effect == 0 and met)

    patch(roots, notes, "_belongs", belongs)


def _corrected_bill_ignored(roots: ExitStack) -> None:
    def again(self: ReconcileDay, day: date, *_: Any) -> Reconciliation:
        known = self.store.find(self.provider_name, day.isoformat())
        return known or self.reconcile(day)

    patch(roots, ReconcileDay, "again", again)


def _what_is_gone_is_kept(roots: ExitStack) -> None:
    """Let differences stand that a corrected bill does not show any more."""
    patch(roots, Notes, "let_go", lambda *_: None)


def _never_taken_back(roots: ExitStack) -> None:
    patch(roots, Notes, "bring_back", lambda *_: None)


def _settled_twice(roots: ExitStack) -> None:
    """Settle whatever the state is, under a key of its own."""
    tries = itertools.count(1)

    def settled(*about: Any, **how: Any) -> Movement:
        movement: Movement = right(*about, **how)
        other = DiscrepancyId.derive("discrepancy", str(next(tries)))
        return movement.evolve(key=f"discrepancy_settled/{other}")

    def forgetful(self: SettleDiscrepancy, discrepancy_id: DiscrepancyId) -> Discrepancy:
        found: Discrepancy = read(self, discrepancy_id)
        return found.evolve(resolution=None)

    everywhere: Mapping[str, Any] = {
        "before": lambda _verb: frozenset(DiscrepancyState),
        "after": lambda _state, _verb: DiscrepancyState.RESOLVED,
    }
    right = patch(roots, postings, "discrepancy_settled", settled)
    patch(roots, hands, "DISCREPANCY_LIFECYCLE", SimpleNamespace(**everywhere))
    read = patch(roots, SettleDiscrepancy, "_found", forgetful)


def _closed_refund_forgotten(roots: ExitStack) -> None:
    """Let a seller's refund that was closed count as gone, since no bill says otherwise."""
    patch(roots, Compared, "not_of_hold", lambda *_: None)


def _a_bill_left_out(roots: ExitStack) -> None:
    def read(self: CompareDay, kind: BillKind, *rest: Any) -> None:
        if kind is not BillKind.REFUNDS:
            right(self, kind, *rest)

    right = patch(roots, CompareDay, "_read_bill", read)


BILL_BUGS = [
    Bug("provider's fee not booked", _fee_not_booked),
    Bug("provider's fee with every run", _fee_booked_with_every_run),
    Bug("missing line not asked about", _nobody_asked, "reconcile, unheard"),
    Bug("booked beside the verb", _booked_beside_the_verb),
    Bug("result before its notes", _result_before_its_notes),
    Bug("days never meet", _days_never_meet),
    Bug("made even twice", _made_even_twice, "reconcile, resolved early"),
    Bug("corrected bill ignored", _corrected_bill_ignored),
    Bug("what is gone is kept", _what_is_gone_is_kept),
    Bug("never taken back", _never_taken_back, "reconcile, half corrected"),
    Bug("discrepancy settled twice", _settled_twice, "settle discrepancy"),
    Bug("closed refund forgotten", _closed_refund_forgotten, "reconcile, frozen, closed"),
    Bug("a bill left out", _a_bill_left_out),
]
