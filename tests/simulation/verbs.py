"""Every use case and job, in the simulator: how its scene is set, and how the platform retries it.

A new verb joins by a row in `VERBS`; a test fails while one is missing.
"""

from datetime import timedelta

from chalicelib.books import usecases as books
from chalicelib.catalog import usecases as catalog
from chalicelib.escrow import usecases as escrow
from chalicelib.kernel.ids import MerchantId, OrderId, PaymentId
from chalicelib.kernel.money import fen
from chalicelib.ledger.days import business_day
from chalicelib.orders import usecases as orders
from chalicelib.orders.model import Wanted
from chalicelib.payments.usecases.ask import AskAboutPayment
from chalicelib.payments.usecases.capture import Capture, Hear
from chalicelib.payments.usecases.certificates import RefreshCertificates
from chalicelib.payments.usecases.close import CloseOrder
from chalicelib.payments.usecases.start import StartPayment
from chalicelib.people import usecases as people
from chalicelib.providers.port import Certificate
from tests.fakes.clock import START
from tests.fakes.rooms import RECEIPT_DAYS, TTL_SECONDS
from tests.simulation.registered import Registered, Verb
from tests.simulation.scenes import held, ordered, paid
from tests.simulation.stage import Stage
from tests.simulation.verbs_bills import BILLS
from tests.simulation.verbs_complaints import COMPLAINTS
from tests.simulation.verbs_delivery import DELIVERY
from tests.simulation.verbs_disputes import DISPUTES
from tests.simulation.verbs_health import HEALTH
from tests.simulation.verbs_money_out import MONEY_OUT
from tests.simulation.verbs_refunds import REFUNDS
from tests.simulation.verbs_reports import REPORTS
from tests.simulation.verbs_unshipped import UNSHIPPED


def _sign_in(stage: Stage) -> Verb:
    return lambda: stage.rooms.sign_in.sign_in("new")


def _register(stage: Stage) -> Verb:
    return stage.merchant


def _create(stage: Stage) -> Verb:
    merchant_id = stage.merchant()

    def create() -> None:
        product_id = stage.rooms.catalog.create(
            merchant_id, title="乌龙", price=fen(1), stock=5, stock_shards=2, key="p"
        ).id
        stage.products[product_id] = 5

    return create


def _place(stage: Stage) -> Verb:
    merchant_id, member_id = stage.merchant(), stage.rooms.sign_in.sign_in("a").id
    one, two = (stage.product(merchant_id, key=key, shards=2) for key in "pq")
    wanted = [Wanted(product_id=product, quantity=2) for product in (one, two)]
    return lambda: stage.rooms.place_order.place(member_id, merchant_id, wanted, key="o")


def _place_over_shards(stage: Stage) -> Verb:
    merchant_id, member_id = stage.merchant(), stage.rooms.sign_in.sign_in("a").id
    product_id = stage.product(merchant_id, stock=4, shards=4)
    wanted = [Wanted(product_id=product_id, quantity=3)]
    return lambda: stage.rooms.place_order.place(member_id, merchant_id, wanted, key="o")


def _start(stage: Stage) -> Verb:
    return ordered(stage)[1]


def _start_after_lost_notification(stage: Stage) -> Verb:
    _, start = ordered(stage)
    start()
    (number,) = stage.provider.orders
    stage.provider.pay(number)
    return start


def _notified(stage: Stage) -> Verb:
    collected = paid(stage)
    return lambda: stage.deliver(collected)


def _notified_late(stage: Stage) -> Verb:
    collected = paid(stage)
    order_id = OrderId(collected.attach.partition("/")[0])
    head = stage.rooms.orders.find(order_id)
    assert head is not None
    # Paid by another payment first.
    other = stage.rooms.start_payment.start(head.member_id, order_id, "wechatpay", key="z")
    first = stage.provider.pay(other.payment.id)
    assert first is not None
    stage.deliver(first)
    return lambda: stage.deliver(collected)


def _notified_otherwise(stage: Stage) -> Verb:
    collected = paid(stage)
    lie = collected.evolve(amount=fen(1))
    return lambda: stage.deliver(lie)


