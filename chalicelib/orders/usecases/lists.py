"""Merchants' lists of orders, kept by following the numbered list."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import OrderId
from chalicelib.ledger.numbered import Batch
from chalicelib.orders import rules
from chalicelib.orders.store import OrderStore, read_order
from chalicelib.storage import keys
from chalicelib.storage.batches import Batches, Group

_TRIES_MAX = 8


class ListsUnsettledError(TryAgainError):
    """The orders moved under every attempt to list them."""

    code = "lists_unsettled"


@dataclass(frozen=True, slots=True)
class ListOrders:
    """Files every order under its merchant, by time and by state.

    A row says which order moved; where it stands now is read from the order itself. So the lists
    come out the same in whatever order rows are read, and reading a row again changes nothing. An
    order never moves back, and neither does its place: the item in the list of all orders carries
    the state that is listed, and a move passes only from there.
    """

    orders: OrderStore
    batches: Batches

    def read(self, batch: Batch) -> None:
        """Move every order that a batch touches to where it stands now."""
        touched = filter(None, map(rules.order_moved_by, batch.rows))
        self.bring_up_to_date(list(dict.fromkeys(touched)))

    def bring_up_to_date(self, order_ids: Sequence[OrderId]) -> None:
        """Move these orders; two reads and one commit for some thirty that moved."""
        for _ in range(_TRIES_MAX):
            if not order_ids:
                return
            order_ids = self._moved(order_ids)
        raise ListsUnsettledError("the orders are moving; try again")

    def _moved(self, order_ids: Sequence[OrderId]) -> list[OrderId]:
        """Move what has to move; return those that another moved first."""
        heads = self.batches.read([keys.order(order_id) for order_id in order_ids])
        orders = [read_order(OrderId(key.pk), item) for key, item in heads.items()]
        listed = self.batches.read([self.orders.listed_at(order) for order in orders])
        moves: list[Group] = []
        movers: list[OrderId] = []
        for order in orders:
            item = listed.get(self.orders.listed_at(order))
            if item is None or rules.is_before(str(item["state"]), order.state):
                moves.append(self.orders.list_move(order, item))
                movers.append(order.id)
        refused = self.batches.guarded(moves)
        return [
            order_id
            for order_id, move in zip(movers, moves, strict=True)
            if any(move is one for one in refused)
        ]
