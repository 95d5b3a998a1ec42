"""Reconciliation's schedule."""

from datetime import date, timedelta
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib import outside
from chalicelib.edge import observe
from chalicelib.ledger.days import CHINA
from chalicelib.providers.bills import BillNotReadyError
from chalicelib.reconciliation import wiring

blueprint = Blueprint(__name__)

BILLS_FROM = timedelta(hours=10)
"""When, in China, the bills of the day before are ready."""


@blueprint.schedule(Rate(30, unit=Rate.MINUTES))
def reconcile_closed_days(_event: CloudWatchEvent) -> Any:
    """Reconcile every business day that is closed and was not yet, from ten in the morning."""
    since_midnight = outside.clock().now().astimezone(CHINA)
    if since_midnight.hour < BILLS_FROM.seconds // 3600:
        return {"reconciled": []}
    done: list[str] = []
    for day in wiring.reconcile_day().missed():
        try:
            found = wiring.reconcile_day().reconcile(day)
        except BillNotReadyError:
            observe.note("a bill is not ready yet", day=day.isoformat())
            break
        wiring.tell(found)
        done.append(found.day)
    return {"reconciled": done}


def reconcile_again(day: date) -> None:
    """Reconcile a day because somebody asked for it; those after it follow."""
    wiring.tell(wiring.reconcile_day().again(day))