def _booked_from_queue(stage: Stage) -> Verb:
    collected = paid(stage)
    stage.words.append(collected)
    stage.acknowledged.append(collected)
    stage.bookings.messages.append({"collected": collected.model_dump_json()})
    return stage.work_bookings


def _closed(stage: Stage) -> Verb:
    order_id, start = ordered(stage)
    start()
    stage.world.pause(TTL_SECONDS + 61)
    return lambda: stage.rooms.close_order.close(order_id)


def _closed_though_paid(stage: Stage) -> Verb:
    order_id, start = ordered(stage)
    start()
    (number,) = stage.provider.orders
    stage.words.append(stage.provider.pay(number))  # type: ignore[arg-type]
    stage.world.pause(TTL_SECONDS + 61)
    return lambda: stage.rooms.close_order.close(order_id)


def _swept(stage: Stage) -> Verb:
    order_id, start = ordered(stage)
    start()
    assert order_id
    stage.sequence()
    stage.work_events()
    stage.world.pause(TTL_SECONDS + 61)

    def sweep_and_close() -> None:
        stage.rooms.sweep.sweep()
        stage.work_commands()

    return sweep_and_close


def _shipped(stage: Stage) -> Verb:
    order = held(stage)
    return lambda: stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")


def _received(stage: Stage) -> Verb:
    order = held(stage)
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    return lambda: stage.rooms.release.confirm(order.member_id, order.id)


def _taken_as_received(stage: Stage) -> Verb:
    _shipped(stage)()
    stage.sequence()
    while stage.events.messages:
        stage.work_events()
    stage.world.pause(RECEIPT_DAYS * 86_400)
    return stage.rooms.release.sweep


def _shipping_heard(stage: Stage) -> Verb:
    _shipped(stage)()
    stage.sequence()

    def hear() -> None:
        while stage.events.messages:
            stage.work_events()

    return hear


def _sequenced(stage: Stage) -> Verb:
    collected = paid(stage)
    stage.deliver(collected)
    return stage.sequence


def _heard(stage: Stage) -> Verb:
    order_id, _ = ordered(stage)
    stage.sequence()
    assert order_id

    def hear() -> None:
        if stage.events.messages:
            stage.work_events()

    return hear


def _books_read(stage: Stage) -> Verb:
    collected = paid(stage)
    stage.deliver(collected)
    stage.sequence()
    merchant_id = MerchantId(collected.attach.partition("/")[2])
    show, today = stage.rooms.read_books, business_day(START)
    stage.world.pause(86_400)
    stage.sequence()

    def read() -> None:
        stage.rooms.merchants.shown_to(merchant_id, None)
        show.of_merchant(merchant_id)
        show.entries_of(merchant_id, before=None, limit=10)
        show.days_of(merchant_id, before=None, limit=10)
        show.account("provider:wechatpay:clearing", day=today)
        show.closed_at(today)
        show.platforms_day(today)
        show.active_on(today, after=None, limit=10)
        stage.rooms.read_orders.of_merchant(merchant_id, state=None, after=None, limit=10)

    return read


def _rebuilt(stage: Stage) -> Verb:
    collected = paid(stage)
    stage.deliver(collected)
    stage.sequence()

    def rebuild() -> None:
        assert stage.rooms.rebuild.compare(repair=True).differences == []

    return rebuild


def _certificates(stage: Stage) -> Verb:
    stage.provider.certificates = [Certificate("AB12", "pem", START + timedelta(days=9))]

    def refresh() -> None:
        stage.refresh.refresh()
        stage.refresh.learn()

    return refresh


def _asked_about(stage: Stage) -> Verb:
    """Ask about a payment that was made, and of which nobody said anything."""
    order_id, start = ordered(stage)
    start()
    (number,) = stage.provider.orders
    stage.provider.pay(number)
    return lambda: stage.rooms.ask.ask(order_id, PaymentId(number), question=0)


