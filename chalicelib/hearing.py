"""Who hears what happened: the one consumer of the events queue, and the rooms it tells.

An event may come twice, and in any order. The queue's name is read when the module is, since
Chalice writes it into the template. A room is entered when something happened that it listens to.
"""

import os
from collections.abc import Mapping
from typing import Any, Protocol

from chalice.app import Blueprint, SQSEvent

from chalicelib.edge import observe
from chalicelib.edge.queue import Message, partial_batch
from chalicelib.kernel import trace

blueprint = Blueprint(__name__)

_EVENTS = os.environ.get("EVENTS_QUEUE", "shoukuan-local-events")

HEARD_BY = {
    "orders": {"order.placed", "order.shipped"},
    "payments": {"payment.started"},
    "refunds": {"refund.accepted", "payment.captured_late"},
    "delivery": {"order.shipped"},
    "disputes": {"dispute.decided"},
    "complaints": {"dispute.carried_out", "dispute.withdrawn"},
    "settlement": {"settlement.opened", "payout.created", "order.released", "refund.accepted"},
}
"""To what each room listens; it says so itself (`model.HEARD`), and a test compares."""


class _Listener(Protocol):
    def hear(self, event: Mapping[str, str], /) -> None: ...


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
    for room, heard in HEARD_BY.items():
        if event["event"] in heard:
            listener(room).hear(event)


def listener(room: str) -> _Listener:
    """Enter a room, and return who listens there."""
    match room:
        case "orders":
            from chalicelib.orders.wiring import remember_due

            return remember_due()
        case "payments":
            from chalicelib.payments.wiring import ask_about_payment

            return ask_about_payment()
        case "refunds":
            from chalicelib.refunds.wiring import sweep_refunds

            return sweep_refunds()
        case "delivery":
            from chalicelib.delivery.wiring import report_shipments

            return report_shipments()
        case "disputes":
            from chalicelib.disputes.wiring import carry_out

            return carry_out()
        case "complaints":
            from chalicelib.complaints.wiring import answer_complaints

            return answer_complaints()
        case "settlement":
            from chalicelib.settlement.wiring import desk

            return desk()
        case _:
            raise AssertionError(f"no room that listens: {room}")
