"""Reconciling in the simulator: the daily job, and the hands that look after what it finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from chalicelib.kernel.errors import TryAgainError
from chalicelib.providers.bills import BillBrokenError, LineKind
from chalicelib.reconciliation.model import Discrepancy, DiscrepancyState, Resolution
from chalicelib.reconciliation.store import read_discrepancy

if TYPE_CHECKING:
    from tests.simulation.stage import Stage

_DAYS_AFTER = 2
"""So long after the last movement all that turns up by itself has turned up."""


def job(stage: "Stage") -> None:
    """Do as the schedule does, which comes again when a bill was torn."""
    day = stage.rooms.reconciling.day
    with _coming_again():
        for missed in day.missed():
            day.reconcile(missed)


def again(stage: "Stage", day: str) -> None:
    """Reconcile a day again, and those after it."""
    with _coming_again():
        stage.rooms.reconciling.day.again(date.fromisoformat(day))


@contextmanager
def _coming_again() -> Iterator[None]:
    try:
        yield
    except BillBrokenError as broken:
        raise TryAgainError("the next half hour") from broken


def discrepancies(stage: "Stage") -> list[Discrepancy]:
    """Return every difference that was ever written down."""
    return [
        read_discrepancy(item)
        for key, item in stage.memory.items.items()
        if key.pk.startswith("dcr_")
    ]


def how(one: Discrepancy) -> Resolution:
    """Return how an operator resolves what nobody else can."""
    if not one.effect:
        return Resolution.NOTHING
    return Resolution.BANK if one.kind == LineKind.OTHER else Resolution.SUSPENSE


def resolve(stage: "Stage", one: Discrepancy) -> None:
    """Resolve one difference by a hand."""
    stage.rooms.reconciling.settle.settle(one.id, how(one), "查明", by="op")


def correct(stage: "Stage") -> None:
    """Let the provider correct its bills, and every day be held against them again."""
    if stage.theirs.bills.changed:
        _, first = min(stage.theirs.bills.changed, key=lambda bill: bill[1])
        stage.theirs.bills.changed.clear()
        stage.rooms.reconciling.day.again(date.fromisoformat(first))
        stage.catch_up()


def settle(stage: "Stage") -> None:
    """Let days end and be reconciled; what stands then is a person's, who resolves it."""
    stage.catch_up()
    job(stage)
    correct(stage)
    for _ in range(_DAYS_AFTER):
        _end_day(stage)
    for one in discrepancies(stage):
        if one.gone_on is None and one.state is DiscrepancyState.OPEN:
            stage.left_to_people.append(one)
            resolve(stage, one)
    for _ in range(_DAYS_AFTER):
        _end_day(stage)


def _end_day(stage: "Stage") -> None:
    stage.world.pause(86_400)
    stage.catch_up()
    job(stage)
    stage.catch_up()
