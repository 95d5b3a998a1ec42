"""Everybody who follows the numbered list, in the order in which they read each batch."""

from collections.abc import Callable, Sequence

from chalicelib.books.store import TotalsStore
from chalicelib.books.usecases.totals import FoldTotals
from chalicelib.complaints import model as complaints
from chalicelib.delivery import model as delivery
from chalicelib.disputes import model as disputes
from chalicelib.ledger.balances import FoldBalances
from chalicelib.ledger.entries import ListEntries
from chalicelib.ledger.events import Message, SendEvents
from chalicelib.ledger.numbered import Reader
from chalicelib.ledger.segments import WriteSegments
from chalicelib.orders import model as orders
from chalicelib.orders.store import OrderStore
from chalicelib.orders.usecases import ListOrders
from chalicelib.payments import model as payments
from chalicelib.refunds import model as refunds
from chalicelib.settlement import model as settlement
from chalicelib.settlement.usecases import FilePayouts
from chalicelib.storage.batches import Batches
from chalicelib.storage.lake import Lake

HEARD = frozenset().union(
    *(
        room.HEARD
        for room in (orders, payments, refunds, settlement, delivery, disputes, complaints)
    )
)
"""The events to which some room listens."""


def followers(
    batches: Batches, *, lake: Lake, send: Callable[[Sequence[Message]], None]
) -> Sequence[Reader]:
    """Return all readers; the balances first, since people wait for them."""
    return (
        FoldBalances(batches),
        ListEntries(batches),
        ListOrders(OrderStore(batches.table), batches),
        FilePayouts(batches),
        FoldTotals(TotalsStore(batches.table), batches),
        SendEvents(HEARD, send),
        WriteSegments(lake),
    )
