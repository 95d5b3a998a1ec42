"""Who hears what happened: the one consumer of the events queue, and the rooms it tells.

An event may come twice, and in any order. The queue's name is read when the module is, since
Chalice writes it into the template.
"""

import os
from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, SQSEvent

from chalicelib.complaints import model as complaints
from chalicelib.complaints.wiring import answer_complaints
from chalicelib.delivery import model as delivery
from chalicelib.delivery.wiring import report_shipments
from chalicelib.disputes import model as disputes
from chalicelib.disputes.wiring import carry_out
from chalicelib.edge import observe
from chalicelib.edge.queue import Message, partial_batch
from chalicelib.kernel import trace
from chalicelib.orders import model as orders
from chalicelib.orders.wiring import remember_due
from chalicelib.payments import model as payments
from chalicelib.payments.wiring import ask_about_payment
from chalicelib.refunds import model as refunds
from chalicelib.refunds.wiring import sweep_refunds
from chalicelib.settlement import model as settlement
from chalicelib.settlement.wiring import desk

blueprint = Blueprint(__name__)

_EVENTS = os.environ.get("EVENTS_QUEUE", "shoukuan-local-events")


@blueprint.on_sqs_message(queue=_EVENTS, batch_size=10)
def hear_events(event: SQSEvent) -> Any:
    """Tell each room what it listens to."""
    return partial_batch(event.to_dict(), _hear)


def _hear(message: Message) -> None:
    for event in message["events"]:
        with trace.within(trace.read(event.get("trace")) or trace.current()):
            observe.note("event", event=event["event"], position=event["position"])
            try:
                _tell_rooms(event)
            except Exception as error:
                observe.mishap("an event failed, and its message comes again", error)
                raise


def _tell_rooms(event: Mapping[str, Any]) -> None:
    kind = event["event"]
    if kind in orders.HEARD:
        remember_due().hear(event)
    if kind in payments.HEARD:
        ask_about_payment().hear(event)
    if kind in refunds.HEARD:
        sweep_refunds().hear(event)
    if kind in delivery.HEARD:
        report_shipments().hear(event)
    if kind in disputes.HEARD:
        carry_out().hear(event)
    if kind in complaints.HEARD:
        answer_complaints().hear(event)
    if kind in settlement.HEARD:
        desk().hear(event)
