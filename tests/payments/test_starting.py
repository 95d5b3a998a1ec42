"""Starting payments."""

import dataclasses

import pytest

from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.money import fen
from chalicelib.orders.model import OrderNotFoundError, OrderState
from chalicelib.payments.model import (
    OrderNotPayableError,
    PaymentNotPayableError,
    PaymentState,
    ProviderNotOfferedError,
)
from chalicelib.providers.port import (
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from tests.fakes.house import TTL_SECONDS, House


def test_a_payment_is_started_with_what_the_order_is_due(house: House) -> None:
    order = house.order(lines=2)
    started = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    asked = house.provider.prepaid[started.payment.id]
    assert started.payment.state is PaymentState.PENDING
    assert asked.amount == order.due == started.payment.amount
    assert asked.attach == f"{order.id}/{order.merchant_id}"
    assert asked.payer_openid == "o_xiaoming"
    assert asked.expires_at == order.expires_at
    assert asked.description == "高山乌龙茶 等2种"
    assert started.invoke is not None


def test_the_same_key_is_the_same_payment_asked_again_in_the_same_words(house: House) -> None:
    order = house.order()
    first = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    asked = house.provider.prepaid[first.payment.id]
    house.clock.move(seconds=60)
    assert house.start_payment.start(order.member_id, order.id, "wechatpay", key="k") == first
    assert house.provider.prepaid == {first.payment.id: asked}
    other = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k2")
    assert other.payment.id != first.payment.id


def test_an_order_that_is_not_payable_starts_nothing(house: House) -> None:
    order = house.order()
    start = house.start_payment.start
    with pytest.raises(ProviderNotOfferedError):
        start(order.member_id, order.id, "piggybank", key="k")
    with pytest.raises(OrderNotFoundError):
        start(house.member("stranger"), order.id, "wechatpay", key="k")
    house.clock.move(seconds=TTL_SECONDS)
    with pytest.raises(OrderNotPayableError):
        start(order.member_id, order.id, "wechatpay", key="k")
    assert house.provider.calls == []
    paid = house.order()
    house.capture.capture(house.provider.pay(house.payment(paid).id))
    with pytest.raises(OrderNotPayableError):
        start(paid.member_id, paid.id, "wechatpay", key="another")


def test_a_pending_payment_is_not_offered_again_when_its_order_is_not_payable(
    house: House,
) -> None:
    order = house.order()
    first = house.start_payment.start(order.member_id, order.id, "wechatpay", key="first")
    house.start_payment.start(order.member_id, order.id, "wechatpay", key="second")
    house.capture.capture(house.provider.pay(first.payment.id))
    with pytest.raises(OrderNotPayableError):
        house.start_payment.start(order.member_id, order.id, "wechatpay", key="second")


def test_the_answer_of_a_captured_payment_is_itself(house: House) -> None:
    order = house.order()
    first = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    collected = house.provider.pay(first.payment.id)
    house.capture.capture(collected)
    again = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    assert again.payment == first.payment.evolve(
        state=PaymentState.CAPTURED, transaction_id=collected.transaction_id
    )
    assert again.invoke is None


def test_when_the_outcome_is_unknown_the_payment_stays_pending(house: House) -> None:
    order = house.order()
    house.provider.failures = [ProviderOutcomeUnknownError("silence")]
    started = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    assert (started.payment.state, started.invoke) == (PaymentState.PENDING, None)
    again = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    assert again.payment == started.payment
    assert again.invoke is not None


def test_when_nothing_happened_the_caller_may_try_again(house: House) -> None:
    order = house.order()
    house.provider.failures = [ProviderUnavailableError("down")]
    with pytest.raises(ProviderUnavailableError):
        house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    assert house.start_payment.start(order.member_id, order.id, "wechatpay", key="k").invoke


def test_a_rejected_payment_fails_for_good(house: House) -> None:
    order = house.order()
    house.provider.failures = [ProviderRejectedError("no", provider_code="PARAM_ERROR")]
    with pytest.raises(ProviderRejectedError):
        house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    with pytest.raises(PaymentNotPayableError):
        house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    assert house.start_payment.start(order.member_id, order.id, "wechatpay", key="k2").invoke


def test_a_refusal_that_means_paid_already_is_booked(house: House) -> None:
    order = house.order()
    first = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    house.provider.pay(first.payment.id)  # and its notification got lost
    house.provider.failures = [ProviderRejectedError("paid", provider_code="ORDERPAID")]
    again = house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    assert again.payment.state is PaymentState.CAPTURED
    assert house.head(order.id).state is OrderState.PAID
    assert house.head(order.id).held == fen(3998)


def test_a_key_that_started_something_else_is_refused(quick_house: House) -> None:
    house = quick_house
    order = house.order()
    house.start_payment.start(order.member_id, order.id, "wechatpay", key="k")
    both = {"wechatpay": house.provider, "alipay": house.provider}
    start_payment = dataclasses.replace(house.start_payment, providers=both)
    with pytest.raises(IdempotencyKeyReusedError):
        start_payment.start(order.member_id, order.id, "alipay", key="k")
