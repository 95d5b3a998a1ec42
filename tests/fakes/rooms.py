"""Every use case of the house, built on whatever outside a test brings."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.catalog.store import CatalogStore
from chalicelib.catalog.usecases import Catalog
from chalicelib.kernel.clock import Clock, Pause
from chalicelib.kernel.ids import OrderId, Randomness
from chalicelib.ledger.journal import Journal
from chalicelib.orders.store import OrderStore
from chalicelib.orders.usecases import PlaceOrder, ReadOrders, SweepExpired
from chalicelib.payments.store import PaymentStore
from chalicelib.payments.usecases import (
    Capture,
    CloseOrder,
    StartPayment,
    Tell,
    offered,
)
from chalicelib.people.store import PeopleStore
from chalicelib.people.usecases import Merchants, SignIn
from chalicelib.providers.port import Login, Provider
from chalicelib.storage.commit import Commits
from chalicelib.storage.table import Table

TTL_SECONDS = 1800


@dataclass(frozen=True)
class Outside:
    """What the house meets of the world."""

    table: Table
    clock: Clock
    pause: Pause
    randomness: Randomness
    provider: Provider
    login: Login
    tell: Tell
    request_close: Callable[[OrderId], None]


class Rooms:
    """The use cases, by name."""

    def __init__(self, outside: Outside) -> None:
        table = outside.table
        self.commits = Commits(table, outside.clock, outside.pause, outside.randomness)
        self.people = PeopleStore(table)
        self.catalog_store = CatalogStore(table)
        self.orders = OrderStore(table)
        self.payments = PaymentStore(table)
        self.journal = Journal(table)
        self.sign_in = SignIn(self.people, self.commits, outside.login, "wx-app")
        self.merchants = Merchants(self.people, self.commits)
        self.catalog = Catalog(self.catalog_store, self.commits)
        self.read_orders = ReadOrders(self.orders)
        self._open_orders(outside)
        self._open_payments(outside)

    def _open_orders(self, outside: Outside) -> None:
        self.place_order = PlaceOrder(
            outside.table, self.orders, self.catalog_store, self.commits, outside.clock, TTL_SECONDS
        )
        self.sweep = SweepExpired(
            outside.table,
            self.orders,
            self.commits,
            outside.clock,
            TTL_SECONDS,
            outside.request_close,
        )

    def _open_payments(self, outside: Outside) -> None:
        providers = offered([outside.provider])
        self.capture = Capture(self.payments, self.orders, self.journal, self.commits, outside.tell)
        self.start_payment = StartPayment(
            outside.table, self.payments, self.commits, providers, self.capture, outside.clock
        )
        self.close_order = CloseOrder(
            self.payments,
            self.orders,
            self.catalog_store,
            self.commits,
            providers,
            self.capture,
            outside.clock,
        )
