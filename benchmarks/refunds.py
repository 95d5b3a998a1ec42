"""What refunds and disputes cost."""

from collections.abc import Callable, Iterator

from benchmarks.meter import Reading
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order, OrderState
from chalicelib.providers.refunds import RefundStatus
from chalicelib.refunds.model import Refund
from tests.fakes.house import House
from tests.fakes.rooms import SHIP_DAYS, TTL_SECONDS

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
    yield from _complaints(house, read)
    yield from _unshipped(house, read)


def _unshipped(house: House, read: Reader) -> Iterator[Read]:
    """Measure an order that is paid and never shipped: two sweeps, each of four shards."""
    house.clock.move(seconds=TTL_SECONDS + 61)
    house.sweep.sweep()
    order = _paid(house)
    house.clock.move(seconds=TTL_SECONDS + 30)
    house.sweep.sweep()  # whatever else is due, so that one is left
    house.clock.move(seconds=31)
    yield read("find 1 order paid at its expiry", house.sweep.sweep)
    house.clock.move(seconds=SHIP_DAYS * 86_400 - 2 * TTL_SECONDS)
    house.refund_unshipped.sweep()
    house.clock.move(seconds=TTL_SECONDS)
    yield read("refund 1 order never shipped", house.refund_unshipped.sweep)
    assert house.head(order.id).state is OrderState.REFUNDED


def _complaints(house: House, read: Reader) -> Iterator[Read]:
    """Measure what payers tell the provider, and what it is answered."""

    def complained(name: str, order: Order) -> None:
        words = house.provider.paid.values()
        house.complained.complain(name, *(one for one in words if order.id in one.attach))

    order, disputed, released = (_paid(house, shipped=True) for _ in range(3))
    house.disputes.open(disputed.member_id, disputed.id, "空包裹", key="d")
    house.release.confirm(released.member_id, released.id)
    for name, one in (("opens", order), ("joins", disputed), ("late", released)):
        complained(name, one)
    take, answers = house.take_complaints.take, house.answer_complaints
    yield read("complaint opens a dispute", lambda: take("opens"))
    yield read("complaint, known", lambda: take("opens"))
    yield read("complaint joins a dispute", lambda: take("joins"))
    yield read("complaint, nothing held", lambda: take("late"))
    (dispute,) = house.disputes.of_order(order.id, member_id=None, merchant_id=None)
    house.disputes.withdraw(order.member_id, order.id, dispute.id)
    event = {"event": "dispute.withdrawn", "about": dispute.id, "facts": {"order_id": order.id}}
    yield read("hear of a dispute's end", lambda: answers.hear(event))
    yield read("answer a complaint", lambda: answers.answer(f"{order.id}.opens.1"))
    yield read("answer a complaint, again", lambda: answers.answer(f"{order.id}.opens.1"))
