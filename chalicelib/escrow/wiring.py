"""The room's collaborators in production."""

from functools import cache

from chalicelib import outside
from chalicelib.escrow.usecases import Release, Ship
from chalicelib.ledger.journal import Journal
from chalicelib.orders.model import RECEIPT
from chalicelib.orders.store import OrderStore
from chalicelib.settings import FundsModel, settings
from chalicelib.storage.due import DueList

authenticator = outside.authenticator


@cache
def ship() -> Ship:
    """Return the way an order is shipped."""
    return Ship(
        orders=OrderStore(outside.table()),
        commits=outside.commits(),
        receipt_days=settings().receipt_days,
        freeze_days=settings().freeze_days,
    )


@cache
def release() -> Release:
    """Return the way held money is released."""
    return Release(
        orders=OrderStore(outside.table()),
        journal=Journal(outside.table()),
        commits=outside.commits(),
        clock=outside.clock(),
        receipts=DueList(outside.table(), RECEIPT),
        unfreezes=settings().funds_model is FundsModel.PARTNER,
    )
