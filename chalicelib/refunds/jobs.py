"""Refunds that have not come to their end, every minute; and orders that were never shipped."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.edge import observe
from chalicelib.refunds import wiring

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(1, unit=Rate.MINUTES))
@observe.job
def sweep_refunds(_event: CloudWatchEvent) -> Any:
    """Ask for every refund that has been under way for a while to be looked at."""
    return {"asked": wiring.sweep_refunds().sweep()}


@blueprint.schedule(Rate(5, unit=Rate.MINUTES))
@observe.job
def refund_unshipped_orders(_event: CloudWatchEvent) -> Any:
    """Give back what is held for orders that nobody shipped in time."""
    refunded = wiring.refund_unshipped().sweep()
    if refunded:
        observe.note("orders that were never shipped are refunded", orders=refunded)
    return {"refunded": refunded}
