"""What must be true of orders that were never shipped: only their money goes back by itself."""

from collections.abc import Iterator
from datetime import timedelta

from chalicelib.kernel.clock import instant_from
from chalicelib.kernel.ids import OrderId, RefundId
from chalicelib.storage import keys
from tests.fakes.rooms import SHIP_DAYS
from tests.simulation.stage import Stage


def always(stage: Stage) -> Iterator[str]:
    """Name money that went back by itself though its order was shipped, or had time left."""
    for key, head in stage.memory.items.items():
        if not key.pk.startswith("ord_") or key.sk != "head":
            continue
        order_id = OrderId(key.pk)
        refund = stage.memory.items.get(keys.refund(order_id, RefundId.derive("unshipped", key.pk)))
        if refund is None:
            continue
        if "shipped_at" in head:
            yield f"{key.pk} was shipped, and refunded as if it never was"
        due = instant_from(str(head["created_at"])) + timedelta(days=SHIP_DAYS)
        if instant_from(str(refund["created_at"])) < due:
            yield f"{key.pk} was refunded before its time to be shipped was over"
        if head["held"]:
            yield f"{key.pk} was refunded for it was never shipped, and holds {head['held']}"
