"""Asking for a run: refused at once where it can't be, and done by a worker where it can."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from chalicelib.kernel.clock import Clock
from chalicelib.ledger.days import ClosedDays, DayNotClosedError, day_before
from chalicelib.reconciliation.model import Reconciliation, ReconciliationOutOfOrderError
from chalicelib.reconciliation.store import ReconciliationStore

RECONCILE = "reconcile"
"""The command's name."""

Send = Callable[[Sequence[Mapping[str, str]]], None]
"""Hand commands over to whoever has minutes for them."""


class Asked(NamedTuple):
    """A run that was asked for; the day's last run was `after_run`, 0 for none."""

    day: str
    after_run: int
    at: datetime


def result_before(store: ReconciliationStore, provider: str, day: str) -> Reconciliation | None:
    """Return the day before's result; only the first day that was reconciled has none.

    Raises `ReconciliationOutOfOrderError`: what stands is carried from day to day.
    """
    found = store.find(provider, day_before(day))
    first = store.first(provider) if found is None else None
    if first is not None and first.day != day:
        raise ReconciliationOutOfOrderError("reconcile the day before first", day=day)
    return found


@dataclass(frozen=True, slots=True)
class RequestRun:
    """Has a day reconciled, or reconciled again."""

    provider_name: str
    store: ReconciliationStore
    days: ClosedDays
    clock: Clock
    send: Send

    def request(self, day: date) -> Asked:
        """Ask for a run. Raises `DayNotClosedError` or `ReconciliationOutOfOrderError`."""
        name = day.isoformat()
        if self.days.closed_at(day) is None:
            raise DayNotClosedError("this business day is not closed", day=name)
        result_before(self.store, self.provider_name, name)
        known = self.store.find(self.provider_name, name)
        at = self.clock.now()
        self.send([{"command": RECONCILE, "day": name}])
        return Asked(name, known.run if known else 0, at)
