"""Scenes of delivery: shipments reported to WeChat, and receipts heard from it."""

from chalicelib.delivery import usecases as delivery
from chalicelib.delivery.model import SETTLEMENT_PUSH, Received
from chalicelib.escrow import usecases as escrow
from chalicelib.kernel.ids import OrderId, PaymentId
from chalicelib.providers.shipping import Pushed
from tests.simulation.registered import Registered, Verb
from tests.simulation.scenes import held
from tests.simulation.stage import Stage

_REPORT, _HEAR = delivery.ReportShipments, delivery.HearOfReceipts


def shipped(stage: Stage) -> OrderId:
    """Let an order be on its way."""
    order = held(stage)
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456", contact="189****1234")
    stage.catch_up()
    return order.id


def _shipment_heard(stage: Stage) -> Verb:
    order = held(stage)
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    event = {"event": "order.shipped", "about": order.id, "facts": {}}
    return lambda: stage.rooms.report_shipments.hear(event)


def _reported(stage: Stage) -> Verb:
    order_id = shipped(stage)
    return lambda: stage.rooms.report_shipments.report(order_id)


def _reported_too_early(stage: Stage) -> Verb:
    """Report a shipment before WeChat has heard of its payment."""
    order_id = shipped(stage)
    number, word = next(iter(stage.provider.paid.items()))
    stage.parcels.unknown_payments.add(word.transaction_id)
    assert number

    def report() -> None:
        stage.attempt(lambda: stage.rooms.report_shipments.report(order_id))
        stage.parcels.unknown_payments.clear()
        stage.rooms.report_shipments.report(order_id)

    return report


def _report_refused(stage: Stage) -> Verb:
    stage.parcels.refused_carriers.add("SF")
    order_id = shipped(stage)
    return lambda: stage.rooms.report_shipments.report(order_id)


def _swept(stage: Stage) -> Verb:
    shipped(stage)
    stage.commands.messages.clear()  # the command got lost
    stage.world.pause(3600)
    return stage.rooms.report_shipments.sweep


def _in_wechat(stage: Stage) -> PaymentId:
    """Let a reported parcel be received in WeChat."""
    order_id = shipped(stage)
    stage.rooms.report_shipments.report(order_id)
    number, word = next(iter(stage.provider.paid.items()))
    stage.parcels.let_receive(word.transaction_id)
    return PaymentId(number)


def _pushed(stage: Stage) -> Verb:
    number = _in_wechat(stage)
    hint = Pushed(event=SETTLEMENT_PUSH, number=number, transaction_id="42")

    def hear() -> None:
        stage.rooms.hear_of_receipts.hear(hint)
        stage.work_commands()

    return hear


def _checked(stage: Stage) -> Verb:
    payment_id = _in_wechat(stage)

    def check() -> None:
        assert stage.rooms.hear_of_receipts.check(payment_id) is Received.RELEASED

    return check


def _checked_too_early(stage: Stage) -> Verb:
    order_id = shipped(stage)
    stage.rooms.report_shipments.report(order_id)
    (number,) = stage.provider.paid

    def check() -> None:
        assert stage.rooms.hear_of_receipts.check(PaymentId(number)) is Received.NOT_YET

    return check


def _swept_refused(stage: Stage) -> Verb:
    """Let WeChat refuse a parcel that nobody corrects until its order is received."""
    stage.parcels.refused_carriers.add("SF")
    order_id = shipped(stage)
    stage.rooms.report_shipments.report(order_id)
    stage.world.pause(86_400)

    def sweep() -> None:
        stage.rooms.report_shipments.sweep()

    return sweep


DELIVERY = [
    Registered("hear of a parcel", _shipment_heard, (_REPORT.hear,)),
    Registered("report shipment", _reported, (_REPORT.report,)),
    Registered("report shipment, too early", _reported_too_early, (_REPORT.report,)),
    Registered("report shipment, refused", _report_refused, (_REPORT.report,)),
    Registered("sweep shipments", _swept, (_REPORT.sweep,)),
    Registered("sweep refused shipments", _swept_refused, (_REPORT.sweep,)),
    Registered("pushed by WeChat", _pushed, (_HEAR.hear,)),
    Registered("received in WeChat", _checked, (_HEAR.check, escrow.Release.received)),
    Registered("not received in WeChat", _checked_too_early, (_HEAR.check,)),
]
