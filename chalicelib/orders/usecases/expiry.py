"""Finding orders whose time is over, by a list of what is due."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.kernel.clock import Clock, instant_from
from chalicelib.kernel.ids import OrderId
from chalicelib.orders import rules
from chalicelib.orders.model import PLACED, SHIPPED, OrderState
from chalicelib.orders.store import OrderStore
from chalicelib.storage.commit import Commits
from chalicelib.storage.due import DueList, Note


@dataclass(frozen=True, slots=True)
class RememberDue:
    """Hears what happened to orders, and notes when each is to be looked at."""

    expiries: DueList
    receipts: DueList
    commits: Commits

    def hear(self, event: Mapping[str, Any]) -> None:
        """Hear an event of `HEARD`; it may come twice, and in any order."""
        match event:
            case {"event": kind, "about": str(order_id), "facts": {"expires_at": str(at)}} if (
                kind == PLACED
            ):
                self.placed(OrderId.parse(order_id), instant_from(at))
            case {"event": kind, "about": str(order_id), "facts": {"receipt_due_at": str(at)}} if (
                kind == SHIPPED
            ):
                self.shipped(OrderId.parse(order_id), instant_from(at))
            case _:
                raise ValueError("no such event")

    def placed(self, order_id: OrderId, expires_at: datetime) -> None:
        """Note when an unpaid order may be closed; heard again, it is noted already."""
        with self.commits() as work:
            self.expiries.put(work, order_id, expires_at + rules.CLOSE_GRACE)

    def shipped(self, order_id: OrderId, receipt_due_at: datetime) -> None:
        """Note when a shipped order is taken as received; heard again, it is noted already."""
        with self.commits() as work:
            self.receipts.put(work, order_id, receipt_due_at)


@dataclass(frozen=True, slots=True)
class SweepExpired:
    """Finds unpaid orders whose time is over, and asks for each to be closed.

    An order leaves the list only when it is settled. One that is still unpaid is asked to be closed
    and stays, to be looked at again later: so a closing that got lost is asked for again. One that
    is paid goes over to the list of what is to be shipped, in the same commit.
    """

    orders: OrderStore
    expiries: DueList
    unshipped: DueList
    commits: Commits
    clock: Clock
    request_close: Callable[[OrderId], None]
    ship_days: int

    def sweep(self) -> int:
        """Sweep the list; return how many closings were asked for."""
        now = self.clock.now()
        return self.expiries.sweep(now, lambda found: self._settle(found, now))

    def _settle(self, found: Sequence[Note], now: datetime) -> int:
        heads = self.orders.heads([OrderId(note.about) for note in found])
        again = {
            order.id: rules.look_again_at(order, now=now)
            for order in heads.values()
            if order.state is OrderState.UNPAID
        }
        overdue = [order_id for order_id in again if rules.is_overdue(heads[order_id], now=now)]
        for order_id in overdue:
            self.request_close(order_id)
        with self.commits() as work:
            for note in found:
                self.expiries.drop(work, note)
            for order_id, at in again.items():
                self.expiries.put(work, order_id, at)
            for order in heads.values():
                if order.state is OrderState.PAID:
                    at = rules.ship_by(order, ship_days=self.ship_days)
                    self.unshipped.put(work, order.id, at)
        return len(overdue)
