"""Shipments of which WeChat may not know, every ten minutes."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.delivery import wiring
from chalicelib.edge import observe

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(10, unit=Rate.MINUTES))
@observe.job
def sweep_unreported_shipments(_event: CloudWatchEvent) -> Any:
    """Ask again for every shipment that WeChat has not taken yet."""
    return {"asked": wiring.report_shipments().sweep()}
