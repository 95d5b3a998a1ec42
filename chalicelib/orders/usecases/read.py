"""Reading orders."""

from dataclasses import dataclass

from chalicelib.kernel.ids import MemberId, MerchantId, OrderId
from chalicelib.orders.model import Order, OrderNotFoundError, OrderState, Placed
from chalicelib.orders.store import OrderStore


@dataclass(frozen=True, slots=True)
class ReadOrders:
    """Shows orders to those they concern."""

    orders: OrderStore

    def for_member(self, order_id: OrderId, member_id: MemberId) -> Placed:
        """Return a shopper's own order, or raise `OrderNotFoundError`."""
        order = self._order(order_id)
        if order.member_id != member_id:
            raise OrderNotFoundError("there is no such order")
        return order, self.orders.lines(order)

    def for_merchant(self, order_id: OrderId, merchant_id: MerchantId) -> Placed:
        """Return a merchant's own order, or raise `OrderNotFoundError`."""
        order = self._order(order_id)
        if order.merchant_id != merchant_id:
            raise OrderNotFoundError("there is no such order")
        return order, self.orders.lines(order)

    def for_operator(self, order_id: OrderId) -> Placed:
        """Return any order, or raise `OrderNotFoundError`."""
        order = self._order(order_id)
        return order, self.orders.lines(order)

    def with_lines(self, order: Order) -> Placed:
        """Return an order that was just moved, with its lines."""
        return order, self.orders.lines(order)

    def of_member(
        self, member_id: MemberId, *, state: OrderState | None, after: str | None, limit: int
    ) -> tuple[list[Placed], str | None]:
        """Return a page of a shopper's orders, newest first; two round trips a page.

        With a state asked for, a page may hold fewer than `limit`, even none, before the end.
        """
        rows, ended = self.orders.of_member(member_id, after=after, limit=limit)
        heads = self.orders.heads([order_id for order_id, _ in rows]) if rows else {}
        page = [
            (heads[order_id], lines)
            for order_id, lines in rows
            if state is None or heads[order_id].state is state
        ]
        return page, ended

    def of_merchant(
        self, merchant_id: MerchantId, *, state: OrderState | None, after: str | None, limit: int
    ) -> tuple[list[Placed], str | None]:
        """Return a page of a merchant's orders, newest first; one query and one read a page.

        The list follows the commits by about a second. What it shows of an order is read from the
        order itself, so that an order which has just moved is not shown in the state it had.
        """
        rows, ended = self.orders.of_merchant(merchant_id, state=state, after=after, limit=limit)
        placed = self.orders.whole_orders(rows)
        return [one for one in placed if state is None or one[0].state is state], ended

    def _order(self, order_id: OrderId) -> Order:
        order = self.orders.find(order_id)
        if order is None:
            raise OrderNotFoundError("there is no such order")
        return order
