"""A house with one clock and one fake provider, and short words for what tests begin with."""

import itertools
from collections.abc import Mapping, Sequence

from chalicelib.complaints.model import Answered, Taken
from chalicelib.kernel.ids import MemberId, MerchantId, OrderId, ProductId, Randomness
from chalicelib.kernel.money import fen
from chalicelib.ledger.events import Message
from chalicelib.ledger.journal import JournalEntry
from chalicelib.orders.model import Order, Wanted
from chalicelib.payments.model import Booking, Payment
from chalicelib.providers.funds import FrozenPayment
from chalicelib.providers.port import Collected
from chalicelib.storage.outbox import OutboxRow
from chalicelib.storage.table import Table
from local.books import entries, outbox_rows
from tests.fakes.bills import BillBooks, FakeBills
from tests.fakes.clock import StoppedClock
from tests.fakes.complaints import ComplaintBooks
from tests.fakes.funds import FakeFunds, FundsBooks
from tests.fakes.lake import MemoryLake
from tests.fakes.outside import Outside
from tests.fakes.provider import FakeLogin, FakeProvider
from tests.fakes.reconciling import PLATFORM
from tests.fakes.refunds import RefundBooks
from tests.fakes.rooms import TTL_SECONDS, Rooms
from tests.fakes.shipping import ShippingBooks
from tests.fakes.table import MemoryTable

__all__ = ["TTL_SECONDS", "House", "counted_randomness"]


def counted_randomness() -> Randomness:
    """Return bytes that never repeat and always come in the same order."""
    numbers = itertools.count(1)
    return lambda size: (
        (next(numbers) * 0x9E3779B97F4A7C15 % (1 << 64))
        .to_bytes(8)
        .rjust(max(size, 8), b"\x00")[-size:]
    )


class House(Rooms):
    """Every use case, on one table, one clock and one provider."""

    def __init__(
        self,
        table: Table,
        *,
        randomness: Randomness | None = None,
        partner: bool = False,
        lake: MemoryLake | None = None,
    ) -> None:
        self.table = table
        self.clock = StoppedClock()
        self.provider = FakeProvider()
        self.lake = lake or MemoryLake()
        self.payees = FakeFunds(FundsBooks(self._collected))
        self.parcels = ShippingBooks()
        self.complained = ComplaintBooks()
        self._remember_nothing()
        self.back = RefundBooks(self._paid, self._frozen, self.clock.now)
        self.payees.books.refunded = self._out_of_frozen
        self.back.unfrozen = self.payees.books.unfrozen.__contains__
        self._keep_bills()
        self._randomness = randomness or counted_randomness()
        super().__init__(
            Outside(
                table=table,
                clock=self.clock,
                pause=self.clock.pause,
                randomness=self._randomness,
                provider=self.provider,
                login=FakeLogin(),
                tell=lambda booking, collected: self.told.append((booking, collected)),
                request_close=self.close_requests.append,
                send_events=self._hear,
                lake=self.lake,
                funds=self.payees,
                send_settlements=self.commands.extend,
                send_commands=self.errands.extend,
                shipping=self.parcels,
                complaints=self.complained,
                tell_taken=lambda taken, _complaint, _about: self.taken.append(taken),
                tell_answered=lambda answered, _case, _code: self.answered.append(answered),
                back=self.back,
                bills=self.bills,
                documents=self.documents,
                send_later=lambda command, _seconds: self.errands.append(command),
                partner=partner,
            )
        )

    def _keep_bills(self) -> None:
        """Let the provider write down every movement."""
        self.bill_books = BillBooks(self.clock.now, PLATFORM)
        self.bills = FakeBills(self.bill_books)
        self.documents = MemoryLake()
        self.bill_books.statuses = lambda number: self.back.refunds[number].status
        self.provider.bills = self.payees.books.bills = self.back.bills = self.bill_books

    def _remember_nothing(self) -> None:
        self.told: list[tuple[Booking, Collected]] = []
        self.close_requests: list[OrderId] = []
        self.events: list[Message] = []
        self.commands: list[Mapping[str, str]] = []
        self.errands: list[Mapping[str, str]] = []
        self.taken: list[Taken] = []
        self.answered: list[Answered] = []

    @property
    def memory(self) -> MemoryTable:
        """Return the table of a house in memory."""
        assert isinstance(self.table, MemoryTable)
        return self.table

    def key(self) -> str:
        """Return an Idempotency-Key for one more intention."""
        return f"key-{self._randomness(8).hex()}"

    def merchant(self) -> MerchantId:
        return self.merchants.register("山月茶庄", caller="operator", key=self.key()).id

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
            key=self.key(),
        ).id

    def order(
        self, *, quantity: int = 2, lines: int = 1, stock: int = 10, price: int = 1999
    ) -> Order:
        """Place an order of one shopper with a new merchant."""
        return self.order_of(
            self.merchant(), quantity=quantity, lines=lines, stock=stock, price=price
        )

    def order_of(
        self,
        merchant_id: MerchantId,
        *,
        quantity: int = 2,
        lines: int = 1,
        stock: int = 10,
        price: int = 1999,
    ) -> Order:
        """Place an order of one shopper with this merchant."""
        wanted = [
            Wanted(
                product_id=self.product(merchant_id, stock=stock, price=price), quantity=quantity
            )
            for _ in range(lines)
        ]
        order, _ = self.place_order.place(self.member(), merchant_id, wanted, key=self.key())
        return order

    def payment(self, order: Order) -> Payment:
        """Start one more payment of an order."""
        started = self.start_payment.start(order.member_id, order.id, "wechatpay", key=self.key())
        return started.payment

    def stock(self, product_id: ProductId) -> int:
        return self.catalog.get(product_id)[1]

    def head(self, order_id: OrderId) -> Order:
        order = self.orders.find(order_id)
        assert order is not None
        return order

    def catch_up(self) -> None:
        """Number all that waits, and let every room hear of it."""
        self.sequencer.run()
        for event in [event for message in self.events for event in message["events"]]:
            self.hear(event)
        self.events.clear()

    def settle_queue(self) -> None:
        """Run every command that waits, and those that follow from them."""
        while self.commands:
            self.desk.run(self.commands.pop(0))

    def run_errands(self) -> None:
        """Run every command of the other queue, and those that follow from them."""
        while self.errands:
            self.run(dict(self.errands.pop(0)))

    def _collected(self, transaction_id: str) -> Collected | None:
        words = self.provider.paid.values()
        return next((word for word in words if word.transaction_id == transaction_id), None)

    def _paid(self, number: str) -> Collected | None:
        return self.provider.paid.get(number)

    def _frozen(self, word: Collected) -> int:
        assert word.seller is not None
        payment = FrozenPayment(transaction_id=word.transaction_id, seller=word.seller)
        return self.payees.books.frozen(payment).amount

    def _out_of_frozen(self, transaction_id: str) -> int:
        word = self._collected(transaction_id)
        return self.back.taken_from_frozen(word.number) if word else 0

    def _hear(self, messages: Sequence[Message]) -> None:
        self.events += messages

    def rows(self) -> list[OutboxRow]:
        """Return every outbox row, in the order of their ids."""
        return outbox_rows(self.table)

    def entries(self) -> list[JournalEntry]:
        """Return every journal entry, as the outbox carries it."""
        return entries(self.rows())
