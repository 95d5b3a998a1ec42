"""Orders' schedule: closing them when their time is over."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.edge import observe
from chalicelib.orders import wiring

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(1, unit=Rate.MINUTES))
@observe.job
def sweep_expired_orders(_event: CloudWatchEvent) -> Any:
    """Ask for every overdue order to be closed."""
    asked = wiring.sweep_expired().sweep()
    if asked:
        observe.note("asked for overdue orders to be closed", orders=asked)
    return {"asked": asked}
