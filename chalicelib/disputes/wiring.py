"""The room's collaborators in production."""

from functools import cache

from chalicelib import outside
from chalicelib.disputes.model import DEADLINE
from chalicelib.disputes.store import DisputeStore
from chalicelib.disputes.usecases import CarryOut, Disputes
from chalicelib.orders.model import RECEIPT
from chalicelib.orders.store import OrderStore
from chalicelib.settings import settings
from chalicelib.storage.due import DueList

authenticator = outside.authenticator
clock = outside.clock
documents = outside.documents


@cache
def disputes() -> Disputes:
    """Return the way orders are disputed."""
    return Disputes(
        disputes=DisputeStore(outside.table()),
        orders=OrderStore(outside.table()),
        receipts=DueList(outside.table(), RECEIPT),
        deadlines=DueList(outside.table(), DEADLINE),
        commits=outside.commits(),
        clock=outside.clock(),
        freeze_days=settings().freeze_days,
    )


@cache
def carry_out() -> CarryOut:
    """Return the way decisions are carried out."""
    from chalicelib.escrow.wiring import release
    from chalicelib.refunds.wiring import accept_refund

    return CarryOut(
        disputes=DisputeStore(outside.table()),
        deciding=disputes(),
        deadlines=DueList(outside.table(), DEADLINE),
        commits=outside.commits(),
        clock=outside.clock(),
        release=release(),
        refunds=accept_refund(),
    )
