"""What scenes begin with: an order, a payment, held money."""

from chalicelib.kernel.ids import MerchantId, OrderId
from chalicelib.orders.model import Order
from chalicelib.people.model import Terms
from chalicelib.providers.port import Collected
from tests.simulation.registered import Verb
from tests.simulation.stage import Stage


def ordered(stage: Stage) -> tuple[OrderId, Verb]:
    """Place an order, and return the verb that starts its payment."""
    merchant_id, member_id = stage.merchant(), stage.rooms.sign_in.sign_in("a").id
    order = stage.order(member_id, merchant_id, stage.product(merchant_id))
    start = stage.rooms.start_payment.start
    return order.id, lambda: start(member_id, order.id, "wechatpay", key="y")


def paid(stage: Stage) -> Collected:
    """Let a shopper pay an order, and return what the provider has not said yet."""
    _, start = ordered(stage)
    start()
    (number,) = stage.provider.orders
    collected = stage.provider.pay(number)
    assert collected is not None
    return collected


def paid_twice(stage: Stage) -> tuple[Collected, Collected]:
    """Let a shopper pay two orders of one merchant."""
    first = paid(stage)
    merchant_id = MerchantId(first.attach.partition("/")[2])
    member_id, (product_id, *_) = stage.rooms.sign_in.sign_in("a").id, stage.products
    order = stage.order(member_id, merchant_id, product_id, key="second")
    started = stage.rooms.start_payment.start(member_id, order.id, "wechatpay", key="y")
    second = stage.provider.pay(started.payment.id)
    assert second is not None
    return first, second


def held(stage: Stage, terms: Terms | None = None, *, key: str = "o") -> Order:
    """Let an order be paid, of a merchant on these terms, and return it."""
    merchant_id, member_id = stage.merchant(), stage.rooms.sign_in.sign_in("a").id
    if terms is not None:
        stage.rooms.merchants.agree(merchant_id, terms)
    order = stage.order(member_id, merchant_id, stage.product(merchant_id), key=key)
    started = stage.rooms.start_payment.start(member_id, order.id, "wechatpay", key="y")
    collected = stage.provider.pay(started.payment.id)
    assert collected is not None
    stage.deliver(collected)
    found = stage.rooms.orders.find(order.id)
    assert found is not None
    return found
