"""Collecting released money before it is refunded: each part from who had got it.

Where the platform pays merchants, their available money decides, and a partner that has nothing
left owes. Where the seller is the payee, shares go back to it at the provider, and the seller's own
balance pays the refund.
"""

from dataclasses import dataclass

from chalicelib.kernel.ids import PartnerId
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger import chart, postings
from chalicelib.ledger.balances import DebitGuards, InsufficientFundsError
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.movement import Movement
from chalicelib.orders.model import Order
from chalicelib.payments.model import Payment
from chalicelib.payments.rules import share_number, unfreezing_id
from chalicelib.providers.funds import (
    FrozenPayment,
    FundsHolder,
    ReceiverKind,
    ReturnResult,
    ShareResult,
    ShareReturn,
)
from chalicelib.providers.port import ProviderRejectedError, ProviderUnavailableError
from chalicelib.refunds import rules
from chalicelib.refunds.model import Refund, RefundVerb
from chalicelib.refunds.store import RefundStore
from chalicelib.refunds.usecases.accept import facts_of
from chalicelib.storage.commit import CommitRefusedError, Commits, Work

_DESCRIPTION = "退款回退"
_PLATFORM = "platform"

Owed = list[tuple[PartnerId, Money]]


@dataclass(frozen=True, slots=True)
class CollectRefund:
    """Gets released money back, all of it or nothing."""

    refunds: RefundStore
    journal: Journal
    guards: DebitGuards
    commits: Commits
    provider_name: str
    provider: FundsHolder
    platform: str
    """Our own merchant number, to which the platform's fee went."""

    def collect(self, order: Order, payment: Payment, refund: Refund) -> bool:
        """Collect what a refund waits for; False when it must go on waiting, or moved meanwhile.

        Raises `ProviderUnavailableError` while the provider has not finished.
        """
        if payment.seller is None:
            return self.from_merchant(refund, funded=False)
        frozen = FrozenPayment(transaction_id=payment.transaction_id or "", seller=payment.seller)
        return self._from_receivers(order, refund, frozen)

    def from_merchant(self, refund: Refund, *, funded: bool) -> bool:
        """Debit what merchant, platform and partners had got, if they have it."""
        shares, owed = list(refund.shares), list[tuple[PartnerId, Money]]()
        while True:
            movement = postings.taken_back(
                refund.id,
                order_id=refund.order_id,
                merchant_id=refund.merchant_id,
                net=rules.net(refund),
                fee=refund.fee,
                shares=shares,
                owed=owed,
                funded=funded,
            )
            try:
                return self._committed(refund, movement)
            except InsufficientFundsError as short:
                poor = [one for one in shares if _account(one[0]) == short.facts["account"]]
                if not poor:
                    return False
                shares = [one for one in shares if one not in poor]
                owed += poor

    def _from_receivers(self, order: Order, refund: Refund, frozen: FrozenPayment) -> bool:
        """Take the shares back at the provider, and book what came and what is owed."""
        if self.provider.frozen(frozen).amount:
            raise ProviderUnavailableError("the money is not the seller's yet")
        shared = self.provider.shared(share_number(unfreezing_id(refund.order_id)), frozen)
        got = {
            (one.kind, one.account)
            for one in (shared.receivers if shared else ())
            if one.result is ShareResult.SUCCESS
        }
        fee = max(refund.fee, fen(0))
        if (ReceiverKind.MERCHANT, self.platform) not in got:
            fee = fen(0)
        elif fee.amount and not self._taken_back(refund, frozen, _PLATFORM, self.platform, fee):
            raise ProviderUnavailableError("our own share can't be given back now")
        owed: Owed = []
        for share, (who, part) in zip(order.shares, refund.shares, strict=True):
            if not part.amount or (share.kind, share.account) not in got:
                continue
            by_merchant = share.kind is ReceiverKind.MERCHANT
            if not by_merchant or not self._taken_back(refund, frozen, who, share.account, part):
                owed.append((who, part))
        return self._book_returns(refund, fee, owed)

    def _taken_back(
        self, refund: Refund, frozen: FrozenPayment, who: str, account: str, amount: Money
    ) -> bool:
        """Take one share back, or ask how far it is; False when it can't be."""
        number = f"back_{refund.id}_{who}"
        shared_under = share_number(unfreezing_id(refund.order_id))
        said = self.provider.taken_back(number, shared_under, frozen)
        if said is None:
            asked = ShareReturn(
                number=number,
                share_number=shared_under,
                payment=frozen,
                account=account,
                amount=amount,
                description=_DESCRIPTION,
            )
            try:
                said = self.provider.take_back(asked)
            except ProviderRejectedError:
                said = self.provider.taken_back(number, shared_under, frozen)
        if said is not None and said.result is ReturnResult.PENDING:
            raise ProviderUnavailableError("the provider is still taking a share back")
        return said is not None and said.result is ReturnResult.SUCCESS

    def _book_returns(self, refund: Refund, fee: Money, owed: Owed) -> bool:
        if not fee.amount and not owed:
            return self._committed(refund, None)
        movement = postings.shares_returned(
            refund.id,
            order_id=refund.order_id,
            merchant_id=refund.merchant_id,
            provider=self.provider_name,
            fee=fee,
            owed=owed,
        )
        return self._committed(refund, movement)

    def _committed(self, refund: Refund, movement: Movement | None) -> bool:
        try:
            with self.commits() as work:
                self.refunds.moved(work, refund, RefundVerb.COLLECT)
                self._say(work, refund, movement)
        except CommitRefusedError:
            return False
        return True

    def _say(self, work: Work, refund: Refund, movement: Movement | None) -> None:
        event, facts, beside = "refund.collected", facts_of(refund), refund.order_id
        if movement is None:
            work.emit(event, refund.id, beside=beside, facts=facts)
            return
        for guard in movement.guards:
            self.guards.cover(work, guard)
        self.journal.post(
            work,
            movement,
            event=event,
            about=refund.id,
            beside=beside,
            facts=facts,
            guarded=movement.guards,
        )


def _account(partner_id: PartnerId) -> str:
    return chart.partner_available(partner_id).name
