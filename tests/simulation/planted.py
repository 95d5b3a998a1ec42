"""Planted bugs: mistakes that people make, put into the real code by patching, to be caught.

A bug that two mechanisms guard is planted in both.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.catalog.model import Take
from chalicelib.catalog.store import CatalogStore, stock_refusal
from chalicelib.kernel.errors import PlatformError, TryAgainError
from chalicelib.kernel.ids import OrderId
from chalicelib.ledger import postings
from chalicelib.orders.store import ORDER, OrderStore
from chalicelib.orders.usecases import RememberDue, SweepExpired
from chalicelib.payments.model import Booking
from chalicelib.payments.rules import PAYMENT
from chalicelib.payments.usecases.capture import Capture, Hear
from chalicelib.providers.port import Collected
from chalicelib.refunds.usecases import AcceptRefund
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import (
    ITEM_PRESENT,
    AllOf,
    AtLeast,
    Condition,
    Equals,
    OneOf,
    Set,
)
from chalicelib.storage.due import Note
from chalicelib.storage.table import Put, Update
from chalicelib.storage.values import whole
from tests.simulation.planted_bills import BILL_BUGS
from tests.simulation.planted_complaints import COMPLAINT_BUGS
from tests.simulation.planted_delivery import DELIVERY_BUGS
from tests.simulation.planted_disputes import DISPUTE_BUGS
from tests.simulation.planted_list import LIST_BUGS
from tests.simulation.planted_money import MONEY_BUGS
from tests.simulation.planted_refunds import REFUND_BUGS
from tests.simulation.planted_unshipped import UNSHIPPED_BUGS
from tests.simulation.roots import Bug, patch, planted

Weaken = Callable[[Condition | None], Condition | None]


def _weaken(roots: ExitStack, refusals: Sequence[str], weaken: Weaken) -> None:
    """Weaken the conditions of writes with these names."""

    def add(self: Work, action: Any, refusal: str) -> None:
        if refusal.partition("/")[0] in refusals and isinstance(action, Put | Update):
            action = replace(action, condition=weaken(action.condition))
        right(self, action, refusal)

    right = patch(roots, Work, "_add", add)


def _without(*kinds: type, attribute: str | None = None) -> Weaken:
    """Return what takes conditions of these kinds, on this attribute, out of a conjunction."""

    def is_out(condition: Condition) -> bool:
        return isinstance(condition, kinds) and (
            attribute is None or getattr(condition, "attribute", None) == attribute
        )

    def weaken(condition: Condition | None) -> Condition | None:
        if isinstance(condition, AllOf):
            left = tuple(part for part in condition.parts if not is_out(part))
            return AllOf(left) if left else ITEM_PRESENT
        return ITEM_PRESENT if condition is not None and is_out(condition) else condition

    return weaken


def _no_journal_condition(roots: ExitStack) -> None:
    _weaken(roots, ["journal"], lambda _: None)
    _weaken(roots, [PAYMENT, ORDER], _without(OneOf, attribute="state"))
    _weaken(roots, [ORDER], _without(Equals, attribute="due"))


def _no_state_condition(roots: ExitStack) -> None:
    _weaken(roots, [ORDER], _without(OneOf, attribute="state"))
    _weaken(roots, [ORDER], _without(Equals, attribute="due"))


def _no_amount_condition(roots: ExitStack) -> None:
    _weaken(roots, [PAYMENT], _without(Equals, attribute="amount"))
    _weaken(roots, [ORDER], _without(Equals, attribute="due"))


def _no_stock_condition(roots: ExitStack) -> None:
    _weaken(roots, ["stock"], _without(AtLeast))


def _split_write(roots: ExitStack) -> None:
    """Commit the entry first, and what it means for payment and order afterwards."""

    @contextmanager
    def capturing(
        self: Capture,
        claim: Any,
        collected: Collected,
        movement: Any,
        deadline: float,
        *,
        late: bool = False,
    ) -> Iterator[Work]:
        with self.commits(deadline=deadline) as work:
            self.journal.post(work, movement, event="payment.captured", about=claim.payment_id)
        with self.commits(deadline=deadline) as work:
            self.payments.captured(
                work,
                claim.payment_id,
                claim.order_id,
                merchant_id=claim.merchant_id,
                collected=collected,
                late=late,
            )
            work.emit("payment.captured", claim.payment_id)
            yield work

    patch(roots, Capture, "_capturing", capturing)


def _lost_update(roots: ExitStack) -> None:
    """Read the stock, subtract, and write the result."""

    def take(self: CatalogStore, work: Work, takes: Sequence[Take]) -> None:
        for one in takes:
            key = keys.stock(one.product_id, one.shard)
            item = self.table.get(key)
            assert item is not None
            left = whole(item["free"]) - one.quantity
            work.update(
                key,
                Set("free", left),
                when=AtLeast("free", one.quantity),
                refusal=stock_refusal(one),
            )

    patch(roots, CatalogStore, "take", take)


def _acknowledged_before_the_commit(roots: ExitStack) -> None:
    def hear(self: Hear, collected: Collected) -> Booking | None:
        try:
            return self.capture.capture(collected, budget_seconds=2.5)
        except TryAgainError:
            return None  # it will surely come again

    patch(roots, Hear, "hear", hear)


def _stock_returned_twice(roots: ExitStack) -> None:
    """Close without looking at the state; and let the command run twice."""

    def closed(self: OrderStore, work: Work, order_id: OrderId) -> None:
        work.update(
            keys.order(order_id),
            Set("state", "closed"),
            Set("due", 0),
            when=ITEM_PRESENT,
            refusal=ORDER,
        )

    patch(roots, OrderStore, "closed", closed)
    _weaken(roots, [PAYMENT], _without(OneOf, attribute="state"))


def _failed_payment_not_captured(roots: ExitStack) -> None:
    def only_pending(condition: Condition | None) -> Condition | None:
        if isinstance(condition, AllOf):
            parts = tuple(
                OneOf("state", ("pending",)) if isinstance(part, OneOf) else part
                for part in condition.parts
            )
            return AllOf(parts)
        return condition

    _weaken(roots, [PAYMENT], only_pending)


def _late_refund_forgotten(roots: ExitStack) -> None:
    patch(roots, AcceptRefund, "late", lambda *_: None)


def _released_without_looking(roots: ExitStack) -> None:
    """Release without a condition on state, hold and number; and under a number of its own."""
    _weaken(roots, [ORDER], lambda condition: ITEM_PRESENT if _is_release(condition) else condition)
    numbers = itertools.count(1)
    patch(
        roots,
        postings,
        "released_key",
        lambda order_id, _number: f"released/{order_id}/{next(numbers)}",
    )


def _is_release(condition: Condition | None) -> bool:
    parts = condition.parts if isinstance(condition, AllOf) else ()
    return any(getattr(part, "attribute", None) == "releases" for part in parts)


def _shipping_unheard(roots: ExitStack) -> None:
    patch(roots, RememberDue, "shipped", lambda *_: None)


def _due_note_dropped_though_nobody_was_asked(roots: ExitStack) -> None:
    """Swallow a queue's error, and forget the order."""

    def settle(self: SweepExpired, found: Sequence[Note], now: datetime) -> int:
        heads = self.orders.heads([OrderId(note.about) for note in found])
        for order in heads.values():
            with suppress(PlatformError):
                self.request_close(order.id)
        with self.commits() as work:
            for note in found:
                self.expiries.drop(work, note)
        return len(found)

    patch(roots, SweepExpired, "_settle", settle)


__all__ = ["BUGS", "Bug", "planted"]

BUGS = [
    *LIST_BUGS,
    *MONEY_BUGS,
    *DELIVERY_BUGS,
    *REFUND_BUGS,
    *DISPUTE_BUGS,
    *BILL_BUGS,
    *COMPLAINT_BUGS,
    *UNSHIPPED_BUGS,
    Bug("no journal condition", _no_journal_condition),
    Bug("no state condition", _no_state_condition),
    Bug("no amount condition", _no_amount_condition),
    Bug("no stock condition", _no_stock_condition),
    Bug("split write", _split_write),
    Bug("lost update", _lost_update),
    Bug("acknowledged before the commit", _acknowledged_before_the_commit),
    Bug("stock returned twice", _stock_returned_twice),
    Bug("failed payment not captured", _failed_payment_not_captured),
    Bug("late refund forgotten", _late_refund_forgotten),
    Bug("released without looking", _released_without_looking),
    Bug("shipping unheard", _shipping_unheard),
    Bug("due note dropped, nobody asked", _due_note_dropped_though_nobody_was_asked),
]
