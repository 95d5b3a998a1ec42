"""Refunds' items, each beside its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import MerchantId, OrderId, PartnerId, PaymentId, RefundId
from chalicelib.kernel.money import CNY, Money
from chalicelib.orders.model import Order
from chalicelib.orders.store import read_order
from chalicelib.payments.model import Payment
from chalicelib.payments.store import read_payment
from chalicelib.refunds.model import REFUND_LIFECYCLE, Refund, RefundState, RefundVerb
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import Change, Equals, Missing, Remove, Set, all_of
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item, Key, Value, whole

REFUND = "refund"


def read_refund(key: Key, item: Item) -> Refund:
    """Read a refund's item."""

    def money(name: str) -> Money:
        return Money(amount=whole(item.get(name, 0)), currency=str(item.get("currency", CNY)))

    shares = item.get("shares", {})
    assert isinstance(shares, Mapping)
    return Refund(
        id=RefundId(key.sk.removeprefix(keys.REFUNDS_OF_ORDER)),
        order_id=OrderId(key.pk),
        payment_id=PaymentId(str(item["payment"])),
        merchant_id=MerchantId(str(item["merchant"])),
        state=RefundState(str(item["state"])),
        amount=money("amount"),
        held=money("held"),
        returned=money("returned"),
        fee=money("fee"),
        shares=tuple(
            (PartnerId(who), Money(amount=whole(part), currency=str(item["currency"])))
            for who, part in shares.items()
        ),
        late=bool(item.get("late", False)),
        reason=str(item["reason"]),
        created_at=instant_from(str(item["created_at"])),
        number=whole(item["number"]),
        attempt=whole(item.get("attempt", 1)),
        sent_at=instant_from(str(item["sent_at"])) if "sent_at" in item else None,
        failure=str(item.get("failure", "")),
        seller=str(item["seller"]) if "seller" in item else None,
    )


RefundName = tuple[OrderId, RefundId]
"""Where a refund is found."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order with its payments and refunds, these in the order in which they were accepted."""

    order: Order | None
    payments: Sequence[Payment]
    refunds: Sequence[Refund]

    def refund(self, refund_id: RefundId) -> Refund | None:
        """Return one of its refunds."""
        return next((one for one in self.refunds if one.id == refund_id), None)


@dataclass(frozen=True, slots=True)
class RefundStore:
    """Where refunds are kept."""

    table: Table

    def of_order(self, order_id: OrderId) -> Ordered:
        """Return all that refunds are about; a round trip for every hundred items."""
        head: Order | None = None
        payments: list[Payment] = []
        refunds: list[Refund] = []
        after: str | None = None
        while True:
            page = self.table.query(keys.MAIN, order_id, after=after)
            for key, item in page.rows:
                if key == keys.order(order_id):
                    head = read_order(order_id, item)
                elif key.sk.startswith(keys.PAYMENTS_OF_ORDER):
                    payments.append(read_payment(key, item))
                elif key.sk.startswith(keys.REFUNDS_OF_ORDER):
                    refunds.append(read_refund(key, item))
            after = page.next_sk
            if after is None:
                return Ordered(head, payments, sorted(refunds, key=lambda one: one.number))

    def many(self, names: Sequence[RefundName]) -> Sequence[Refund]:
        """Return up to 100 refunds, in one round trip; what there is not is left out."""
        found = self.table.get_many([keys.refund(*name) for name in names])
        return [read_refund(key, item) for key, item in found.items()]

    def accepted(self, work: Work, refund: Refund) -> None:
        """Add a new refund."""
        item: dict[str, Value] = {
            "payment": refund.payment_id,
            "merchant": refund.merchant_id,
            "state": refund.state,
            "amount": refund.amount.amount,
            "currency": refund.amount.currency,
            "held": refund.held.amount,
            "returned": refund.returned.amount,
            "fee": refund.fee.amount,
            "reason": refund.reason,
            "created_at": instant_text(refund.created_at),
            "number": refund.number,
        }
        if refund.shares:
            item["shares"] = {who: part.amount for who, part in refund.shares}
        if refund.late:
            item["late"] = True
        if refund.seller is not None:
            item["seller"] = refund.seller
        work.put(keys.refund(refund.order_id, refund.id), item, refusal=REFUND)

    def moved(self, work: Work, refund: Refund, verb: RefundVerb, *, failure: str = "") -> None:
        """Bring a refund further, unless it moved since it was read."""
        changes: list[Change] = [Set("state", REFUND_LIFECYCLE.after(refund.state, verb))]
        if verb is RefundVerb.SEND:
            changes.append(Set("sent_at", instant_text(work.at)))
        if verb is RefundVerb.RETRY:
            changes.append(Set("attempt", refund.attempt + 1))
        if failure:
            changes.append(Set("failure", failure))
        elif refund.failure:
            changes.append(Remove("failure"))
        when = all_of(
            Equals("state", refund.state),
            Equals("attempt", refund.attempt) if refund.attempt > 1 else Missing("attempt"),
        )
        work.update(keys.refund(refund.order_id, refund.id), *changes, when=when, refusal=REFUND)

    def noted(self, work: Work, refund: Refund, failure: str) -> None:
        """Keep why a refund does not go on, for people to see."""
        key = keys.refund(refund.order_id, refund.id)
        when = Equals("state", refund.state)
        work.update(key, Set("failure", failure), when=when, refusal=REFUND)
