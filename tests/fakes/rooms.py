"""Every use case of the house, built on whatever outside a test brings."""

from chalicelib.books.store import TotalsStore
from chalicelib.books.usecases import ReadBooks, Rebuild, followers
from chalicelib.catalog.store import CatalogStore
from chalicelib.catalog.usecases import Catalog
from chalicelib.complaints.model import UNANSWERED
from chalicelib.complaints.store import CaseStore
from chalicelib.complaints.usecases import (
    AnswerComplaints,
    TakeComplaints,
)
from chalicelib.delivery.model import REFUSED_THERE, UNREPORTED
from chalicelib.delivery.store import ReportStore
from chalicelib.delivery.usecases import HearOfReceipts, ReportShipments
from chalicelib.disputes.model import DEADLINE
from chalicelib.disputes.store import DisputeStore
from chalicelib.disputes.usecases import CarryOut, Disputes
from chalicelib.escrow.usecases import Release, Ship
from chalicelib.ledger.balances import Balances, DebitGuards
from chalicelib.ledger.days import ClosedDays
from chalicelib.ledger.entries import Entries
from chalicelib.ledger.events import Message
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.logbook import Logbook
from chalicelib.ledger.segments import ReadSegments
from chalicelib.ledger.sequencer import Sequencer
from chalicelib.orders.model import EXPIRY, RECEIPT, UNSHIPPED
from chalicelib.orders.store import OrderStore
from chalicelib.orders.usecases import PlaceOrder, ReadOrders, RememberDue, SweepExpired
from chalicelib.payments.store import PaymentStore
from chalicelib.payments.usecases.ask import AskAboutPayment
from chalicelib.payments.usecases.capture import Capture
from chalicelib.payments.usecases.close import CloseOrder
from chalicelib.payments.usecases.offers import offered
from chalicelib.payments.usecases.start import StartPayment
from chalicelib.people.model import RateTable
from chalicelib.people.rules import may
from chalicelib.people.store import PeopleStore
from chalicelib.people.usecases import Merchants, SignIn
from chalicelib.refunds.model import REFUND
from chalicelib.refunds.store import RefundStore
from chalicelib.refunds.usecases import (
    AcceptRefund,
    AdvanceRefund,
    CollectRefund,
    ReadRefunds,
    RefundHands,
    RefundUnshipped,
    SweepRefunds,
)
from chalicelib.settlement.model import PAYOUT, UNSETTLED
from chalicelib.settlement.store import SettlementStore
from chalicelib.settlement.usecases import (
    Advance,
    Desk,
    OpenSettlement,
    PayOut,
    ReadSettlements,
    SettleMerchant,
    SweepPayouts,
    UnfreezeOrder,
)
from chalicelib.storage.batches import Batches
from chalicelib.storage.commit import Commits
from chalicelib.storage.due import DueList
from tests.fakes import consumers
from tests.fakes.outside import Outside
from tests.fakes.reconciling import PLATFORM, Reconciling

TTL_SECONDS = 1800
SHIP_DAYS = 15
RECEIPT_DAYS = 10
FREEZE_DAYS = 30
FEE_BASIS_POINTS = 60
RATES = RateTable(default=FEE_BASIS_POINTS)

PAYEE = "o_owner"
SELLER = "1911111111"
PAYOUT_MINIMUM_FEN = 100


