"""What each verb may cost: round trips and write units, counted at the client.

`make bench` prints the table; a test holds it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.meter import Meter, Reading
from chalicelib.orders.model import Wanted
from tests.fakes.house import TTL_SECONDS, House


@dataclass(frozen=True, slots=True)
class Budget:
    """The most a verb may cost; the provider's own call is not counted."""

    verb: str
    round_trips: int
    write_units: int


BUDGETS = {
    budget.verb: budget
    for budget in (
        Budget("login, new shopper", 2, 4),
        Budget("login, known shopper", 1, 0),
        Budget("create product", 1, 8),
        Budget("place order, 1 line", 2, 8),
        Budget("place order, 5 lines", 2, 16),
        Budget("place order, again", 2, 0),
        Budget("start payment", 2, 4),
        Budget("start payment, again", 1, 0),
        Budget("payment notified", 1, 8),
        Budget("payment notified, again", 1, 0),
        Budget("payment notified, late", 2, 8),
        Budget("payment notified, unknown", 1, 4),
        Budget("close unpaid order, 1 line", 3, 8),
    )
}


def measured(house: House, meter: Meter) -> Iterator[tuple[str, Reading]]:
    """Run every verb once and say what it cost."""

    def read(verb: str, run: Callable[[], object]) -> tuple[str, Reading]:
        with meter.reading() as reading:
            run()
        return verb, reading

    yield read("login, new shopper", lambda: house.sign_in.sign_in("new"))
    yield read("login, known shopper", lambda: house.sign_in.sign_in("new"))
    merchant_id, member_id = house.merchant(), house.member("new")
    yield read("create product", lambda: house.product(merchant_id))
    products = [house.product(merchant_id, stock=100) for _ in range(5)]

    def place(lines: int, key: str) -> None:
        wanted = [Wanted(product_id=product, quantity=2) for product in products[:lines]]
        house.place_order.place(member_id, merchant_id, wanted, key=key)

    yield read("place order, 1 line", lambda: place(1, "one"))
    yield read("place order, 5 lines", lambda: place(5, "five"))
    yield read("place order, again", lambda: place(1, "one"))
    order = house.order()
    start = house.start_payment.start

    def pay(key: str) -> None:
        start(order.member_id, order.id, "wechatpay", key=key)

    yield read("start payment", lambda: pay("first"))
    yield read("start payment, again", lambda: pay("first"))
    in_time = house.provider.pay(
        start(order.member_id, order.id, "wechatpay", key="first").payment.id
    )
    second = house.provider.pay(house.payment(order).id)
    yield read("payment notified", lambda: house.capture.capture(in_time))
    yield read("payment notified, again", lambda: house.capture.capture(in_time))
    yield read("payment notified, late", lambda: house.capture.capture(second))
    strange = in_time.evolve(number="nobody-knows", attach="")
    yield read("payment notified, unknown", lambda: house.capture.capture(strange))
    unpaid = house.order()
    house.payment(unpaid)
    house.clock.move(seconds=TTL_SECONDS + 61)
    yield read("close unpaid order, 1 line", lambda: house.close_order.close(unpaid.id))
