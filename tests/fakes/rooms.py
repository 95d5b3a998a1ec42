"""Every use case of the house, built on whatever outside a test brings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.books.store import TotalsStore
from chalicelib.books.usecases import ReadBooks, Rebuild, followers
from chalicelib.catalog.store import CatalogStore
from chalicelib.catalog.usecases import Catalog
from chalicelib.escrow.usecases import Release, Ship
from chalicelib.kernel.clock import Clock, Pause, instant_from
from chalicelib.kernel.ids import OrderId, Randomness
from chalicelib.ledger.balances import Balances, DebitGuards
from chalicelib.ledger.entries import Entries
from chalicelib.ledger.events import Message
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.logbook import Logbook
from chalicelib.ledger.segments import ReadSegments
from chalicelib.ledger.sequencer import Sequencer
from chalicelib.orders.model import EXPIRY, RECEIPT
from chalicelib.orders.store import OrderStore
from chalicelib.orders.usecases import PlaceOrder, ReadOrders, RememberDue, SweepExpired
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
from chalicelib.storage.batches import Batches
from chalicelib.storage.commit import Commits
from chalicelib.storage.due import DueList
from chalicelib.storage.lake import Lake
from chalicelib.storage.table import Table

TTL_SECONDS = 1800
RECEIPT_DAYS = 10
FEE_BASIS_POINTS = 60


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
    send_events: Callable[[Sequence[Message]], None]
    lake: Lake


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
        self._open_books(outside)

    def _open_orders(self, outside: Outside) -> None:
        self.place_order = PlaceOrder(
            outside.table, self.orders, self.catalog_store, self.commits, outside.clock, TTL_SECONDS
        )
        expiries, receipts = DueList(outside.table, EXPIRY), DueList(outside.table, RECEIPT)
        self.sweep = SweepExpired(
            self.orders, expiries, self.commits, outside.clock, outside.request_close
        )
        self.remember_due = RememberDue(expiries, receipts, self.commits)
        self.ship = Ship(self.orders, self.commits, RECEIPT_DAYS)
        self.release = Release(
            self.orders, self.journal, self.commits, outside.clock, receipts, FEE_BASIS_POINTS
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

    def _open_books(self, outside: Outside) -> None:
        table = outside.table
        self.batches = Batches(table, self.commits)
        self.logbook = Logbook(
            table, self.commits, self.batches, lambda calls: [call() for call in calls]
        )
        self.readers = followers(self.batches, lake=outside.lake, send=outside.send_events)
        self.sequencer = Sequencer(self.logbook, self.readers, outside.clock, outside.pause)
        self.balances = Balances(table)
        self.debit_guards = DebitGuards(table)
        self.read_books = ReadBooks(self.balances, Entries(table), TotalsStore(table), self.logbook)
        self.rebuild = Rebuild(ReadSegments(outside.lake), self.batches, self.balances, self.orders)

    def hear(self, event: Message) -> None:
        """Hear an event as the rooms' queue does."""
        order_id, facts = OrderId(event["about"]), event["facts"]
        match event["event"]:
            case "order.placed":
                self.remember_due.placed(order_id, instant_from(facts["expires_at"]))
            case "order.shipped":
                self.remember_due.shipped(order_id, instant_from(facts["receipt_due_at"]))
            case _:
                raise ValueError("no such event")
