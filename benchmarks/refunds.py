"""What refunds and disputes cost."""

from collections.abc import Callable, Iterator

from benchmarks.meter import Reading
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order
from chalicelib.providers.refunds import RefundStatus
from chalicelib.refunds.model import Refund
from tests.fakes.house import House

Read = tuple[str, Reading]
Reader = Callable[[str, Callable[[], object]], Read]


def _paid(house: House, *, shipped: bool = False) -> Order:
    order = house.order()
    house.capture.capture(house.provider.pay(house.payment(order).id))
    if shipped:
        house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    house.catch_up()
    return order


def _ask(house: House, order: Order, amount: int, key: str) -> Refund:
    return house.accept_refund.accept(
        order.id,
        fen(amount),
        "不想要了",
        merchant_id=order.merchant_id,
        caller="merchant",
        key=key,
    )


def refunds_and_disputes(house: House, read: Reader) -> Iterator[Read]:
    """Measure every verb once."""
    order = _paid(house)
    yield read("refund out of the hold", lambda: _ask(house, order, 500, "a"))
    yield read("refund out of the hold, again", lambda: _ask(house, order, 500, "a"))
    refund = _ask(house, order, 500, "a")
    name = refund.order_id, refund.id
    event = {"event": "refund.accepted", "about": refund.id, "facts": {"order_id": order.id}}
    yield read("hear of a refund", lambda: house.sweep_refunds.hear(event))
    yield read("send refund", lambda: house.advance_refund.advance(*name))
    said = house.back.end(refund.id, RefundStatus.SUCCESS)
    yield read("refund paid", lambda: house.advance_refund.hear(said))
    yield read("refund paid, again", lambda: house.advance_refund.hear(said))
    untouched = _paid(house)
    everything = untouched.total.amount
    yield read("refund all, 1 line", lambda: _ask(house, untouched, everything, "b"))
    released = _paid(house, shipped=True)
    house.release.confirm(released.member_id, released.id)
    house.catch_up()
    yield read("refund after release", lambda: _ask(house, released, 700, "c"))
    waiting = _ask(house, released, 700, "c")
    yield read(
        "collect and send refund",
        lambda: house.advance_refund.advance(waiting.order_id, waiting.id),
    )
    disputed = _paid(house, shipped=True)
    talk, member = house.disputes, disputed.member_id
    yield read("open a dispute", lambda: talk.open(member, disputed.id, "空包裹", key="d"))
    dispute = talk.open(member, disputed.id, "空包裹", key="d")
    decide = talk.decide
    yield read(
        "decide a dispute",
        lambda: decide(disputed.id, dispute.id, fen(700), "各半", by="operator"),
    )
    yield read("carry out a split", lambda: house.carry_out.carry_out(disputed.id, dispute.id))
