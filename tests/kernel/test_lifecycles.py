"""State machines are tables; what is absent is illegal."""

import itertools

import pytest

from chalicelib.kernel.lifecycle import IllegalTransitionError
from chalicelib.orders.model import ORDER_LIFECYCLE, OrderState, OrderVerb
from chalicelib.payments.model import PAYMENT_LIFECYCLE, PaymentState, PaymentVerb


@pytest.mark.parametrize(
    ("state", "verb"), list(itertools.product(PaymentState, PaymentVerb)), ids=str
)
def test_a_payments_life(state: PaymentState, verb: PaymentVerb) -> None:
    legal = PAYMENT_LIFECYCLE.rows().get((state, verb))
    assert (state in PAYMENT_LIFECYCLE.before(verb)) is (legal is not None)
    if legal is None:
        with pytest.raises(IllegalTransitionError):
            PAYMENT_LIFECYCLE.after(state, verb)
    else:
        assert PAYMENT_LIFECYCLE.after(state, verb) is legal


def test_captured_money_never_becomes_uncaptured() -> None:
    assert not any(state is PaymentState.CAPTURED for state, _ in PAYMENT_LIFECYCLE.rows())


def test_only_captured_is_beyond_capture() -> None:
    assert PAYMENT_LIFECYCLE.before(PaymentVerb.CAPTURE) == set(PaymentState) - {
        PaymentState.CAPTURED
    }


def test_only_an_unpaid_order_is_paid_or_closed() -> None:
    assert ORDER_LIFECYCLE.before(OrderVerb.PAY) == {OrderState.UNPAID}
    assert ORDER_LIFECYCLE.before(OrderVerb.CLOSE) == {OrderState.UNPAID}


def test_only_a_paid_order_is_shipped_and_only_a_shipped_one_released() -> None:
    assert ORDER_LIFECYCLE.before(OrderVerb.SHIP) == {OrderState.PAID}
    assert ORDER_LIFECYCLE.before(OrderVerb.RELEASE) == {OrderState.SHIPPED}
