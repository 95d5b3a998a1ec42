"""The queues' consumers, as `chalicelib/commands.py` and `hearing.py` are."""

from datetime import date
from typing import TYPE_CHECKING

from chalicelib.complaints import model as complaints
from chalicelib.delivery import model as delivery
from chalicelib.disputes import model as disputes
from chalicelib.kernel.ids import OrderId, PaymentId, RefundId
from chalicelib.ledger.events import Message
from chalicelib.orders import model as orders
from chalicelib.payments import model as payments
from chalicelib.refunds import model as refunds
from chalicelib.settlement import model as settlement

if TYPE_CHECKING:
    from tests.fakes.rooms import Rooms


def run(rooms: "Rooms", command: Message) -> None:
    """Run a command as its queue's consumer does."""
    match command:
        case {"command": "close_order", "order_id": str(order_id)}:
            rooms.close_order.close(OrderId.parse(order_id))
        case {"command": "report_shipment", "order_id": str(order_id)}:
            rooms.report_shipments.report(OrderId.parse(order_id))
        case {
            "command": "ask_about_payment",
            "order_id": str(order_id),
            "payment_id": str(payment_id),
            "question": str(question),
        }:
            asked = OrderId.parse(order_id), PaymentId.parse(payment_id)
            rooms.ask.ask(*asked, question=int(question))
        case {
            "command": "advance_refund",
            "order_id": str(order_id),
            "refund_id": str(refund_id),
        }:
            rooms.advance_refund.advance(OrderId.parse(order_id), RefundId.parse(refund_id))
        case {"command": "check_receipt", "payment_id": str(payment_id)}:
            rooms.hear_of_receipts.check(PaymentId.parse(payment_id))
        case {"command": "take_complaint", "complaint_id": str(complaint_id)}:
            rooms.take_complaints.take(complaint_id)
        case {"command": "answer_complaint", "case": str(case)}:
            rooms.answer_complaints.answer(case)
        case {"command": "reconcile", "day": str(day)}:  # of a queue of its own
            rooms.reconciling.day.again(date.fromisoformat(day))
        case _:
            raise ValueError("no such command")


def hear(rooms: "Rooms", event: Message) -> None:
    """Hear an event as the rooms' queue does."""
    if event["event"] in orders.HEARD:
        rooms.remember_due.hear(event)
    if event["event"] in payments.HEARD:
        rooms.ask.hear(event)
    if event["event"] in refunds.HEARD:
        rooms.sweep_refunds.hear(event)
    if event["event"] in delivery.HEARD:
        rooms.report_shipments.hear(event)
    if event["event"] in disputes.HEARD:
        rooms.carry_out.hear(event)
    if event["event"] in complaints.HEARD:
        rooms.answer_complaints.hear(event)
    if event["event"] in settlement.HEARD:
        rooms.desk.hear(event)
