"""Disputes whose time is over, every minute."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.disputes import wiring
from chalicelib.edge import observe

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(1, unit=Rate.MINUTES))
@observe.job
def sweep_disputes(_event: CloudWatchEvent) -> Any:
    """Decide by rule what nobody decided in time, and carry out what was decided."""
    moved = wiring.carry_out().sweep()
    if moved:
        observe.note("disputes were looked at", disputes=moved)
    return {"moved": moved}
