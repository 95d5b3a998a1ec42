"""Scenes of asking for a day's reconciliation and of reading what came of it."""

from dataclasses import replace

from chalicelib.reconciliation import usecases as reconciliation
from tests.simulation.registered import Registered, Verb
from tests.simulation.scenes import paid
from tests.simulation.stage import Stage
from tests.simulation.verbs_money_out import TODAY


def _closed(stage: Stage) -> None:
    """Let a payment of which nobody told us be in the bill, and the day close."""
    paid(stage)
    stage.sequence()
    stage.world.pause(86_400)
    stage.sequence()


def _asked_for(stage: Stage) -> Verb:
    """Ask; what the queue's worker does then, once or twice, is a scene of its own."""
    _closed(stage)
    asking = replace(stage.rooms.reconciling.request, send=lambda _commands: None)
    return lambda: asking.request(TODAY)


def _read(stage: Stage) -> Verb:
    _closed(stage)
    room, day = stage.rooms.reconciling, TODAY.isoformat()
    room.day.reconcile(TODAY)
    (found, *_) = room.read.every(day)

    def read() -> None:
        room.read.day(day)
        room.read.days(after=None, limit=10)
        room.read.runs(day)
        room.read.on(day, after=None, limit=10)
        room.read.standing(after=None, limit=10)
        room.read.discrepancy(found.id)
        room.report.report(day)

    return read


_READ = reconciliation.ReadReconciliations

REPORTS = [
    Registered("ask for a run", _asked_for, (reconciliation.RequestRun.request,)),
    Registered(
        "read a reconciled day",
        _read,
        (
            *(_READ.day, _READ.result, _READ.days, _READ.runs, _READ.on, _READ.every),
            *(_READ.standing, _READ.discrepancy, reconciliation.ReportDay.report),
        ),
        pairs=300,  # of tens of thousands, and it only reads
    ),
]
