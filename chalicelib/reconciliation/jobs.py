"""Reconciliation's schedule, and the queue of days that somebody wants reconciled.

The queue is its own: a run takes minutes, and a shopper's refund must not wait behind it. Its name
is read when the module is, since Chalice writes it into the template.
"""

import os
from datetime import date
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate, SQSEvent

from chalicelib import outside
from chalicelib.edge import observe
from chalicelib.edge.queue import Message, partial_batch
from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.ledger.days import CHINA
from chalicelib.providers.bills import BillNotReadyError
from chalicelib.reconciliation import wiring
from chalicelib.reconciliation.usecases.request import RECONCILE

blueprint = Blueprint(__name__)

_RECONCILIATIONS = os.environ.get("RECONCILIATIONS_QUEUE", "shoukuan-local-reconciliations")
_BILLS_FROM_HOUR = 10
"""When, in China, the bills of the day before are ready."""


@blueprint.schedule(Rate(30, unit=Rate.MINUTES))
@observe.job
def reconcile_closed_days(_event: CloudWatchEvent) -> Any:
    """Reconcile every business day that is closed and was not yet, from ten in the morning."""
    done: list[str] = []
    if outside.clock().now().astimezone(CHINA).hour < _BILLS_FROM_HOUR:
        return {"reconciled": done}
    for day in wiring.reconcile_day().missed():
        if not _tried(day):
            break  # those after it can't go before it
        done.append(day.isoformat())
    return {"reconciled": done}


@blueprint.on_sqs_message(queue=_RECONCILIATIONS, batch_size=1)
def run_reconciliations(event: SQSEvent) -> Any:
    """Reconcile a day because somebody asked for it; a command may come twice."""
    return partial_batch(event.to_dict(), _run)


def _run(message: Message) -> None:
    match message:
        case {"command": str(command), "day": str(day)} if command == RECONCILE:
            _tried(date.fromisoformat(day))
        case _:
            raise ValueError("no such command")


def _tried(day: date) -> bool:
    """Reconcile a day, and those after it that were; a refusal is an answer, and is told.

    What may pass by itself is raised, so that whoever called calls again.
    """
    try:
        found = wiring.reconcile_day().again(day)
    except BillNotReadyError:
        observe.note("a bill is not ready yet", day=day.isoformat())
        return False
    except PlatformError as refused:
        if refused.kind not in {Kind.CONFLICT, Kind.NOT_FOUND}:
            raise
        wiring.tell_refused(day.isoformat(), refused)
        return False
    wiring.tell(found)
    return True