class Rooms:
    """The use cases, by name."""

    def __init__(self, outside: Outside) -> None:
        table = outside.table
        self.commits = Commits(
            table, outside.clock, outside.pause, outside.randomness, outside.counts.committed
        )
        self.people = PeopleStore(table)
        self.catalog_store = CatalogStore(table)
        self.orders = OrderStore(table)
        self.payments = PaymentStore(table)
        self.journal = Journal(table)
        self.sign_in = SignIn(self.people, self.commits, outside.login, "wx-app")
        self.merchants = Merchants(self.people, self.commits, RATES)
        self.catalog = Catalog(self.catalog_store, self.commits)
        self.read_orders = ReadOrders(self.orders)
        self._open_orders(outside)
        self._open_payments(outside)
        self._open_books(outside)
        self._open_refunds(outside)
        self._open_settlement(outside)
        self._open_payouts(outside)
        self._open_delivery(outside)
        self._open_disputes(outside)
        self.reconciling = Reconciling.of(self, outside)
        self._open_complaints(outside)

    def _open_orders(self, outside: Outside) -> None:
        self.place_order = PlaceOrder(
            outside.table,
            self.orders,
            self.catalog_store,
            self.commits,
            outside.clock,
            TTL_SECONDS,
            RATES,
        )
        expiries, receipts = DueList(outside.table, EXPIRY), DueList(outside.table, RECEIPT)
        self.unshipped = DueList(outside.table, UNSHIPPED)
        self.sweep = SweepExpired(
            self.orders,
            expiries,
            self.unshipped,
            self.commits,
            outside.clock,
            outside.request_close,
            SHIP_DAYS,
        )
        self.remember_due = RememberDue(expiries, receipts, self.commits)
        self.ship = Ship(self.orders, self.commits, RECEIPT_DAYS, FREEZE_DAYS)
        self.release = Release(
            self.orders, self.journal, self.commits, outside.clock, receipts, outside.partner
        )

    def _open_payments(self, outside: Outside) -> None:
        providers = offered([outside.provider])
        self.capture = Capture(self.payments, self.orders, self.journal, self.commits, outside.tell)
        self.start_payment = StartPayment(
            outside.table,
            self.payments,
            self.commits,
            providers,
            self.capture,
            outside.clock,
            lambda merchant: merchant.terms.seller or SELLER,
            outside.partner,
        )
        self.ask = AskAboutPayment(self.payments, providers, self.capture, outside.send_later)
        self.close_order = CloseOrder(
            self.payments,
            self.orders,
            self.catalog_store,
            self.commits,
            providers,
            self.capture,
            outside.clock,
            outside.counts.closing,
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
        self.read_books = ReadBooks(
            self.balances, Entries(table), TotalsStore(table), ClosedDays(table)
        )
        self.rebuild = Rebuild(ReadSegments(outside.lake), self.batches, self.balances, self.orders)

    def _open_settlement(self, outside: Outside) -> None:
        table, send = outside.table, outside.send_settlements
        self.settlements = SettlementStore(table)
        unsettled = DueList(table, UNSETTLED)
        self.open_settlement = OpenSettlement(
            self.settlements, ClosedDays(table), unsettled, self.commits, outside.clock, send
        )
        self.settle_merchant = SettleMerchant(
            settlements=self.settlements,
            balances=self.balances,
            journal=self.journal,
            guards=self.debit_guards,
            commits=self.commits,
            unsettled=unsettled,
            may=may,
            payee_of=lambda merchant: merchant.terms.payee or PAYEE,
            minimum_fen=PAYOUT_MINIMUM_FEN,
            tell=outside.counts.settled,
        )
        self.advance = Advance(self.settlements, self.journal, self.commits)
        self.read_settlements = ReadSettlements(self.settlements)

    def _open_payouts(self, outside: Outside) -> None:
        table, send = outside.table, outside.send_settlements
        self.sweep_payouts = SweepPayouts(
            self.settlements, DueList(table, PAYOUT), self.commits, outside.clock, send
        )
        name = outside.provider.name
        self.unfreeze_order = UnfreezeOrder(
            settlements=self.settlements,
            refunds=self.refund_store,
            journal=self.journal,
            guards=self.debit_guards,
            commits=self.commits,
            provider_name=name,
            provider=outside.funds,
            platform=PLATFORM,
        )
        self.pay_out = PayOut(
            settlements=self.settlements,
            journal=self.journal,
            commits=self.commits,
            provider_name=name,
            provider=outside.funds,
            unfreeze=self.unfreeze_order,
            tell=outside.tell_payout,
        )
        self.desk = Desk(
            self.open_settlement,
            self.settle_merchant,
            self.sweep_payouts,
            self.pay_out,
            self.unfreeze_order,
            outside.partner,
            send,
        )

    def _open_refunds(self, outside: Outside) -> None:
        self.refund_store = RefundStore(outside.table)
        self.accept_refund = AcceptRefund(
            self.refund_store,
            self.orders,
            self.catalog_store,
            self.journal,
            self.commits,
            outside.clock,
        )
        self.collect_refund = CollectRefund(
            refunds=self.refund_store,
            journal=self.journal,
            guards=self.debit_guards,
            commits=self.commits,
            provider_name=outside.provider.name,
            provider=outside.funds,
            platform=PLATFORM,
        )
        self.advance_refund = AdvanceRefund(
            refunds=self.refund_store,
            journal=self.journal,
            commits=self.commits,
            clock=outside.clock,
            provider_name=outside.provider.name,
            provider=outside.back,
            collecting=self.collect_refund,
            send_later=outside.send_later,
            tell=outside.tell_refund,
            tell_delay=outside.counts.delay,
        )
        self._open_refunds_desk(outside)

    def _open_refunds_desk(self, outside: Outside) -> None:
        self.sweep_refunds = SweepRefunds(
            refunds=self.refund_store,
            accepting=self.accept_refund,
            due=DueList(outside.table, REFUND),
            commits=self.commits,
            clock=outside.clock,
            send=outside.send_commands,
        )
        self.refund_unshipped = RefundUnshipped(
            self.orders, self.accept_refund, self.unshipped, self.commits, outside.clock, SHIP_DAYS
        )
        self.refund_hands = RefundHands(
            self.refund_store,
            self.journal,
            self.commits,
            self.collect_refund,
            outside.send_commands,
        )
        self.read_refunds = ReadRefunds(self.refund_store)

    def _open_disputes(self, outside: Outside) -> None:
        store = DisputeStore(outside.table)
        deadlines = DueList(outside.table, DEADLINE)
        self.disputes = Disputes(
            disputes=store,
            orders=self.orders,
            receipts=DueList(outside.table, RECEIPT),
            deadlines=deadlines,
            commits=self.commits,
            clock=outside.clock,
            freeze_days=FREEZE_DAYS,
        )
        self.carry_out = CarryOut(
            disputes=store,
            deciding=self.disputes,
            deadlines=deadlines,
            commits=self.commits,
            clock=outside.clock,
            release=self.release,
            refunds=self.accept_refund,
        )

    def _open_complaints(self, outside: Outside) -> None:
        store, disputes = CaseStore(outside.table), DisputeStore(outside.table)
        self.take_complaints = TakeComplaints(
            cases=store,
            disputes=disputes,
            disputing=self.disputes,
            journal=self.journal,
            commits=self.commits,
            clock=outside.clock,
            provider=outside.complaints,
            send=outside.send_commands,
            tell=outside.tell_taken,
        )
        self.answer_complaints = AnswerComplaints(
            cases=store,
            disputes=disputes,
            journal=self.journal,
            commits=self.commits,
            clock=outside.clock,
            unanswered=DueList(outside.table, UNANSWERED),
            provider=outside.complaints,
            send=outside.send_commands,
            tell=outside.tell_answered,
        )

    def _open_delivery(self, outside: Outside) -> None:
        send = outside.send_commands
        self.reports = ReportStore(outside.table)
        self.report_shipments = ReportShipments(
            reports=self.reports,
            payments=self.payments,
            commits=self.commits,
            clock=outside.clock,
            unreported=DueList(outside.table, UNREPORTED),
            refused=DueList(outside.table, REFUSED_THERE),
            shipping=outside.shipping,
            send=send,
            tell=outside.tell_report,
        )
        self.hear_of_receipts = HearOfReceipts(
            self.journal, self.release, outside.shipping, send, outside.tell_received
        )

    def run(self, command: Message) -> None:
        """Run a command as the commands queue's consumer does."""
        consumers.run(self, command)

    def hear(self, event: Message) -> None:
        """Hear an event as the rooms' queue does."""
        consumers.hear(self, event)
