"""Unfreezing: where the seller is the payee, the provider shares and gives it the rest.

    order.released ── payout created ── share fee and partners' parts ── unfreeze ── paid
                                              └ a part that failed is the seller's

Every call has a number that follows from the payout's, so that each step may be repeated.
"""

from dataclasses import dataclass

from chalicelib.kernel.ids import OrderId
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger import postings
from chalicelib.ledger.balances import DebitGuards
from chalicelib.ledger.days import business_day
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.movement import Movement
from chalicelib.orders.model import Order
from chalicelib.orders.rules import agreed_of
from chalicelib.payments.model import Payment
from chalicelib.payments.rules import holding
from chalicelib.providers.funds import (
    FrozenPayment,
    FundsHolder,
    Receiver,
    Shared,
    ShareOrder,
    ShareResult,
    Unfreeze,
)
from chalicelib.providers.port import ProviderRejectedError, ProviderUnavailableError
from chalicelib.refunds.rules import goes_first
from chalicelib.refunds.store import RefundStore
from chalicelib.settlement import rules
from chalicelib.settlement.model import CREATED, FrozenOtherwiseError, Payout, PayoutState
from chalicelib.settlement.store import SettlementStore
from chalicelib.storage.commit import CommitRefusedError, Commits, Work

_DESCRIPTION = "解冻给商家"


