"""Reconciling a day: compare, note what differs, ask about it, book the fees, say what stands.

    compare ── differences written down ── asked about, booked as ever ── the day's result
                                                                         └ fees booked with it

Whatever is killed is run again and comes to the same. A bill that is refused leaves the result of
an earlier run as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import PlatformError
from chalicelib.kernel.money import CNY, fen
from chalicelib.ledger import chart, postings
from chalicelib.ledger.balances import Balances
from chalicelib.ledger.days import ClosedDays, DayNotClosedError, business_day, day_before
from chalicelib.ledger.journal import Journal
from chalicelib.providers.bills import LineKind
from chalicelib.reconciliation import rules
from chalicelib.reconciliation.model import (
    DONE,
    REFUSED,
    Attempt,
    Discrepancy,
    DiscrepancyState,
    Found,
    Outcome,
    Reconciliation,
    ReconciliationUnsettledError,
    Standing,
)
from chalicelib.reconciliation.store import ReconciliationStore
from chalicelib.reconciliation.usecases.ask import AskProvider
from chalicelib.reconciliation.usecases.compare import Compared, CompareDay, Progress
from chalicelib.reconciliation.usecases.notes import ENDED, Notes
from chalicelib.reconciliation.usecases.request import result_before
from chalicelib.storage.commit import CommitRefusedError, Commits, Work

_DAYS_BACK = 89
"""Where to begin when no day was ever reconciled: a provider keeps its bills for three months."""

_BY_THEMSELVES = frozenset({Outcome.FEES})  # no line of the day shows them


def quietly(_what: str, _lines: int) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True, slots=True)
class ReconcileDay:
    """Holds a closed business day against the provider's books."""

    provider_name: str
    comparing: CompareDay
    notes: Notes
    asking: AskProvider
    store: ReconciliationStore
    balances: Balances
    journal: Journal
    days: ClosedDays
    commits: Commits
    clock: Clock

    def missed(self) -> Sequence[date]:
        """Return the days that are closed and were not reconciled yet, oldest first."""
        last = self.store.last(self.provider_name)
        since = business_day(self.clock.now()) - timedelta(days=_DAYS_BACK)
        if last is not None:
            since = date.fromisoformat(last.day) + timedelta(days=1)
        return self.days.closed_since(since)

    def reconcile(self, day: date, progress: Progress = quietly) -> Reconciliation:
        """Reconcile a day; run again, it supersedes what was found before.

        Raises `DayNotClosedError`, `ReconciliationOutOfOrderError`, `TooManyDiscrepanciesError`,
        `BillBrokenError`, `BillNotReadyError` or one of the provider's fates: then nothing changed.
        """
        try:
            return self._reconcile(day, progress)
        except ReconciliationUnsettledError:
            raise  # another run came to its end, and its result stands
        except PlatformError as refused:
            self._refused(day.isoformat(), refused)
            raise

    def again(self, day: date, progress: Progress = quietly) -> Reconciliation:
        """Reconcile a day, and again each day after it that was: what stands is carried on."""
        found = self.reconcile(day, progress)
        last = self.store.last(self.provider_name)
        while last is not None and day.isoformat() < last.day:
            day += timedelta(days=1)
            self.reconcile(day, progress)
        return found

    def _reconcile(self, day: date, progress: Progress) -> Reconciliation:
        position = self.days.closed_at(day)
        if position is None:
            raise DayNotClosedError("this business day is not closed", day=day.isoformat())
        name = day.isoformat()
        before = result_before(self.store, self.provider_name, name)
        opened = before.position if before else self._closed_before(name)
        compared = self.comparing.compare(day, progress, (opened, position))
        taken = [one for found in compared.found for one in self._taken(name, found, compared)]
        own = before.own if before else self._clearing(opened)
        taken += self._opening(name, compared, own)
        self._let_go(name, {one.id for one in taken}, compared)
        self._ask_again(name, compared)
        return self._result(name, position, before, compared, own)

    def _taken(self, day: str, found: Found, compared: Compared) -> Sequence[Discrepancy]:
        """Write one difference down, and ask about what only the provider has."""
        if found.outcome is not Outcome.MISSING_HERE:
            return self._noted(day, found, compared)
        if found.kind == LineKind.REFUND and found.seller and not self.asking.out_of_hold(found):
            compared.not_of_hold(found)
            found = found.evolve(effect=0)
        noted, *more = self._noted(day, found, compared)
        if noted.day == day and noted.gone_on is None and not noted.resolved_by:
            noted = self.notes.booked(noted, self.asking.book(found))
        return (noted, *more)

    def _noted(self, day: str, found: Found, compared: Compared) -> Sequence[Discrepancy]:
        """Write one difference down; what meets what another day left matches, after all."""
        noted = self.notes.take(day, found)
        if noted[0].day < day and noted[0].gone_on == day:
            compared.met(found)
        return noted

    def _opening(self, day: str, compared: Compared, own: int) -> Sequence[Discrepancy]:
        """Note where the account opens with other money than it closed with the day before.

        On the first day that is reconciled that is what our own books had.
        """
        effect = compared.flows.opening - own if compared.flows else 0
        if not effect:
            return ()
        opening = Found(
            key=f"opening/{day}", outcome=Outcome.OPENING, kind="opening", effect=effect
        )
        return self.notes.take(day, opening)

    def _closed_before(self, day: str) -> int:
        return self.days.closed_at(date.fromisoformat(day_before(day))) or 0

    def _let_go(self, day: str, taken: set[str], compared: Compared) -> None:
        """Let go of what an earlier run found and this one did not; take back what it let go."""
        for one in self.store.every(self.provider_name, day):
            if one.id not in taken and one.outcome not in _BY_THEMSELVES:
                self.notes.let_go(one)
        for one in list(self.store.went_on(self.provider_name, day)):
            if one.gone_by == ENDED:
                compared.not_of_hold(one)
            elif one.id not in taken and one.day != day:
                self.notes.bring_back(one)

    def _ask_again(self, day: str, compared: Compared) -> None:
        """Look again at what other days left: who should have turned up, and who can be asked."""
        for one in list(self.store.stood(self.provider_name, day)):
            if one.day == day or one.gone_on is not None:
                continue
            if one.outcome is Outcome.MISSING_THERE:
                self.notes.overdue(one)
            elif one.outcome is Outcome.MISSING_HERE and not one.resolved_by:
                booked = self.asking.book(one)
                if booked.closed:
                    compared.not_of_hold(one)
                    self.notes.ended(one, day)
                else:
                    self.notes.booked(one, booked)

    def _result(
        self,
        day: str,
        position: int,
        before: Reconciliation | None,
        compared: Compared,
        own: int,
    ) -> Reconciliation:
        """Commit what the run came to, with the fees that no entry has booked yet."""
        known = self.store.find(self.provider_name, day)
        more = compared.fees - (known.fees if known else 0)
        booked = (known.fees_booked if known else 0) + bool(more)
        flows = compared.flows
        found = Reconciliation(
            provider=self.provider_name,
            day=day,
            run=known.run + 1 if known else 1,
            at=self.clock.now(),
            position=position,
            bills=tuple(compared.bills),
            funnel=compared.funnel(),
            own=flows.closing if flows else own,
            frozen=compared.frozen + (before.frozen if before else 0),
            ours=self._clearing(position),
            fees=compared.fees,
            fees_booked=booked,
            standing=(),
            unexplained=0,
        )
        fees = self._fees(day, booked, more) if more else None
        stood = [*self.store.stood(self.provider_name, day), *([fees] if fees else [])]
        explained = sum(one.effect for one in stood)
        found = found.evolve(
            standing=_summed(stood), unexplained=found.theirs - found.ours - explained
        )
        try:
            with self.commits() as work:
                self.store.reconciled(work, found)
                if before is not None:
                    self.store.carried(work, before)
                done = Attempt(day=day, at=found.at, done=True)
                self.store.attempted(work, self.provider_name, done)
                self._say(work, found, fees, booked, more)
        except CommitRefusedError:
            raise ReconciliationUnsettledError("another run came to its end first") from None
        return found

    def _fees(self, day: str, number: int, amount: int) -> Discrepancy:
        """Return the note of fees: they are booked after the day's close, and stand till then."""
        entry = postings.provider_fees_key(self.provider_name, day, number)
        key = rules.fees_key(entry)
        return Discrepancy(
            key=key,
            outcome=Outcome.FEES,
            kind=LineKind.FEE,
            effect=-amount,
            theirs=amount,
            id=rules.discrepancy_id(self.provider_name, key),
            provider=self.provider_name,
            day=day,
            state=DiscrepancyState.RESOLVED,
            found_at=self.clock.now(),
            entry=entry,
            resolved_by=entry,
        )

    def _say(
        self, work: Work, found: Reconciliation, fees: Discrepancy | None, number: int, more: int
    ) -> None:
        about, facts = f"{found.provider}/{found.day}", {"unexplained": str(found.unexplained)}
        if fees is None:
            work.emit(DONE, about, facts=facts)
            return
        self.store.noted(work, fees, None)
        movement = postings.provider_fees(self.provider_name, found.day, number, amount=fen(more))
        self.journal.post(work, movement, event=DONE, about=about, facts=facts)

    def _clearing(self, position: int) -> int:
        account = chart.provider_clearing(self.provider_name).name
        balance = self.balances.at(account, CNY, position)
        return balance.debits - balance.credits

    def _refused(self, day: str, refused: PlatformError) -> None:
        """Keep why a run was refused, and where; what was found before stands beside it."""
        attempt = Attempt(
            day=day,
            at=self.clock.now(),
            done=False,
            code=refused.code,
            detail=refused.detail,
            facts=tuple((name, str(fact)) for name, fact in refused.facts.items()),
        )
        with self.commits() as work:
            self.store.attempted(work, self.provider_name, attempt)
            work.emit(REFUSED, f"{self.provider_name}/{day}", facts={"code": refused.code})


def _summed(stood: Sequence[Discrepancy]) -> tuple[Standing, ...]:
    """Sum what stands by what it is and how far it has come."""
    sums: dict[tuple[Outcome, DiscrepancyState], tuple[int, int]] = {}
    for one in stood:
        items, effect = sums.get((one.outcome, one.state), (0, 0))
        sums[one.outcome, one.state] = items + 1, effect + one.effect
    return tuple(
        Standing(outcome=outcome, state=state, items=items, effect=effect)
        for (outcome, state), (items, effect) in sorted(sums.items())
    )
