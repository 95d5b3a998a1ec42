"""Finding orders whose time is over, by a list of what is due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import OrderId
from chalicelib.orders import rules
from chalicelib.orders.model import OrderState
from chalicelib.orders.store import Due, OrderStore
from chalicelib.storage import keys
from chalicelib.storage.commit import Commits

_SWEEP_BATCH = 40  # two writes each, of the hundred that a commit takes


@dataclass(frozen=True, slots=True)
class RememberExpiry:
    """Hears that an order was placed, and notes when it is to be looked at."""

    orders: OrderStore
    commits: Commits

    def placed(self, order_id: OrderId, expires_at: datetime) -> None:
        """Put an order on the list; heard again, it stands there already."""
        with self.commits() as work:
            self.orders.put_due(work, order_id, expires_at + rules.CLOSE_GRACE)


@dataclass(frozen=True, slots=True)
class SweepExpired:
    """Finds unpaid orders whose time is over, and asks for each to be closed.

    An order leaves the list only when it is settled. One that is still unpaid is asked to be closed
    and stays, to be looked at again later: so a closing that got lost is asked for again.
    """

    orders: OrderStore
    commits: Commits
    clock: Clock
    request_close: Callable[[OrderId], None]

    def sweep(self) -> int:
        """Sweep the list; return how many closings were asked for."""
        return sum(self._sweep_shard(shard) for shard in range(keys.DUE_SHARDS))

    def _sweep_shard(self, shard: int) -> int:
        asked, now = 0, self.clock.now()
        while found := self.orders.due_by(shard, now, limit=_SWEEP_BATCH):
            asked += self._settle(found, now)
        return asked

    def _settle(self, found: Sequence[Due], now: datetime) -> int:
        heads = self.orders.heads([due.order_id for due in found])
        again = {
            order.id: rules.look_again_at(order, now=now)
            for order in heads.values()
            if order.state is OrderState.UNPAID
        }
        overdue = [order_id for order_id in again if rules.is_overdue(heads[order_id], now=now)]
        for order_id in overdue:
            self.request_close(order_id)
        with self.commits() as work:
            for due in found:
                self.orders.drop_due(work, due)
            for order_id, at in again.items():
                self.orders.put_due(work, order_id, at)
        return len(overdue)
