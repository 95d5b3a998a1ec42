"""Placing an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.catalog.model import OutOfStockError, Product, Take
from chalicelib.catalog.rules import first_shard, plan_takes
from chalicelib.catalog.store import CatalogStore, read_product, stock_refusal
from chalicelib.kernel.clock import Clock, instant_text
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import MemberId, MerchantId, OrderId, ProductId
from chalicelib.kernel.money import fen
from chalicelib.orders import rules
from chalicelib.orders.model import PLACED, Order, OrderLine, OrderState, Placed, Wanted
from chalicelib.orders.store import ORDER, OrderStore, head_key, read_order
from chalicelib.people.model import RateTable, Terms
from chalicelib.people.store import read_merchant
from chalicelib.storage import keys
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item

_STOCK_TRIES_MAX = 4


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Turns what a shopper wants into an order, at the catalogue's prices."""

    table: Table
    orders: OrderStore
    catalog: CatalogStore
    commits: Commits
    clock: Clock
    ttl_seconds: int
    rates: RateTable

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
        # One read: the answer already given, if there is one, the products, and the terms.
        product_keys = {keys.product(line.product_id): line.product_id for line in wanted}
        merchant_at = keys.merchant(merchant_id)
        found = self.table.get_many([head_key(order_id), merchant_at, *product_keys])
        if head := found.get(head_key(order_id)):
            return self._already(order_id, head, request)
        products = {
            product_id: read_product(product_id, found[at])
            for at, product_id in product_keys.items()
            if at in found
        }
        rules.assert_sold(wanted, products, merchant_id)
        terms = read_merchant(merchant_id, found[merchant_at]).terms
        takes = {
            line.product_id: rules.one_take(products[line.product_id], line.quantity, order_id)
            for line in wanted
        }
        for _ in range(_STOCK_TRIES_MAX):
            lines = tuple(
                rules.line_of(products[line.product_id], line.quantity, takes[line.product_id])
                for line in wanted
            )
            order = self._draft(order_id, member_id, merchant_id, lines, terms)
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
        terms: Terms,
    ) -> Order:
        total = rules.price(lines)
        fee, shares = rules.agreed_shares(total, lines, terms=terms, rates=self.rates)
        now = self.clock.now()
        return Order(
            id=order_id,
            member_id=member_id,
            merchant_id=merchant_id,
            state=OrderState.UNPAID,
            total=total,
            due=total,
            held=fen(0),
            fee=fee,
            shares=shares,
            released=fen(0),
            refunded=fen(0),
            returned=fen(0),
            subject=rules.subject(lines),
            created_at=now,
            expires_at=now + timedelta(seconds=self.ttl_seconds),
        )

    def _commit(self, order: Order, lines: tuple[OrderLine, ...], request: str) -> None:
        with self.commits() as work:
            self.orders.placed(work, order, lines, request=request)
            self.catalog.take(work, [take for line in lines for take in line.takes])
            facts: Item = {
                "expires_at": instant_text(order.expires_at),
                "merchant_id": order.merchant_id,
            }
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
