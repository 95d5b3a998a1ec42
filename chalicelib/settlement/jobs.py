"""Settlements' queue and schedules.

The queue's name is read when the module is, since Chalice writes it into the template.
"""

import os
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate, SQSEvent

from chalicelib.edge import observe
from chalicelib.edge.queue import partial_batch
from chalicelib.settlement import wiring

blueprint = Blueprint(__name__)

_SETTLEMENTS = os.environ.get("SETTLEMENTS_QUEUE", "shoukuan-local-settlements")


@blueprint.on_sqs_message(queue=_SETTLEMENTS, batch_size=10)
def run_settlements(event: SQSEvent) -> Any:
    """Settle merchants and bring payouts further; a command may come twice, and in any order."""
    return partial_batch(event.to_dict(), wiring.desk().run)


@blueprint.schedule(Rate(1, unit=Rate.HOURS))
@observe.job
def settle_closed_days(_event: CloudWatchEvent) -> Any:
    """Open the settlement of every business day that is closed and was not settled yet."""
    opened = [settlement.business_date for settlement in wiring.open_settlement().open_missed()]
    if opened:
        observe.note("settlements were opened", days=opened)
    return {"opened": opened}


@blueprint.schedule(Rate(1, unit=Rate.MINUTES))
@observe.job
def sweep_payouts(_event: CloudWatchEvent) -> Any:
    """Ask for every payout that has been under way for a while to be looked at."""
    return {"asked": wiring.sweep_payouts().sweep()}
