"""Orders that are taken as received, every minute."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.edge import observe
from chalicelib.escrow import wiring

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(1, unit=Rate.MINUTES))
@observe.job
def release_received_orders(_event: CloudWatchEvent) -> Any:
    """Release the money of every shipped order whose time is over."""
    released = wiring.release().sweep()
    if released:
        observe.note("orders were taken as received", orders=released)
    return {"released": released}
