"""Shipping, receiving, releasing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.escrow import rules
from chalicelib.escrow.model import (
    AlreadyShippedError,
    OrderNotReceivableError,
    OrderNotShippableError,
    ReleaseTooLargeError,
    ReleaseUnsettledError,
)
from chalicelib.kernel.clock import Clock, instant_text
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import DisputeId, MemberId, MerchantId, OrderId
from chalicelib.kernel.money import Money
from chalicelib.ledger import postings
from chalicelib.ledger.journal import Journal
from chalicelib.orders.model import (
    PART_RELEASED,
    RELEASED,
    SHIPPED,
    Order,
    OrderDisputedError,
    OrderNotFoundError,
    OrderState,
)
from chalicelib.orders.store import OrderStore
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.due import DueList, Note

_TRIES_MAX = 4


@dataclass(frozen=True, slots=True)
class Ship:
    """Sends a paid order on its way (发货)."""

    orders: OrderStore
    commits: Commits
    receipt_days: int
    freeze_days: int

    def ship(
        self,
        merchant_id: MerchantId,
        order_id: OrderId,
        carrier: str,
        tracking_number: str,
        *,
        contact: str | None = None,
    ) -> Order:
        """Ship a merchant's own order; said again just so, it is the same shipment.

        Raises `OrderNotFoundError`, `OrderNotShippableError` or `AlreadyShippedError`.
        """
        order = self._own(merchant_id, order_id)
        if order.state is not OrderState.PAID:
            return self._moved(order, carrier, tracking_number)
        try:
            with self.commits() as work:
                sent = rules.shipment(
                    carrier,
                    tracking_number,
                    contact,
                    at=work.at,
                    receipt_days=self.receipt_days,
                    frozen_until=order.created_at + timedelta(days=self.freeze_days),
                )
                self.orders.shipped(work, order, sent)
                facts = {
                    "receipt_due_at": instant_text(sent.receipt_due_at),
                    "merchant_id": merchant_id,
                }
                work.emit(SHIPPED, order_id, facts=facts)
        except CommitRefusedError:
            # Shipped twice at once, or refunded meanwhile: the other one stands.
            return self._moved(self._own(merchant_id, order_id), carrier, tracking_number)
        return order.evolve(state=OrderState.SHIPPED, shipment=sent)

    def _own(self, merchant_id: MerchantId, order_id: OrderId) -> Order:
        order = self.orders.find(order_id)
        if order is None or order.merchant_id != merchant_id:
            raise OrderNotFoundError("there is no such order")
        return order

    def _moved(self, order: Order, carrier: str, tracking_number: str) -> Order:
        """Return what was shipped just so, or say why it can't be."""
        if order.shipment is None:
            raise OrderNotShippableError("only a paid order is shipped", state=order.state)
        if not rules.is_same_parcel(order, carrier, tracking_number):
            raise AlreadyShippedError("this order was shipped otherwise", state=order.state)
        return order


