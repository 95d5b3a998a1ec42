"""A provider's books of frozen money and transfers, kept true to the fen.

`frozen + shared + given to sellers` is always what was collected under sellers; what was
transferred has left our balance. Calls of the same number are the same call.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.kernel.ids import PayoutId
from chalicelib.kernel.money import Money, fen
from chalicelib.providers.funds import (
    FrozenPayment,
    FundsHolder,
    ReceiverKind,
    ReceiverOutcome,
    ReturnResult,
    Shared,
    ShareOrder,
    ShareResult,
    ShareReturn,
    ShareReturned,
    Transfer,
    Transferred,
    Transfers,
    TransferState,
    Unfreeze,
)
from chalicelib.providers.port import Collected, ProviderRejectedError
from tests.fakes.bills import BillBooks

SHARE_BASIS_POINTS_MAX = 3000


class Funds(Transfers, FundsHolder, Protocol):
    """A provider that pays out, and shares and unfreezes."""


@dataclass
class FundsBooks:
    """What the provider knows, and what its receivers and payees will do."""

    collected: Callable[[str], Collected | None]
    shares: dict[str, ShareOrder] = field(default_factory=dict)
    outcomes: dict[str, Shared] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)  # shares whose end was told
    unfrozen: dict[str, int] = field(default_factory=dict)  # by transaction
    transfers: dict[PayoutId, Transferred] = field(default_factory=dict)
    orders: dict[PayoutId, Transfer] = field(default_factory=dict)
    returns: dict[str, ShareReturned] = field(default_factory=dict)
    bad_accounts: set[str] = field(default_factory=set)
    refuses_openids: set[str] = field(default_factory=set)
    instant: bool = False  # shares end at once
    refunded: Callable[[str], int] = lambda _transaction_id: 0  # out of frozen money
    return_orders: dict[str, ShareReturn] = field(default_factory=dict)
    keeps: set[str] = field(default_factory=set)  # accounts that can't give back
    bills: BillBooks | None = None  # where every movement is written down

    def frozen(self, payment: FrozenPayment) -> Money:
        word = self.collected(payment.transaction_id)
        if word is None:
            raise ProviderRejectedError("no such payment", provider_code="ORDER_NOT_EXIST")
        if payment.transaction_id in self.unfrozen:
            return fen(0)
        gone = self._shared_of(payment.transaction_id) + self.refunded(payment.transaction_id)
        fee = self.bills.fee_of(word.number) if self.bills else 0
        return fen(word.amount.amount - gone - fee)

    def share(self, order: ShareOrder) -> Shared:
        if order.number in self.outcomes:
            if self.shares.get(order.number) != order:
                raise ProviderRejectedError("another content", provider_code="INVALID_REQUEST")
            return self.outcomes[order.number]
        transaction = order.payment.transaction_id
        word = self.collected(transaction)
        if word is None or word.seller != order.payment.seller or transaction in self.unfrozen:
            raise ProviderRejectedError("nothing is frozen", provider_code="NOT_ENOUGH")
        asked = sum(receiver.amount.amount for receiver in order.receivers)
        cap = word.amount.amount * SHARE_BASIS_POINTS_MAX // 10_000
        if self._shared_of(transaction) + asked > cap:
            raise ProviderRejectedError("over the cap", provider_code="RULE_LIMIT")
        self.shares[order.number] = order
        pending = tuple(
            ReceiverOutcome(
                kind=one.kind, account=one.account, amount=one.amount, result=ShareResult.PENDING
            )
            for one in order.receivers
        )
        self.outcomes[order.number] = Shared(number=order.number, finished=False, receivers=pending)
        if self.instant:
            self.shared(order.number)
            return self.shared(order.number) or self.outcomes[order.number]
        return self.outcomes[order.number]

    def shared(self, number: str) -> Shared | None:
        """Tell how far it is; the second who asks is told the end."""
        known = self.outcomes.get(number)
        if known is None or known.finished:
            return known
        if number not in self.asked:
            self.asked.add(number)
            return known
        ended = tuple(
            one.evolve(result=ShareResult.CLOSED, reason="ACCOUNT_ABNORMAL")
            if one.account in self.bad_accounts
            else one.evolve(result=ShareResult.SUCCESS)
            for one in known.receivers
        )
        self.outcomes[number] = known.evolve(finished=True, receivers=ended)
        if self.bills:
            seller = self.shares[number].payment.seller
            for one in ended:
                self.bills.shared(number, seller, one.account, one.amount.amount, one.result)
        return self.outcomes[number]

    def unfreeze(self, order: Unfreeze) -> Shared:
        """Give the rest to the seller; under a used number say yes, and do nothing."""
        if order.number in self.outcomes:
            return self.outcomes[order.number]
        rest = self.frozen(order.payment)
        if order.payment.transaction_id in self.unfrozen:
            raise ProviderRejectedError("nothing is frozen", provider_code="NOT_ENOUGH")
        self.unfrozen[order.payment.transaction_id] = rest.amount
        if self.bills:
            self.bills.unfrozen(order.number, order.payment.seller, rest.amount)
        given = ReceiverOutcome(
            kind=ReceiverKind.MERCHANT,
            account=order.payment.seller,
            amount=rest,
            result=ShareResult.SUCCESS,
        )
        self.outcomes[order.number] = Shared(number=order.number, finished=True, receivers=(given,))
        return self.outcomes[order.number]

    def end_freeze(self, transaction_id: str) -> None:
        """Let the freeze end by itself: all that is left is the seller's."""
        word = self.collected(transaction_id)
        assert word is not None
        assert word.seller is not None
        left = self.frozen(FrozenPayment(transaction_id=transaction_id, seller=word.seller)).amount
        self.unfrozen[transaction_id] = left
        if self.bills:
            self.bills.unfrozen("", word.seller, left, reference="ended")

    def transfer(self, order: Transfer) -> Transferred:
        known = self.transfers.get(order.payout_id)
        if known is not None:
            if self.orders[order.payout_id] != order:
                raise ProviderRejectedError("another content", provider_code="INVALID_REQUEST")
            return known
        if order.openid in self.refuses_openids:
            raise ProviderRejectedError("no such user", provider_code="PARAM_ERROR")
        self.orders[order.payout_id] = order
        self.transfers[order.payout_id] = Transferred(
            payout_id=order.payout_id,
            state=TransferState.WAITING,
            amount=order.amount,
            confirmation=f"package-{order.payout_id}",
        )
        if self.bills:
            self.bills.transferred(order)
        return self.transfers[order.payout_id]

    def end_transfer(self, payout_id: PayoutId, state: TransferState) -> Transferred | None:
        """Let the receiver confirm, or let it fail; what has ended stays."""
        known = self.transfers.get(payout_id)
        if known is not None and known.state is TransferState.WAITING:
            reason = "" if state is TransferState.PAID else "OVERDUE_CLOSE"
            ended = known.evolve(state=state, reason=reason, confirmation="")
            self.transfers[payout_id] = ended
            failed = state in {TransferState.FAILED, TransferState.CANCELLED}
            if self.bills and failed:
                self.bills.transfer_failed(self.orders[payout_id])
        return self.transfers.get(payout_id)

    def taken_back(self, number: str) -> ShareReturned | None:
        return self.returns.get(number)

    def take_back(self, order: ShareReturn) -> ShareReturned:
        if order.number in self.returns:
            assert self.return_orders[order.number] == order, "a repeat says the same"
            return self.returns[order.number]
        if order.share_number not in self.shares:
            raise ProviderRejectedError("no such share", provider_code="RESOURCE_NOT_EXISTS")
        failed = order.account in self.keeps
        result = ReturnResult.FAILED if failed else ReturnResult.SUCCESS
        self.return_orders[order.number] = order
        self.returns[order.number] = ShareReturned(number=order.number, result=result)
        if self.bills and not failed:
            self.bills.returned(order)
        return self.returns[order.number]

    def returned_by(self, account: str) -> int:
        """Return what a receiver has given back of all payments."""
        return sum(
            order.amount.amount
            for number, order in self.return_orders.items()
            if order.account == account and self.returns[number].result is ReturnResult.SUCCESS
        )

    @property
    def paid_people(self) -> int:
        """Return what has left our balance for people."""
        return sum(
            said.amount.amount
            for said in self.transfers.values()
            if said.state is TransferState.PAID
        )

    def given(self, transaction_id: str) -> int:
        """Return what of a payment has left: to the seller, and to receivers other than us."""
        return self.unfrozen.get(transaction_id, 0)

    def shared_to(self, account: str) -> int:
        """Return what a receiver has got of all payments."""
        return sum(
            one.amount.amount
            for number in self.shares
            for one in self.outcomes[number].receivers
            if one.account == account and one.result is ShareResult.SUCCESS
        )

    def _shared_of(self, transaction_id: str) -> int:
        return sum(
            one.amount.amount
            for number, order in self.shares.items()
            if order.payment.transaction_id == transaction_id
            for one in self.outcomes[number].receivers
            if one.result is not ShareResult.CLOSED
        )


@dataclass(frozen=True)
class FakeFunds:
    """The port's `FundsHolder` and `Transfers`, answering at once out of the books."""

    books: FundsBooks

    def share(self, order: ShareOrder) -> Shared:
        return self.books.share(order)

    def shared(self, number: str, payment: FrozenPayment) -> Shared | None:
        assert payment.transaction_id
        return self.books.shared(number)

    def unfreeze(self, order: Unfreeze) -> Shared:
        return self.books.unfreeze(order)

    def frozen(self, payment: FrozenPayment) -> Money:
        return self.books.frozen(payment)

    def take_back(self, order: ShareReturn) -> ShareReturned:
        return self.books.take_back(order)

    def taken_back(
        self, number: str, share_number: str, payment: FrozenPayment
    ) -> ShareReturned | None:
        del share_number, payment
        return self.books.taken_back(number)

    def transfer(self, order: Transfer) -> Transferred:
        return self.books.transfer(order)

    def transferred(self, payout_id: PayoutId) -> Transferred | None:
        return self.books.transfers.get(payout_id)

    def cancel_transfer(self, payout_id: PayoutId) -> None:
        self.books.end_transfer(payout_id, TransferState.CANCELLED)
