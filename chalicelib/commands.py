"""Who does what a verb has asked for: the one consumer of the commands queue, and the rooms.

A command may come twice, and in any order; one that fails comes again. The queue's name is read
when the module is, since Chalice writes it into the template. A room is entered when there is work
for it.
"""

import os
from typing import Any

from chalice.app import Blueprint, SQSEvent

from chalicelib.edge.queue import Message, partial_batch
from chalicelib.kernel.ids import OrderId, PaymentId, RefundId

blueprint = Blueprint(__name__)

_COMMANDS = os.environ.get("COMMANDS_QUEUE", "shoukuan-local-commands")


@blueprint.on_sqs_message(queue=_COMMANDS, batch_size=10)
def run_commands(event: SQSEvent) -> Any:
    """Do work with the outside world."""
    return partial_batch(event.to_dict(), _run)


def _run(message: Message) -> None:
    match message:
        case {"command": "close_order", "order_id": str(order_id)}:
            from chalicelib.payments.wiring import close_order

            close_order().close(OrderId.parse(order_id))
        case {
            "command": "ask_about_payment",
            "order_id": str(order_id),
            "payment_id": str(payment_id),
            "question": str(question),
        }:
            from chalicelib.payments.wiring import ask_about_payment

            asked = OrderId.parse(order_id), PaymentId.parse(payment_id)
            ask_about_payment().ask(*asked, question=int(question))
        case {"command": "report_shipment", "order_id": str(order_id)}:
            from chalicelib.delivery.wiring import report_shipments

            report_shipments().report(OrderId.parse(order_id))
        case {"command": "advance_refund", "order_id": str(order), "refund_id": str(refund)}:
            from chalicelib.refunds.wiring import advance_refund

            advance_refund().advance(OrderId.parse(order), RefundId.parse(refund))
        case {"command": "check_receipt", "payment_id": str(payment_id)}:
            from chalicelib.delivery.wiring import hear_of_receipts

            hear_of_receipts().check(PaymentId.parse(payment_id))
        case {"command": "take_complaint", "complaint_id": str(complaint_id)}:
            from chalicelib.complaints.wiring import take_complaints

            take_complaints().take(complaint_id)
        case {"command": "answer_complaint", "case": str(case)}:
            from chalicelib.complaints.wiring import answer_complaints

            answer_complaints().answer(case)
        case _:
            raise ValueError("no such command")
