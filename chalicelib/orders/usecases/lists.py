"""Merchants' lists of orders, kept by following the numbered list."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import OrderId
from chalicelib.ledger.numbered import Batch
from chalicelib.orders import rules
from chalicelib.orders.model import PLACED, Order
from chalicelib.orders.store import OrderStore, read_order
from chalicelib.storage import keys
from chalicelib.storage.batches import Batches

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
        new = {numbered.row.about for numbered in batch.rows if numbered.row.kind == PLACED}
        self.bring_up_to_date(list(dict.fromkeys(touched)), new=new)

    def bring_up_to_date(self, order_ids: Sequence[OrderId], *, new: AbstractSet[str]) -> None:
        """Move these orders; one read for a hundred, and one commit for some thirty.

        Where an order is listed is guessed: a new one nowhere, another in the state before. Those
        whose guess was wrong are looked up.
        """
        orders = self._read(order_ids)
        guessed = {
            order.id: None if order.id in new else rules.state_before(order.state)
            for order in orders
        }
        left = self._moved(orders, guessed)
        for _ in range(_TRIES_MAX):
            if not left:
                return
            left = self._looked_up_and_moved(left)
        raise ListsUnsettledError("the orders are moving; try again")

    def _looked_up_and_moved(self, order_ids: Sequence[OrderId]) -> Sequence[OrderId]:
        orders = self._read(order_ids)
        found = self.batches.read([self.orders.listed_at(order) for order in orders])
        listed: dict[OrderId, str | None] = {}
        for order in orders:
            item = found.get(self.orders.listed_at(order))
            listed[order.id] = str(item["state"]) if item else None
        behind = [order for order in orders if rules.is_behind(listed[order.id], order.state)]
        return self._moved(behind, listed)

    def _moved(
        self, orders: Sequence[Order], listed: Mapping[OrderId, str | None]
    ) -> Sequence[OrderId]:
        """Move orders from where they are listed; return those that are listed elsewhere."""
        moves = [self.orders.list_move(order, listed[order.id]) for order in orders]
        refused = {id(move) for move in self.batches.guarded(moves)}
        return [order.id for order, move in zip(orders, moves, strict=True) if id(move) in refused]

    def _read(self, order_ids: Sequence[OrderId]) -> Sequence[Order]:
        found = self.batches.read([keys.order(order_id) for order_id in order_ids])
        return [read_order(OrderId(key.pk), item) for key, item in found.items()]
