"""The provider's side: its books of payments, refunds, shares and payouts, wired together."""

from chalicelib.providers.funds import FrozenPayment
from chalicelib.providers.port import Collected
from tests.fakes.bills import BillBooks, FakeBills
from tests.fakes.funds import FundsBooks
from tests.fakes.reconciling import PLATFORM
from tests.fakes.refunds import RefundBooks
from tests.fakes.shipping import ShippingBooks
from tests.simulation.ports import Outside, SimulatedProvider


class TheirSide:
    """All that the provider knows; each of its books writes into the same bills."""

    def __init__(self, outside: Outside) -> None:
        now = outside.world.now
        self.provider = SimulatedProvider(outside)
        self.payees = FundsBooks(self._collected)
        self.parcels = ShippingBooks()
        self.back = RefundBooks(self.provider.paid.get, self.frozen, now)
        self.payees.refunded = self._out_of_frozen
        self.back.unfrozen = self.payees.unfrozen.__contains__
        self.bill_books = BillBooks(now, PLATFORM)
        self.bill_books.statuses = lambda number: self.back.refunds[number].status
        self.bills = FakeBills(self.bill_books)
        self.provider.bills = self.payees.bills = self.back.bills = self.bill_books

    def keeps(self) -> int:
        """Return what the provider keeps for us: on our own account, and frozen under sellers."""
        words = self.provider.paid.values()
        return self.bill_books.own + sum(self.frozen(word) for word in words if word.seller)

    def frozen(self, word: Collected) -> int:
        """Return what is frozen of a payment under its seller."""
        assert word.seller is not None
        payment = FrozenPayment(transaction_id=word.transaction_id, seller=word.seller)
        return self.payees.frozen(payment).amount

    def _collected(self, transaction_id: str) -> Collected | None:
        words = self.provider.paid.values()
        return next((word for word in words if word.transaction_id == transaction_id), None)

    def _out_of_frozen(self, transaction_id: str) -> int:
        word = self._collected(transaction_id)
        return self.back.taken_from_frozen(word.number) if word else 0
