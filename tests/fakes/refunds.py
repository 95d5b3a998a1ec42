"""A provider's books of refunds, kept true to the fen: a number is a refund."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.providers.port import Collected, ProviderRejectedError, ProviderUnavailableError
from chalicelib.providers.refunds import Refunded, RefundOrder, RefundStatus
from tests.fakes.bills import BillBooks

SPACING = timedelta(minutes=1)


@dataclass
class RefundBooks:
    """The port's `RefundsPayments`; frozen money pays before the seller's own does."""

    collected: Callable[[str], Collected | None]  # by our payment's number
    frozen: Callable[[Collected], int]
    now: Callable[[], datetime]
    orders: dict[str, RefundOrder] = field(default_factory=dict)
    refunds: dict[str, Refunded] = field(default_factory=dict)
    from_frozen: dict[str, int] = field(default_factory=dict)
    asked_at: dict[str, datetime] = field(default_factory=dict)  # by payment, the last time
    poor: bool = False
    bills: BillBooks | None = None  # where every movement is written down
    unfrozen: Callable[[str], bool] = lambda _transaction_id: False  # the seller has it already

    def refund(self, order: RefundOrder) -> Refunded:
        if order.number in self.refunds:
            if self.orders[order.number] != order:
                raise ProviderRejectedError("another content", provider_code="INVALID_REQUEST")
            return self.refunds[order.number]
        word = self.collected(order.payment_id)
        if word is None or word.amount != order.total:
            raise ProviderRejectedError("no such payment", provider_code="RESOURCE_NOT_EXISTS")
        if self.back(order.payment_id) + order.amount.amount > word.amount.amount:
            raise ProviderRejectedError("over what was paid", provider_code="INVALID_REQUEST")
        if self.poor:
            raise ProviderUnavailableError("too little money", provider_code="NOT_ENOUGH")
        last = self.asked_at.get(order.payment_id)
        if last is not None and self.now() < last + SPACING:
            raise ProviderUnavailableError("too soon", provider_code="FREQUENCY_LIMITED")
        self.asked_at[order.payment_id] = self.now()
        if order.seller is not None:
            # The fee that a refund gives back goes into it.
            left = self.frozen(word)
            left += 0 if self.unfrozen(word.transaction_id) else self._fee_back(order)
            self.from_frozen[order.number] = min(order.amount.amount, left)
        if self.bills:
            self.bills.refunded(order, self._fee_back(order), ours=self._ours(order))
        self.orders[order.number] = order
        self.refunds[order.number] = Refunded(
            number=order.number,
            payment_number=order.payment_id,
            status=RefundStatus.PROCESSING,
            amount=order.amount,
        )
        return self.refunds[order.number]

    def refunded(self, number: str, *, seller: str | None = None) -> Refunded | None:
        del seller
        return self.refunds.get(number)

    def end(self, number: str, status: RefundStatus) -> Refunded:
        """Let a refund come to this end; what was paid or closed stays."""
        known = self.refunds[number]
        if known.status in {RefundStatus.PROCESSING, RefundStatus.ABNORMAL}:
            self.refunds[number] = known.evolve(status=status)
            if status is RefundStatus.CLOSED:
                order = self.orders[number]
                if self.bills:
                    self.bills.refund_closed(order, ours=self._ours(order))
                self.from_frozen.pop(number, None)
        return self.refunds[number]

    def _fee_back(self, order: RefundOrder) -> int:
        back = self.back(order.payment_id) + order.amount.amount
        return self.bills.gives_back(order, back) if self.bills else 0

    def _ours(self, order: RefundOrder) -> bool:
        """Tell whether a refund is paid of money that is kept for us."""
        return order.seller is None or bool(self.from_frozen.get(order.number))

    def back(self, payment_id: str) -> int:
        """Return what of a payment is refunded, or on its way."""
        return sum(
            self.refunds[number].amount.amount
            for number, order in self.orders.items()
            if order.payment_id == payment_id
            and self.refunds[number].status is not RefundStatus.CLOSED
        )

    def taken_from_frozen(self, payment_id: str) -> int:
        """Return what of a payment's frozen money went into refunds."""
        return sum(
            amount
            for number, amount in self.from_frozen.items()
            if self.orders[number].payment_id == payment_id
        )

    @property
    def paid_by_us(self) -> int:
        """Return what has left the money that is ours, or that we keep, for good."""
        return sum(
            self.from_frozen.get(number, 0)
            if self.orders[number].seller is not None
            else said.amount.amount
            for number, said in self.refunds.items()
            if said.status is RefundStatus.SUCCESS
        )