@dataclass(frozen=True, slots=True)
class Release:
    """Gives held money to the merchant, when the goods are received or taken as received."""

    orders: OrderStore
    journal: Journal
    commits: Commits
    clock: Clock
    receipts: DueList
    unfreezes: bool  # the seller is the payee: the provider is told to give it the money

    def confirm(self, member_id: MemberId, order_id: OrderId) -> Order:
        """Confirm that a shopper's own order has come (确认收货); said again, it is the same.

        Raises `OrderNotFoundError`, `OrderNotReceivableError` or `OrderDisputedError`.
        """
        return self._released(self._own(member_id, order_id))

    def received(self, order_id: OrderId) -> Order:
        """Release an order that the shopper has received elsewhere, as its platform says.

        Raises `OrderNotReceivableError` or `OrderDisputedError`; said again, it is the same.
        """
        order = self.orders.find(order_id)
        if order is None:
            raise OrderNotReceivableError("there is no such order")
        return self._released(order)

    def decided(self, order_id: OrderId, dispute_id: DisputeId) -> None:
        """Release what a disputed order holds, as was decided; said again, it is done."""
        for _ in range(_TRIES_MAX):
            order = self.orders.find(order_id)
            if order is None or order.dispute != dispute_id:
                return
            if self._commit(order, order.held):
                return
        raise ReleaseUnsettledError("the order is moving; try again")

    def release_part(
        self, member_id: MemberId, order_id: OrderId, amount: Money, *, key: str
    ) -> Order:
        """Release a part of what a shopper's own order holds (部分放款), as at a milestone.

        The same key releases it once. The last part is released by confirming the receipt.
        Raises `OrderNotFoundError`, `OrderNotReceivableError`, `OrderDisputedError`,
        `ReleaseTooLargeError` or `IdempotencyKeyReusedError`.
        """
        request = fingerprint(member_id, key)
        for _ in range(_TRIES_MAX):
            order = self._own(member_id, order_id)
            if order.releases and (said := self.orders.part_amount(order_id, request)) is not None:
                if said != amount.amount:
                    raise IdempotencyKeyReusedError("this key released another part")
                return order
            if order.state not in {OrderState.PAID, OrderState.SHIPPED}:
                raise OrderNotReceivableError("nothing is held any more", state=order.state)
            _refuse_disputed(order)
            if amount >= order.held:
                raise ReleaseTooLargeError(
                    "a part is less than what is held", held=order.held.amount
                )
            if self._commit(order, amount, request):
                return order.evolve(
                    held=order.held - amount,
                    released=order.released + amount,
                    releases=order.releases + 1,
                )
        raise ReleaseUnsettledError("the order is moving; try again")

    def sweep(self) -> int:
        """Release every shipped order whose time is over (自动确认收货); return how many."""
        now = self.clock.now()
        return self.receipts.sweep(now, lambda found: self._settle(found, now))

    def _own(self, member_id: MemberId, order_id: OrderId) -> Order:
        order = self.orders.find(order_id)
        if order is None or order.member_id != member_id:
            raise OrderNotFoundError("there is no such order")
        return order

    def _settle(self, found: Sequence[Note], now: datetime) -> int:
        """Release what is due, and drop the notes; one that is not due any more needs none."""
        heads = self.orders.heads([OrderId(note.about) for note in found])
        due = [order for order in heads.values() if rules.is_receipt_due(order, now=now)]
        released = sum(self._taken_as_received(order) for order in due)
        with self.commits() as work:
            for note in found:
                self.receipts.drop(work, note)
        return released

    def _taken_as_received(self, order: Order) -> bool:
        """Release a due order; False when it was disputed or refunded meanwhile."""
        try:
            self._released(order)
        except (OrderNotReceivableError, OrderDisputedError):
            return False
        return True

    def _released(self, order: Order) -> Order:
        for _ in range(_TRIES_MAX):
            if order.state is OrderState.RELEASED:
                return order
            if order.state is not OrderState.SHIPPED:
                raise OrderNotReceivableError("only a shipped order is received", state=order.state)
            _refuse_disputed(order)
            if self._commit(order, order.held):
                return order.evolve(
                    state=OrderState.RELEASED,
                    held=order.held - order.held,
                    released=order.released + order.held,
                    releases=order.releases + 1,
                )
            moved = self.orders.find(order.id)
            assert moved is not None, "an order is never deleted"
            order = moved
        raise ReleaseUnsettledError("the order is moving; try again")

    def _commit(self, order: Order, amount: Money, request: str | None = None) -> bool:
        """Release so much of what an order holds in one commit; False when it moved meanwhile."""
        fee, shares = rules.parts_of(order, amount)
        movement = postings.released(
            order.id,
            order.releases + 1,
            merchant_id=order.merchant_id,
            amount=amount,
            fee=fee,
            shares=shares,
            unfreezes=self.unfreezes,
        )
        try:
            with self.commits() as work:
                self.orders.released(work, order, amount)
                if request is not None:
                    self.orders.part_asked(work, order.id, request, amount=amount)
                self.journal.post(
                    work,
                    movement,
                    event=PART_RELEASED if request else RELEASED,
                    about=order.id,
                    facts={"merchant_id": order.merchant_id},
                    guarded=movement.guards,
                )
        except CommitRefusedError:
            return False
        return True


def _refuse_disputed(order: Order) -> None:
    if order.dispute is not None:
        raise OrderDisputedError("what a disputed order holds stays", dispute_id=order.dispute)
