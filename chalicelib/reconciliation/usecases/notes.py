"""Writing differences down, meeting what other days left, and letting go of what turned up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.reconciliation import rules
from chalicelib.reconciliation.model import (
    CHANGED,
    DISCREPANCY_LIFECYCLE,
    Discrepancy,
    DiscrepancyState,
    DiscrepancyVerb,
    Found,
    Outcome,
    ReconciliationUnsettledError,
    Resolution,
)
from chalicelib.reconciliation.store import ReconciliationStore
from chalicelib.reconciliation.usecases.ask import Booked
from chalicelib.storage.commit import CommitRefusedError, Commits

ENDED = "ended"
"""How a difference went that no line of a bill and no entry of ours makes even."""

_TRIES_MAX = 4

Change = Callable[[Discrepancy | None], Discrepancy | None]
"""Make of a discrepancy as it is what it shall be; None leaves it."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Keeps discrepancies; every write may be done again, and at once with others."""

    provider_name: str
    store: ReconciliationStore
    commits: Commits
    clock: Clock

    def take(self, day: str, found: Found) -> Sequence[Discrepancy]:
        """Write down what a day shows, or meet what another day left of the same thing.

        What an entry resolved before the bill was corrected stays as that entry has it; what the
        corrected bill says more or less stands beside it.
        """
        noted_id = rules.discrepancy_id(self.provider_name, found.key)
        known = self.store.discrepancy(noted_id)
        if known is not None and not _belongs(known, day, found):
            return self.take(day, found.evolve(key=f"{found.key}@{day}"))
        kept = self._changed(noted_id, lambda now: self._taken(now, day, found))
        assert kept is not None, "it was written down"
        rest = found.effect - kept.effect if kept.day == day else 0
        if not rest:
            return (kept,)
        more = found.evolve(key=f"{found.key}+", outcome=Outcome.AMOUNT, effect=rest)
        return (kept, *self.take(day, more))

    def booked(self, discrepancy: Discrepancy, booked: Booked) -> Discrepancy:
        """Write down what asking the provider came to."""

        def change(now: Discrepancy | None) -> Discrepancy | None:
            if now is None or now.gone_on is not None or now.state is DiscrepancyState.RESOLVED:
                return now
            asked = now.evolve(state=booked.state, resolved_by=booked.entry)
            return None if asked == now else asked

        return self._changed(discrepancy.id, change) or discrepancy

    def overdue(self, discrepancy: Discrepancy) -> None:
        """Call a person for what did not turn up."""
        self._changed(discrepancy.id, _overdue)

    def ended(self, discrepancy: Discrepancy, day: str) -> None:
        """Let go of what came to its end on a day without a line in any bill."""
        self._changed(discrepancy.id, lambda now: _gone(now, day, ENDED) if now else None)

    def let_go(self, discrepancy: Discrepancy) -> None:
        """Let go of what its own day's bills don't show any more: it never stood."""
        self._changed(discrepancy.id, _let_go)

    def bring_back(self, discrepancy: Discrepancy) -> None:
        """Let a difference stand again: the day on which it went does not show why any more."""
        self._changed(discrepancy.id, _brought_back)

    def _taken(self, now: Discrepancy | None, day: str, found: Found) -> Discrepancy | None:
        if now is None:
            return Discrepancy(
                **dict(found),
                id=rules.discrepancy_id(self.provider_name, found.key),
                provider=self.provider_name,
                day=day,
                state=rules.first_state(found, day),
                found_at=self.clock.now(),
            )
        if now.day == day:
            return _found_again(now, day, found)
        if now.day > day:  # a day is run again, and has now what a later day missed
            return _gone(now.evolve(**dict(found), day=day, gone_on=None), now.day, found.key)
        return _gone(now, day, found.key)

    def _changed(self, noted_id: DiscrepancyId, change: Change) -> Discrepancy | None:
        """Read, decide and write until nobody came between."""
        for _ in range(_TRIES_MAX):
            now = self.store.discrepancy(noted_id)
            then = change(now)
            if then is None or then == now:
                return now
            try:
                with self.commits() as work:
                    self.store.noted(work, then, now)
                    work.emit(CHANGED, then.id, facts=facts_of(then))
            except CommitRefusedError:
                continue
            return then
        raise ReconciliationUnsettledError("somebody else changes the same discrepancy")


def facts_of(discrepancy: Discrepancy) -> dict[str, str]:
    """Return what every event of a discrepancy says of it."""
    return {
        "day": discrepancy.day,
        "outcome": discrepancy.outcome,
        "state": discrepancy.state,
        "gone_on": discrepancy.gone_on or "",
    }


def _belongs(known: Discrepancy, day: str, found: Found) -> bool:
    """Tell whether what a day shows is the same thing, or makes it even."""
    if known.day == day:
        return True
    if known.effect + found.effect:
        return False
    met = (known.gone_on, known.gone_by) == (day, found.key)  # by an earlier run of the day
    return known.gone_on is None or (known.day < day and met)


def _found_again(now: Discrepancy, day: str, found: Found) -> Discrepancy | None:
    """Keep what stands as it was found before; a corrected bill's word counts from now on.

    What went on another day stays gone until that day is run again. What an entry resolved keeps
    that entry's effect; a remark that no money moved does not hold once some did.
    """
    then = now.evolve(**dict(found))
    first = rules.first_state(found, day)
    if now.resolution is Resolution.NOTHING:
        if found.effect:
            then = then.evolve(state=first, resolved_by="", resolution=None, signed_by="")
            return then.evolve(gone_on=None)
    elif now.state is DiscrepancyState.RESOLVED:
        then = then.evolve(effect=now.effect)
        if now.gone_on == day:
            then = then.evolve(gone_on=None)
    elif now.gone_on == day:
        return then.evolve(state=first, gone_on=None)
    elif now.gone_on is None and then != now:
        return then.evolve(state=first)
    return None if then == now else then


def _gone(now: Discrepancy, day: str, by: str) -> Discrepancy | None:
    if now.gone_on is not None:
        return None
    return now.evolve(state=_matched(now), gone_on=day, gone_by=by)


def _let_go(now: Discrepancy | None) -> Discrepancy | None:
    if now is None or now.gone_on == now.day:
        return None
    return now.evolve(state=_matched(now), gone_on=now.day, gone_by="")


def _brought_back(now: Discrepancy | None) -> Discrepancy | None:
    if now is None or now.gone_on is None:
        return None
    matched = now.state is DiscrepancyState.MATCHED
    state = DiscrepancyState.OPEN if matched else now.state
    return now.evolve(state=state, gone_on=None, gone_by="")


def _matched(now: Discrepancy) -> DiscrepancyState:
    if (now.state, DiscrepancyVerb.MATCH) in DISCREPANCY_LIFECYCLE.rows():
        return DISCREPANCY_LIFECYCLE.after(now.state, DiscrepancyVerb.MATCH)
    return now.state


def _overdue(now: Discrepancy | None) -> Discrepancy | None:
    late = now is not None and now.gone_on is None and now.state is DiscrepancyState.WAITING
    if now is None or not late or now.outcome is not Outcome.MISSING_THERE:
        return None
    return now.evolve(state=DISCREPANCY_LIFECYCLE.after(now.state, DiscrepancyVerb.OVERDUE))
