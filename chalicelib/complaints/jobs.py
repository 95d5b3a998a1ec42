"""Complaints whose notification got lost, and answers that were not taken yet."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.complaints import wiring
from chalicelib.edge import observe

blueprint = Blueprint(__name__)


@blueprint.schedule(Rate(30, unit=Rate.MINUTES))
@observe.job
def look_for_complaints(_event: CloudWatchEvent) -> Any:
    """List the recent complaints that are not completed, and take each up."""
    return {"asked": wiring.take_complaints().look()}


@blueprint.schedule(Rate(10, unit=Rate.MINUTES))
@observe.job
def sweep_unanswered_complaints(_event: CloudWatchEvent) -> Any:
    """Ask again for every answer that WeChat Pay has not taken yet."""
    return {"asked": wiring.answer_complaints().sweep()}
