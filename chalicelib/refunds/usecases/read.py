"""Reading refunds."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.kernel.ids import OrderId, ProductId
from chalicelib.kernel.money import Money
from chalicelib.orders.model import Placed
from chalicelib.refunds import rules
from chalicelib.refunds.model import Refund
from chalicelib.refunds.store import RefundStore


@dataclass(frozen=True, slots=True)
class Shown:
    """A refund, and what of it falls on each line of its order; on none, of late money."""

    refund: Refund
    lines: Sequence[tuple[ProductId, Money]]


@dataclass(frozen=True, slots=True)
class ReadRefunds:
    """Shows refunds with their allocation over the lines (分摊)."""

    refunds: RefundStore

    def of_order(self, placed: Placed) -> Sequence[Shown]:
        """Return an order's refunds in the order in which they were accepted; late ones last."""
        order, lines = placed
        found = self._of(order.id)
        own = [refund for refund in found if not refund.late]
        parts = rules.over_lines(lines, own)
        shown = [
            Shown(
                refund,
                [
                    (line.product_id, part)
                    for line, part in zip(lines, of_refund, strict=True)
                    if part.amount
                ],
            )
            for refund, of_refund in zip(own, parts, strict=True)
        ]
        return [*shown, *(Shown(refund, []) for refund in found if refund.late)]

    def _of(self, order_id: OrderId) -> Sequence[Refund]:
        return self.refunds.of_order(order_id).refunds
