"""Placing an order, reading orders, and finding those whose time is over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.catalog.model import OutOfStockError, Product, Take
from chalicelib.catalog.rules import first_shard, plan_takes
from chalicelib.catalog.store import CatalogStore, read_product, stock_refusal
from chalicelib.kernel.clock import Clock, instant_from, instant_text
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import MemberId, MerchantId, OrderId, ProductId
from chalicelib.kernel.money import fen
from chalicelib.orders import rules
from chalicelib.orders.model import Order, OrderLine, OrderNotFoundError, OrderState, Wanted
from chalicelib.orders.store import ORDER, OrderStore, head_key, read_order
from chalicelib.storage import keys
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.outbox import OutboxRow, last_row_id_before, rows
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item

_STOCK_TRIES_MAX = 4
_SWEEP_BATCH = 100
PLACED = "order.placed"

Placed = tuple[Order, tuple[OrderLine, ...]]


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Turns what a shopper wants into an order, at the catalogue's prices."""

    table: Table
    orders: OrderStore
    catalog: CatalogStore
    commits: Commits
    clock: Clock
    ttl_seconds: int

    def place(
        self, member_id: MemberId, merchant_id: MerchantId, wanted: Sequence[Wanted], *, key: str
    ) -> Placed:
        """Place an order; the same shopper and key give the same order.

        Raises `ProductsNotFoundError`, `OutOfStockError`, `OrderTotalTooLargeError` or
        `IdempotencyKeyReusedError`.
        """
        order_id = OrderId.derive("place_order", member_id, key)
        request = fingerprint(
            merchant_id, *(part for line in wanted for part in (line.product_id, line.quantity))
        )
        # One read: the answer already given, if there is one, and the products.
        product_keys = {keys.product(line.product_id): line.product_id for line in wanted}
        found = self.table.get_many([head_key(order_id), *product_keys])
        if head := found.get(head_key(order_id)):
            return self._already(order_id, head, request)
        products = {
            product_id: read_product(product_id, found[at])
            for at, product_id in product_keys.items()
            if at in found
        }
        rules.assert_sold(wanted, products, merchant_id)
        takes = {
            line.product_id: rules.one_take(products[line.product_id], line.quantity, order_id)
            for line in wanted
        }
        for _ in range(_STOCK_TRIES_MAX):
            lines = tuple(
                rules.line_of(products[line.product_id], line.quantity, takes[line.product_id])
                for line in wanted
            )
            order = self._draft(order_id, member_id, merchant_id, lines)
            try:
                self._commit(order, lines, request)
            except CommitRefusedError as refused:
                if ORDER in refused.refusals:
                    return self._already(order_id, refused.refusals[ORDER], request)
                takes |= self._taken_elsewhere(refused, wanted, products, takes, order_id)
            else:
                return order, lines
        raise OutOfStockError("the stock is moving too fast; try again", products=list(products))

    def _draft(
        self,
        order_id: OrderId,
        member_id: MemberId,
        merchant_id: MerchantId,
        lines: tuple[OrderLine, ...],
    ) -> Order:
        total = rules.price(lines)
        now = self.clock.now()
        return Order(
            id=order_id,
            member_id=member_id,
            merchant_id=merchant_id,
            state=OrderState.UNPAID,
            total=total,
            due=total,
            held=fen(0),
            subject=rules.subject(lines),
            created_at=now,
            expires_at=now + timedelta(seconds=self.ttl_seconds),
        )

    def _commit(self, order: Order, lines: tuple[OrderLine, ...], request: str) -> None:
        with self.commits() as work:
            self.orders.placed(work, order, lines, request=request)
            self.catalog.take(work, [take for line in lines for take in line.takes])
            facts: Item = {"expires_at": instant_text(order.expires_at)}
            work.emit(PLACED, order.id, facts=facts)

    def _already(self, order_id: OrderId, head: Item | None, request: str) -> Placed:
        assert head is not None
        if head["request"] != request:
            raise IdempotencyKeyReusedError("this Idempotency-Key placed another order")
        order = read_order(order_id, head)
        return order, self.orders.lines(order)

    def _taken_elsewhere(
        self,
        refused: CommitRefusedError,
        wanted: Sequence[Wanted],
        products: Mapping[ProductId, Product],
        takes: Mapping[ProductId, Sequence[Take]],
        order_id: OrderId,
    ) -> dict[ProductId, list[Take]]:
        """Look at all shards of what was short, and plan again; raise when too little is left."""
        planned: dict[ProductId, list[Take]] = {}
        short: list[ProductId] = []
        for line in wanted:
            product = products[line.product_id]
            if not any(stock_refusal(take) in refused.refusals for take in takes[product.id]):
                continue
            free = self.catalog.stock_left(product)
            first = first_shard(product.id, seed=order_id, shards=product.stock_shards)
            if plan := plan_takes(product.id, line.quantity, free, first=first):
                planned[product.id] = plan
            else:
                short.append(product.id)
        if short:
            raise OutOfStockError("less is left than you asked for", products=short)
        return planned


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

    def _order(self, order_id: OrderId) -> Order:
        order = self.orders.find(order_id)
        if order is None:
            raise OrderNotFoundError("there is no such order")
        return order


@dataclass(frozen=True, slots=True)
class SweepExpired:
    """Finds unpaid orders whose time is over, and asks for each to be closed.

    The outbox is the list: a row was left by the very commit that placed the order, and its id
    grows with time. A watermark a shard remembers how far the sweep has come; it passes a row only
    when the row's order is settled or its closing has been asked for. So a due order can be asked
    for twice, which is harmless, but never be forgotten.
    """

    table: Table
    orders: OrderStore
    commits: Commits
    clock: Clock
    ttl_seconds: int
    request_close: Callable[[OrderId], None]

    def sweep(self) -> int:
        """Sweep every shard; return how many closings were asked for."""
        return sum(self._sweep_shard(shard) for shard in range(keys.OUTBOX_SHARDS))

    def _sweep_shard(self, shard: int) -> int:
        item = self.table.get(keys.watermark("order-expiry", shard))
        mark = str(item["row"]) if item else None
        until = last_row_id_before(self.clock.now() - timedelta(seconds=self.ttl_seconds))
        if mark is not None and mark >= until:
            return 0
        asked, batch = 0, list[OutboxRow]()
        for row in rows(self.table, shard, until=until, after=mark):
            if row.kind == PLACED and not self._is_over(row):
                break
            batch.append(row)
            if len(batch) == _SWEEP_BATCH:
                asked += self._settle(shard, batch)
                batch = []
        return asked + (self._settle(shard, batch) if batch else 0)

    def _is_over(self, row: OutboxRow) -> bool:
        return self.clock.now() >= instant_from(row.facts["expires_at"]) + rules.CLOSE_GRACE

    def _settle(self, shard: int, batch: Sequence[OutboxRow]) -> int:
        """Ask for the closing of those still unpaid, then move the watermark past the batch."""
        placed = [OrderId(row.about) for row in batch if row.kind == PLACED]
        heads = self.orders.heads(placed) if placed else {}
        overdue = [
            order.id for order in heads.values() if rules.is_overdue(order, now=self.clock.now())
        ]
        for order_id in overdue:
            self.request_close(order_id)
        with self.commits() as work:
            key = keys.watermark("order-expiry", shard)
            work.put(key, {"row": batch[-1].key.sk}, refusal="watermark", when=None)
        return len(overdue)
