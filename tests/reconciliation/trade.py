"""A shop that ships, refunds and unfreezes, and a provider whose bills can be changed."""

from collections.abc import Callable

from chalicelib.kernel.money import fen
from chalicelib.ledger.days import business_day
from chalicelib.payments.model import Payment
from chalicelib.providers.bills import BillKind, BillLine, LineKind
from chalicelib.providers.refunds import RefundStatus
from chalicelib.refunds.model import Refund
from chalicelib.settlement import rules
from tests.reconciliation.test_days import Shop

Change = Callable[[BillLine], list[BillLine]]


class Trade(Shop):
    """What happens to a payment after it was captured."""

    @property
    def today(self) -> str:
        return business_day(self.house.clock.now()).isoformat()

    def change(self, payment: Payment, change: Change, *, day: str | None = None) -> None:
        """Change what today's bills say of a payment, line and movement alike."""

        def lines(told: list[BillLine]) -> list[BillLine]:
            changed: list[BillLine] = []
            for line in told:
                about = line.number == payment.id and line.kind is not LineKind.FEE
                changed += change(line) if about else [line]
            return changed

        for kind in (BillKind.PAYMENTS, BillKind.FLOWS):
            self.house.bills.changed[kind, day or self.today] = lines

    def refund(self, payment: Payment, amount: int) -> Refund:
        """Refund so much, and let the provider have it."""
        order = self.house.head(payment.order_id)
        refund = self.house.accept_refund.accept(
            order.id,
            fen(amount),
            "不想要了",
            merchant_id=order.merchant_id,
            caller="merchant",
            key=self.house.key(),
        )
        self.house.advance_refund.advance(order.id, refund.id)
        return refund

    def end(self, refund: Refund, status: RefundStatus = RefundStatus.SUCCESS) -> None:
        """Let the provider bring a refund to an end, and say so."""
        self.house.advance_refund.hear(self.house.back.end(refund.id, status))

    def receive(self, payment: Payment) -> None:
        """Let the order be shipped and received."""
        order = self.house.head(payment.order_id)
        self.house.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
        self.house.release.confirm(order.member_id, order.id)

    def unfreeze(self, payment: Payment) -> None:
        """Let the provider share, and give the rest to the seller."""
        self.house.payees.books.instant = True
        self.house.unfreeze_order.begin(payment.order_id)
        self.house.pay_out.advance(rules.unfreezing_id(payment.order_id))
