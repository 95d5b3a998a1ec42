"""Giving back what was paid for goods that nobody shipped in time."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import OrderId
from chalicelib.orders.model import Order, OrderState
from chalicelib.orders.rules import ship_by
from chalicelib.orders.store import OrderStore
from chalicelib.refunds import rules
from chalicelib.refunds.usecases.accept import AcceptRefund
from chalicelib.storage.commit import Commits
from chalicelib.storage.due import DueList, Note


@dataclass(frozen=True, slots=True)
class RefundUnshipped:
    """Refunds orders that were paid and never shipped (超时未发货退款).

    An order stays on the list while it is paid: a disputed one is looked at again a day later.
    """

    orders: OrderStore
    accepting: AcceptRefund
    due: DueList
    commits: Commits
    clock: Clock
    ship_days: int

    def sweep(self) -> int:
        """Look at every order that should have been shipped; return how many were refunded."""
        return self.due.sweep(self.clock.now(), self._settle)

    def _settle(self, found: Sequence[Note]) -> int:
        heads = self.orders.heads([OrderId(note.about) for note in found])
        paid = [order for order in heads.values() if order.state is OrderState.PAID]
        left = [order for order in paid if not self._refunded(order)]
        now = self.clock.now()
        with self.commits() as work:
            for note in found:
                self.due.drop(work, note)
            for order in left:
                at = rules.look_at_unshipped(order, ship_days=self.ship_days, now=now)
                self.due.put(work, order.id, at)
        return len(paid) - len(left)

    def _refunded(self, order: Order) -> bool:
        """Refund an order whose time is over, unless it is disputed."""
        overdue = self.clock.now() >= ship_by(order, ship_days=self.ship_days)
        return overdue and rules.is_unshipped(order) and self.accepting.unshipped(order.id)
