"""Payments' queue and schedule.

The queue's name is read when the module is, since Chalice writes it into the template.
"""

import os
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate, SQSEvent

from chalicelib.edge import observe
from chalicelib.edge.queue import Message, partial_batch
from chalicelib.payments import wiring
from chalicelib.providers.port import Collected

blueprint = Blueprint(__name__)

_BOOKINGS = os.environ.get("BOOKINGS_QUEUE", "shoukuan-local-bookings")
_BOOKING_SECONDS = 20.0


@blueprint.on_sqs_message(queue=_BOOKINGS, batch_size=10)
def book_queued(event: SQSEvent) -> Any:
    """Book verified notifications that met a throttle."""
    return partial_batch(event.to_dict(), _book)


@blueprint.schedule(Rate(6, unit=Rate.HOURS))
@observe.job
def refresh_certificates(_event: CloudWatchEvent) -> Any:
    """Download the certificates that WeChat Pay signs with; new ones join before old ones leave."""
    held = wiring.refresh_certificates().refresh()
    observe.note("certificates refreshed", held=held)
    return {"held": held}


def _book(message: Message) -> None:
    collected = Collected.model_validate_json(str(message["collected"]))
    wiring.capture().capture(collected, budget_seconds=_BOOKING_SECONDS)
