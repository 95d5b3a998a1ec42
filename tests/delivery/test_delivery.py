"""Shipments told to WeChat, and receipts heard from it."""

import pytest

from chalicelib.delivery.model import SETTLEMENT_PUSH, Received, ReportState
from chalicelib.delivery.usecases import GIVE_UP
from chalicelib.kernel.ids import PaymentId
from chalicelib.orders.model import Order, OrderState
from chalicelib.providers.port import ProviderUnavailableError
from chalicelib.providers.shipping import Pushed
from tests.fakes.house import House
from tests.fakes.table import MemoryTable


@pytest.fixture
def house() -> House:
    return House(MemoryTable())


def shipped(house: House) -> tuple[Order, PaymentId, str]:
    order = house.order()
    payment = house.payment(order)
    house.capture.capture(house.provider.pay(payment.id))
    house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890", contact="189****1234")
    house.catch_up()
    return order, payment.id, house.provider.paid[payment.id].transaction_id


def test_a_shipment_is_reported_as_it_is(house: House) -> None:
    order, _, transaction = shipped(house)
    house.run_errands()
    told = house.parcels.parcels[transaction]
    head = house.head(order.id)
    assert head.shipment is not None
    assert (told.carrier, told.tracking_number) == ("SF", "SF1234567890")
    assert (told.contact, told.shipped_at) == ("189****1234", head.shipment.shipped_at)
    assert told.payer == "o_xiaoming"
    report = house.reports.find(order.id)
    assert report is not None
    assert report.state is ReportState.REPORTED
    house.report_shipments.report(order.id)
    assert house.parcels.reports == 1


def test_what_wechat_does_not_know_yet_is_asked_again_and_given_up_after_days(
    house: House,
) -> None:
    order, _, transaction = shipped(house)
    house.parcels.unknown_payments.add(transaction)
    with pytest.raises(ProviderUnavailableError):
        house.run_errands()
    house.clock.move(seconds=3600)
    assert house.report_shipments.sweep() == 1
    assert house.report_shipments.sweep() == 0
    house.clock.move(seconds=GIVE_UP.total_seconds())
    assert house.report_shipments.sweep() == 1
    house.run_errands()
    report = house.reports.find(order.id)
    assert report is not None
    assert (report.state, report.reason) == (ReportState.REFUSED, "10060001")
    house.clock.move(seconds=3600)
    assert house.report_shipments.sweep() == 0


def test_an_order_that_was_not_shipped_is_not_reported(house: House) -> None:
    order = house.order()
    house.report_shipments.report(order.id)
    assert house.parcels.reports == 0


def push(number: str, event: str = SETTLEMENT_PUSH) -> Pushed:
    return Pushed(event=event, number=number, transaction_id="42")


def test_a_push_is_a_hint_and_wechat_is_asked(house: House) -> None:
    order, payment_id, transaction = shipped(house)
    house.run_errands()
    assert house.hear_of_receipts.hear(push(payment_id))
    house.run_errands()
    assert house.head(order.id).state is OrderState.SHIPPED
    house.parcels.let_receive(transaction)
    house.parcels.disputed.add(transaction)
    assert house.hear_of_receipts.check(payment_id) is Received.NOT_YET
    house.parcels.disputed.clear()
    house.hear_of_receipts.hear(push(payment_id))
    house.run_errands()
    assert house.head(order.id).state is OrderState.RELEASED
    assert house.hear_of_receipts.check(payment_id) is Received.RELEASED


def test_pushes_of_no_concern_change_nothing(house: House) -> None:
    assert not house.hear_of_receipts.hear(push("x", "trade_manage_remind_shipping"))
    assert house.hear_of_receipts.hear(push("somebody-else's"))
    assert house.hear_of_receipts.hear(push("pay_01KAMBPZR0000000000000000A"))
    assert len(house.errands) == 1
    unknown = PaymentId("pay_01KAMBPZR0000000000000000A")
    assert house.hear_of_receipts.check(unknown) is Received.NOT_OURS


def test_received_there_and_not_shipped_here_is_an_alarm(house: House) -> None:
    order = house.order()
    payment = house.payment(order)
    collected = house.provider.pay(payment.id)
    house.capture.capture(collected)
    house.parcels.received.add(collected.transaction_id)
    assert house.hear_of_receipts.check(payment.id) is Received.ELSEWHERE
    assert house.head(order.id).state is OrderState.PAID
