"""Orders' queue and schedule: hearing that an order was placed, closing it when its time is over.

The queue's name is read when the module is, since Chalice writes it into the template.
"""

import os
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate, SQSEvent

from chalicelib.edge import observe
from chalicelib.edge.queue import Message, partial_batch
from chalicelib.kernel.clock import instant_from
from chalicelib.kernel.ids import OrderId
from chalicelib.orders import wiring

blueprint = Blueprint(__name__)

_EVENTS = os.environ.get("EVENTS_QUEUE", "shoukuan-local-events")


@blueprint.on_sqs_message(queue=_EVENTS, batch_size=10)
def hear_events(event: SQSEvent) -> Any:
    """Hear what happened to orders; an event may come twice, and in any order."""
    return partial_batch(event.to_dict(), _hear)


@blueprint.schedule(Rate(1, unit=Rate.MINUTES))
def sweep_expired_orders(_event: CloudWatchEvent) -> Any:
    """Ask for every overdue order to be closed."""
    asked = wiring.sweep_expired().sweep()
    if asked:
        observe.note("asked for overdue orders to be closed", orders=asked)
    return {"asked": asked}


def _hear(message: Message) -> None:
    for event in message["events"]:
        _heard(event)


def _heard(event: Message) -> None:
    match event:
        case {"event": "order.placed", "about": str(order_id), "facts": {"expires_at": str(at)}}:
            wiring.remember_due().placed(OrderId.parse(order_id), instant_from(at))
        case {
            "event": "order.shipped",
            "about": str(order_id),
            "facts": {"receipt_due_at": str(at)},
        }:
            wiring.remember_due().shipped(OrderId.parse(order_id), instant_from(at))
        case _:
            raise ValueError("no such event")