def _asked_too_early(stage: Stage) -> Verb:
    order_id, start = ordered(stage)
    start()
    (number,) = stage.provider.orders
    stage.sequence()

    def ask() -> None:
        stage.work_all_events()
        stage.rooms.ask.ask(order_id, PaymentId(number), question=0)

    return ask


def _reads(stage: Stage) -> Verb:
    order_id, _ = ordered(stage)
    head = stage.rooms.orders.find(order_id)
    assert head is not None
    show, product_id = stage.rooms.read_orders, next(iter(stage.products))

    def read() -> None:
        show.for_member(order_id, head.member_id)
        show.for_merchant(order_id, head.merchant_id)
        show.for_operator(order_id)
        show.with_lines(head)
        show.of_member(head.member_id, state=None, after=None, limit=10)
        stage.rooms.catalog.get(product_id)
        stage.rooms.merchants.get(head.merchant_id)

    return read


VERBS = [
    *BILLS,
    *HEALTH,
    *MONEY_OUT,
    *DELIVERY,
    *REFUNDS,
    *DISPUTES,
    *COMPLAINTS,
    *REPORTS,
    *UNSHIPPED,
    Registered("sign in", _sign_in, (people.SignIn.sign_in,)),
    Registered("register merchant", _register, (people.Merchants.register,)),
    Registered("create product", _create, (catalog.Catalog.create,)),
    Registered("place order", _place, (orders.PlaceOrder.place,)),
    Registered("place order, scattered stock", _place_over_shards, (orders.PlaceOrder.place,)),
    Registered("start payment", _start, (StartPayment.start,)),
    Registered(
        "start payment, paid already",
        _start_after_lost_notification,
        (StartPayment.start,),
    ),
    Registered("payment notified", _notified, (Hear.hear, Capture.capture)),
    Registered("payment notified, late", _notified_late, (Capture.capture,)),
    Registered("payment notified, otherwise", _notified_otherwise, (Capture.capture,)),
    Registered("booked from the queue", _booked_from_queue, (Capture.capture,)),
    Registered("ask about a payment", _asked_about, (AskAboutPayment.ask,)),
    Registered(
        "ask too early",
        _asked_too_early,
        (AskAboutPayment.ask, AskAboutPayment.hear),
    ),
    Registered("close order", _closed, (CloseOrder.close,)),
    Registered("close order, paid after all", _closed_though_paid, (CloseOrder.close,)),
    Registered("sweep and close", _swept, (orders.SweepExpired.sweep,)),
    Registered(
        "sequence",
        _sequenced,
        (books.FoldTotals.read, orders.ListOrders.read, orders.ListOrders.bring_up_to_date),
    ),
    Registered("ship", _shipped, (escrow.Ship.ship,)),
    Registered("confirm receipt", _received, (escrow.Release.confirm,)),
    Registered("taken as received", _taken_as_received, (escrow.Release.sweep,)),
    Registered(
        "hear of a shipment", _shipping_heard, (orders.RememberDue.shipped, orders.RememberDue.hear)
    ),
    Registered("hear of an order", _heard, (orders.RememberDue.placed,)),
    Registered(
        "read the books",
        _books_read,
        (
            books.ReadBooks.of_merchant,
            books.ReadBooks.entries_of,
            books.ReadBooks.days_of,
            books.ReadBooks.account,
            books.ReadBooks.closed_at,
            books.ReadBooks.platforms_day,
            books.ReadBooks.active_on,
            orders.ReadOrders.of_merchant,
            people.Merchants.shown_to,
        ),
    ),
    Registered("rebuild", _rebuilt, (books.Rebuild.compare,)),
    Registered(
        "refresh certificates",
        _certificates,
        (RefreshCertificates.refresh, RefreshCertificates.learn),
    ),
    Registered(
        "reads",
        _reads,
        (
            orders.ReadOrders.for_member,
            orders.ReadOrders.for_merchant,
            orders.ReadOrders.for_operator,
            orders.ReadOrders.of_member,
            orders.ReadOrders.with_lines,
            catalog.Catalog.get,
            people.Merchants.get,
        ),
    ),
]