@dataclass(frozen=True, slots=True)
class UnfreezeOrder:
    """Lets the provider give a released order's money to those whose it is."""

    settlements: SettlementStore
    refunds: RefundStore
    journal: Journal
    guards: DebitGuards
    commits: Commits
    provider_name: str
    provider: FundsHolder
    platform: str
    """Our own merchant number, to which the platform's fee goes."""

    fee_basis_points: int | None = None
    """What the provider was agreed to keep of a payment, where that is known."""

    def begin(self, order_id: OrderId) -> None:
        """Create the payout of a released order; heard again, it is there already."""
        order, _ = self._order(order_id)
        try:
            with self.commits() as work:
                payout = Payout(
                    id=rules.unfreezing_id(order_id),
                    merchant_id=order.merchant_id,
                    amount=rules.sellers_part(order),
                    state=PayoutState.CREATED,
                    business_date=business_day(work.at).isoformat(),
                    created_at=work.at,
                    order_id=order_id,
                )
                self.settlements.created(work, payout)
                facts = {"merchant_id": payout.merchant_id, "day": payout.business_date}
                work.emit(CREATED, payout.id, beside=order_id, facts=facts)
        except CommitRefusedError:
            return

    def advance(self, payout: Payout) -> None:
        """Share, then unfreeze, then book; what is not finished is asked about again later.

        Raises `ProviderUnavailableError` while the provider has not finished.
        """
        assert payout.order_id is not None
        order, payment = self._order(payout.order_id)
        assert payment.transaction_id is not None
        assert payment.seller is not None
        frozen = FrozenPayment(transaction_id=payment.transaction_id, seller=payment.seller)
        if not payout.shared:
            payout = self._share(payout, order, frozen)
        borne = rules.borne_fee(payment.amount, order.refunded, basis_points=self.fee_basis_points)
        self._unfreeze(payout, frozen, borne=borne)

    def _share(self, payout: Payout, order: Order, frozen: FrozenPayment) -> Payout:
        """Let fee and partners' parts be taken; book who got it, and who did not."""
        named = rules.receivers(order, platform=self.platform)
        number = rules.share_number(payout.id)
        shared = self._shared(number, frozen, [receiver for _, receiver in named])
        if shared is not None and not shared.finished:
            raise ProviderUnavailableError("the provider is still sharing")
        results = {
            (one.kind, one.account): one.result for one in (shared.receivers if shared else ())
        }
        took = {
            name
            for name, receiver in named
            if results.get((receiver.kind, receiver.account)) is ShareResult.SUCCESS
        }
        return self._book(payout, order, took)

    def _shared(
        self, number: str, frozen: FrozenPayment, receivers: list[Receiver]
    ) -> Shared | None:
        """Share, or ask how far it is; None when there is nothing to share, or nothing is frozen.

        A refusal passes through, and the payout waits for a person, unless the freeze has ended by
        itself: then all of it is the seller's already.
        """
        if not receivers:
            return None
        known = self.provider.shared(number, frozen)
        if known is not None:
            return known
        order = ShareOrder(number=number, payment=frozen, receivers=tuple(receivers))
        try:
            return self.provider.share(order)
        except ProviderRejectedError:
            known = self.provider.shared(number, frozen)
            if known is None and self.provider.frozen(frozen).amount:
                raise
            return known

    def _book(self, payout: Payout, order: Order, took: set[str]) -> Payout:
        """Say who took a part: a partner's money has left; what nobody took is the seller's."""
        agreed, parts = agreed_of(order, order.released)
        shares = [(who, part) for who, part in parts if part.amount]
        paid = [(who, part) for who, part in shares if who in took]
        missed = [(who, part) for who, part in shares if who not in took]
        fee = agreed if "platform" not in took else fen(0)
        amount = payout.amount + sum((share for _, share in missed), start=fee)
        movement = None
        if paid or missed or fee.amount:
            movement = postings.shared(
                payout.id,
                order_id=order.id,
                merchant_id=payout.merchant_id,
                provider=self.provider_name,
                paid=paid,
                missed=missed,
                fee_missed=fee,
            )
        try:
            with self.commits() as work:
                self.settlements.shared(work, payout, amount)
                self._say(work, payout, movement, "payout.shared")
        except CommitRefusedError:
            raise ProviderUnavailableError("the payout moved meanwhile; try again") from None
        return payout.evolve(shared=True, amount=amount)

    def _unfreeze(
        self, payout: Payout, frozen: FrozenPayment, *, borne: tuple[Money, Money]
    ) -> None:
        """Give the rest to the seller, see that nothing is left, and book it.

        What is frozen must be the seller's part, less the provider's own fee, which comes off
        first and lies between these two. When nothing is, it has been given: by an earlier try,
        which says how much it was, or because the freeze had ended by itself.
        """
        number = rules.unfreeze_number(payout.id)
        given: Money | None
        (least, most), left = borne, self.provider.frozen(frozen)
        if left.amount and not least <= payout.amount - left <= most:
            raise FrozenOtherwiseError(
                "the provider froze another amount than our books say",
                payout_id=payout.id,
                frozen=left.amount,
                expected=payout.amount.amount,
            )
        if left.amount:
            asked = Unfreeze(number=number, payment=frozen, description=_DESCRIPTION)
            self.provider.unfreeze(asked)
            if self.provider.frozen(frozen).amount:
                raise ProviderUnavailableError("the provider is still unfreezing")
            given = left
        else:
            given = self._given(number, frozen)
        if given is None:  # or the provider's own fee took all of a part as small as that
            given = payout.amount if payout.amount > most else fen(0)
        self._paid(payout, fee=payout.amount - given)

    def _given(self, number: str, frozen: FrozenPayment) -> Money | None:
        """Return what an earlier try gave to the seller; None when the freeze ended by itself."""
        earlier = self.provider.shared(number, frozen)
        if earlier is None:
            return None
        return sum((one.amount for one in earlier.receivers), start=fen(0))

    def _paid(self, payout: Payout, *, fee: Money) -> None:
        """Book that the seller has its money; of an order whose shares took all, none."""
        movement = self._movement(payout, fee) if payout.amount.amount else None
        try:
            with self.commits() as work:
                self.settlements.paid(work, payout)
                self._say(work, payout, movement, "payout.paid")
        except CommitRefusedError:
            return  # somebody else booked it

    def _say(self, work: Work, payout: Payout, movement: Movement | None, event: str) -> None:
        """Post what moved, with its guards; where nothing did, only say what happened."""
        facts = {"merchant_id": payout.merchant_id}
        if movement is None:
            work.emit(event, payout.id, beside=payout.order_id, facts=facts)
            return
        for guard in movement.guards:
            self.guards.cover(work, guard)
        self.journal.post(
            work,
            movement,
            event=event,
            about=payout.id,
            beside=payout.order_id,
            facts=facts,
            guarded=movement.guards,
        )

    def _movement(self, payout: Payout, fee: Money) -> Movement:
        return postings.paid_out(
            payout.id,
            merchant_id=payout.merchant_id,
            provider=self.provider_name,
            amount=payout.amount,
            fee=fee,
            order_id=payout.order_id,
        )

    def _order(self, order_id: OrderId) -> tuple[Order, Payment]:
        found = self.refunds.of_order(order_id)
        order, payment = found.order, holding(found.payments)
        assert order is not None, "a released order is there"
        assert payment is not None, "what is released was captured"
        if goes_first(found.refunds):
            raise ProviderUnavailableError("frozen money is to be refunded first")
        return order, payment
