"""The house's use cases on any table: what a test of rooms begins with."""

import itertools
from dataclasses import dataclass, field

from chalicelib.catalog.store import CatalogStore
from chalicelib.catalog.usecases import Catalog
from chalicelib.kernel.ids import MemberId, MerchantId, OrderId, ProductId, Randomness
from chalicelib.kernel.money import fen
from chalicelib.ledger.journal import Journal, JournalEntry
from chalicelib.orders.model import Order, Wanted
from chalicelib.orders.store import OrderStore
from chalicelib.orders.usecases import PlaceOrder, ReadOrders, SweepExpired
from chalicelib.payments.model import Booking, Payment
from chalicelib.payments.store import PaymentStore
from chalicelib.payments.usecases import Capture, CloseOrder, StartPayment, offered
from chalicelib.people.store import PeopleStore
from chalicelib.people.usecases import Merchants, SignIn
from chalicelib.providers.port import Collected
from chalicelib.storage import keys, outbox
from chalicelib.storage.commit import Commits
from chalicelib.storage.outbox import OutboxRow
from chalicelib.storage.table import Table
from tests.fakes.clock import StoppedClock
from tests.fakes.provider import FakeLogin, FakeProvider

TTL_SECONDS = 1800


def counted_randomness() -> Randomness:
    """Return bytes that never repeat and always come in the same order."""
    numbers = itertools.count(1)
    return lambda size: (
        (next(numbers) * 0x9E3779B97F4A7C15 % (1 << 64))
        .to_bytes(8)
        .rjust(max(size, 8), b"\x00")[-size:]
    )


@dataclass
class House:
    """Every use case, built on one table, one clock and one provider."""

    table: Table
    clock: StoppedClock = field(default_factory=StoppedClock)
    provider: FakeProvider = field(default_factory=FakeProvider)
    randomness: Randomness = field(default_factory=counted_randomness)

    def __post_init__(self) -> None:
        self.told: list[tuple[Booking, Collected]] = []
        self.close_requests: list[OrderId] = []
        self._keys = (f"key-{self.randomness(8).hex()}" for _ in itertools.count())
        self.commits = Commits(
            table=self.table,
            clock=self.clock,
            pause=self.clock.pause,
            randomness=self.randomness,
        )
        self.people = PeopleStore(self.table)
        self.catalog_store = CatalogStore(self.table)
        self.orders = OrderStore(self.table)
        self.payments = PaymentStore(self.table)
        self.journal = Journal(self.table)
        self._open_people()
        self._open_orders()
        self._open_payments()

    def _open_people(self) -> None:
        self.sign_in = SignIn(self.people, self.commits, FakeLogin(), "wx-app")
        self.merchants = Merchants(self.people, self.commits)
        self.catalog = Catalog(self.catalog_store, self.commits)

    def _open_orders(self) -> None:
        self.place_order = PlaceOrder(
            self.table, self.orders, self.catalog_store, self.commits, self.clock, TTL_SECONDS
        )
        self.read_orders = ReadOrders(self.orders)
        self.sweep = SweepExpired(
            self.table,
            self.orders,
            self.commits,
            self.clock,
            TTL_SECONDS,
            self.close_requests.append,
        )

    def _open_payments(self) -> None:
        providers = offered([self.provider])
        self.capture = Capture(
            self.payments,
            self.orders,
            self.journal,
            self.commits,
            lambda booking, collected: self.told.append((booking, collected)),
        )
        self.start_payment = StartPayment(
            self.table, self.payments, self.commits, providers, self.capture, self.clock
        )
        self.close_order = CloseOrder(
            self.payments,
            self.orders,
            self.catalog_store,
            self.commits,
            providers,
            self.capture,
            self.clock,
        )

    def merchant(self) -> MerchantId:
        return self.merchants.register("山月茶庄", caller="operator", key=next(self._keys)).id

    def member(self, code: str = "xiaoming") -> MemberId:
        return self.sign_in.sign_in(code).id

    def product(
        self, merchant_id: MerchantId, *, price: int = 1999, stock: int = 10, shards: int = 1
    ) -> ProductId:
        return self.catalog.create(
            merchant_id,
            title="高山乌龙茶",
            price=fen(price),
            stock=stock,
            stock_shards=shards,
            key=next(self._keys),
        ).id

    def order(self, *, quantity: int = 2, lines: int = 1, stock: int = 10) -> Order:
        """Place an order of one shopper with a new merchant."""
        return self.order_of(self.merchant(), quantity=quantity, lines=lines, stock=stock)

    def order_of(
        self, merchant_id: MerchantId, *, quantity: int = 2, lines: int = 1, stock: int = 10
    ) -> Order:
        """Place an order of one shopper with this merchant."""
        wanted = [
            Wanted(product_id=self.product(merchant_id, stock=stock), quantity=quantity)
            for _ in range(lines)
        ]
        order, _ = self.place_order.place(self.member(), merchant_id, wanted, key=next(self._keys))
        return order

    def payment(self, order: Order) -> Payment:
        """Start one more payment of an order."""
        started = self.start_payment.start(
            order.member_id, order.id, "wechatpay", key=next(self._keys)
        )
        return started.payment

    def stock(self, product_id: ProductId) -> int:
        return self.catalog.get(product_id)[1]

    def head(self, order_id: OrderId) -> Order:
        order = self.orders.find(order_id)
        assert order is not None
        return order

    def rows(self) -> list[OutboxRow]:
        """Return every outbox row, in the order of their ids."""
        found = [
            row
            for shard in range(keys.OUTBOX_SHARDS)
            for row in outbox.rows(self.table, shard, until="~")
        ]
        return sorted(found, key=lambda row: row.key.sk)

    def entries(self) -> list[JournalEntry]:
        """Return every journal entry, as the outbox carries it."""
        return [JournalEntry.model_validate_json(row.entry) for row in self.rows() if row.entry]
