"""The room's collaborators in production."""

from functools import cache

from chalicelib import outside
from chalicelib.catalog.store import CatalogStore
from chalicelib.kernel.ids import OrderId
from chalicelib.orders.model import EXPIRY, RECEIPT, UNSHIPPED
from chalicelib.orders.store import OrderStore
from chalicelib.orders.usecases import PlaceOrder, ReadOrders, RememberDue, SweepExpired
from chalicelib.settings import settings
from chalicelib.storage.due import DueList

authenticator = outside.authenticator


@cache
def place_order() -> PlaceOrder:
    """Return the way an order is placed."""
    from chalicelib.people import wiring as people

    return PlaceOrder(
        table=outside.table(),
        orders=OrderStore(outside.table()),
        catalog=CatalogStore(outside.table()),
        commits=outside.commits(),
        clock=outside.clock(),
        ttl_seconds=settings().order_ttl_seconds,
        rates=people.rates(),
    )


@cache
def read_orders() -> ReadOrders:
    """Return the way orders are read."""
    return ReadOrders(OrderStore(outside.table()))


@cache
def sweep_expired() -> SweepExpired:
    """Return the sweep for orders whose time is over."""
    return SweepExpired(
        orders=OrderStore(outside.table()),
        expiries=DueList(outside.table(), EXPIRY),
        unshipped=DueList(outside.table(), UNSHIPPED),
        commits=outside.commits(),
        clock=outside.clock(),
        request_close=_request_close,
        ship_days=settings().ship_days,
    )


@cache
def remember_due() -> RememberDue:
    """Return who notes when an order is to be looked at."""
    return RememberDue(
        expiries=DueList(outside.table(), EXPIRY),
        receipts=DueList(outside.table(), RECEIPT),
        commits=outside.commits(),
    )


def _request_close(order_id: OrderId) -> None:
    outside.commands_queue().send({"command": "close_order", "order_id": order_id})
