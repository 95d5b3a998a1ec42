"""What each verb may cost: round trips and write units, counted at the client.

`make bench` prints the table; a test holds it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.agreeing import agreeing
from benchmarks.meter import Counter, Reading
from benchmarks.money_out import money_out
from benchmarks.refunds import refunds_and_disputes
from chalicelib.orders.model import Wanted
from tests.fakes.health import examination
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
        Budget("payment notified, late", 2, 6),
        Budget("payment notified, unknown", 1, 4),
        Budget("close unpaid order, 1 line", 3, 8),
        Budget("hear of a new order", 1, 2),
        Budget("ship", 2, 4),
        Budget("ship, again", 1, 0),
        Budget("confirm receipt", 2, 6),
        Budget("confirm receipt, again", 1, 0),
        Budget("hear of a shipment", 1, 2),
        Budget("report shipment", 3, 4),
        Budget("report shipment, again", 2, 0),
        Budget("received in WeChat", 3, 6),
        Budget("release a part", 2, 8),
        Budget("release a part, again", 2, 0),
        Budget("agree on terms", 2, 4),
        Budget("open a settlement", 2, 4),
        Budget("settle merchant", 2, 8),
        Budget("settle merchant, again", 1, 0),
        Budget("settle merchant, more came since", 3, 8),
        Budget("settle merchant, passed over", 2, 6),
        Budget("advance", 1, 6),
        Budget("hear of a payout", 1, 2),
        Budget("send payout", 3, 4),
        Budget("payout confirmed", 2, 6),
        Budget("payout confirmed, again", 1, 0),
        Budget("payout failed", 2, 6),
        Budget("merchant's statement", 10, 0),
        Budget("begin unfreezing", 2, 4),
        Budget("share and unfreeze", 4, 10),
        Budget("refund out of the hold", 2, 8),
        Budget("refund out of the hold, again", 1, 0),
        Budget("hear of a refund", 1, 2),
        Budget("send refund", 4, 4),
        Budget("refund paid", 3, 6),
        Budget("refund paid, again", 2, 0),
        Budget("refund all, 1 line", 3, 10),
        Budget("refund after release", 2, 6),
        Budget("collect and send refund", 6, 12),
        Budget("open a dispute", 2, 8),
        Budget("decide a dispute", 2, 6),
        Budget("carry out a split", 6, 18),
        Budget("complaint opens a dispute", 3, 12),
        Budget("complaint, known", 2, 0),
        Budget("complaint joins a dispute", 3, 8),
        Budget("complaint, nothing held", 3, 4),
        Budget("hear of a dispute's end", 2, 2),
        Budget("answer a complaint", 4, 8),
        Budget("answer a complaint, again", 1, 0),
        Budget("find 1 order paid at its expiry", 7, 4),
        Budget("refund 1 order never shipped", 10, 12),
        Budget("ask about a payment", 1, 0),
        Budget("number 3 commits of 1 order", 27, 29),
        Budget("number 300 commits of 100 orders", 42, 852),
        Budget("merchant's balances", 2, 0),
        Budget("page of entries", 1, 0),
        Budget("page of merchant's orders", 2, 0),
        Budget("report of health", 68, 0),
        Budget("ask for a run", 4, 0),
        Budget("reconcile a day", 21, 26),
        Budget("reconcile a day, again", 19, 10),
        Budget("take on a difference", 2, 4),
        Budget("resolve a difference", 2, 6),
        Budget("resolve a difference, again", 1, 0),
        Budget("a day's report", 29, 0),
        Budget("page of what stands", 2, 0),
    )
}


Read = tuple[str, Reading]


def measured(house: House, meter: Counter) -> Iterator[Read]:
    """Run every verb once and say what it cost."""

    def read(verb: str, run: Callable[[], object]) -> Read:
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
    yield from _escrow(house, read)
    yield from _books(house, read)
    yield from _around(house, read)


def _around(house: House, read: Callable[[str, Callable[[], object]], Read]) -> Iterator[Read]:
    """Measure what comes after a sale: out, back, disputed, looked after, agreed with the bank."""
    yield from money_out(house, read)
    yield from refunds_and_disputes(house, read)
    yield read("report of health", examination(house.table, house.clock).examine)
    yield from agreeing(house, read)


def _escrow(house: House, read: Callable[[str, Callable[[], object]], Read]) -> Iterator[Read]:
    """Measure what becomes of an order after it was placed."""
    unpaid = house.order()
    asked = house.payment(unpaid).id
    yield read("ask about a payment", lambda: house.ask.ask(unpaid.id, asked, question=0))
    house.clock.move(seconds=TTL_SECONDS + 61)
    yield read("close unpaid order, 1 line", lambda: house.close_order.close(unpaid.id))
    due = unpaid.expires_at
    yield read("hear of a new order", lambda: house.remember_due.placed(unpaid.id, due))
    paid = house.order()
    house.capture.capture(house.provider.pay(house.payment(paid).id))
    ship, release = house.ship.ship, house.release.confirm
    yield read("ship", lambda: ship(paid.merchant_id, paid.id, "SF", "SF1234567890"))
    yield read("ship, again", lambda: ship(paid.merchant_id, paid.id, "SF", "SF1234567890"))
    yield from _delivery(house, read)
    yield read("confirm receipt", lambda: release(paid.member_id, paid.id))
    yield read("confirm receipt, again", lambda: release(paid.member_id, paid.id))


def _delivery(house: House, read: Callable[[str, Callable[[], object]], Read]) -> Iterator[Read]:
    """Measure what WeChat is told, and what it tells."""
    order = house.order()
    payment = house.payment(order)
    house.capture.capture(house.provider.pay(payment.id))
    house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    event = {"event": "order.shipped", "about": order.id, "facts": {}}
    report = house.report_shipments
    yield read("hear of a shipment", lambda: report.hear(event))
    yield read("report shipment", lambda: report.report(order.id))
    yield read("report shipment, again", lambda: report.report(order.id))
    house.parcels.let_receive(house.provider.paid[payment.id].transaction_id)
    yield read("received in WeChat", lambda: house.hear_of_receipts.check(payment.id))


def _books(house: House, read: Callable[[str, Callable[[], object]], Read]) -> Iterator[Read]:
    """Measure what follows the commits, and how the books are read."""
    merchant_id = house.merchant()
    product_id = house.product(merchant_id, stock=200)

    def purchase() -> None:
        wanted = [Wanted(product_id=product_id, quantity=1)]
        member_id = house.member("new")
        order, _ = house.place_order.place(member_id, merchant_id, wanted, key=house.key())
        house.capture.capture(house.provider.pay(house.payment(order).id))

    house.catch_up()
    house.catch_up()  # what was heard has left rows of its own
    purchase()
    yield read("number 3 commits of 1 order", house.sequencer.run)
    for _ in range(100):
        purchase()
    yield read("number 300 commits of 100 orders", house.sequencer.run)
    books, orders = house.read_books, house.read_orders
    yield read("merchant's balances", lambda: books.of_merchant(merchant_id))
    yield read("page of entries", lambda: books.entries_of(merchant_id, before=None, limit=20))
    yield read(
        "page of merchant's orders",
        lambda: orders.of_merchant(merchant_id, state=None, after=None, limit=20),
    )
