"""Planted bugs of orders that are never shipped."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order, OrderState
from chalicelib.orders.usecases import SweepExpired
from chalicelib.refunds import rules
from chalicelib.storage.commit import Work
from chalicelib.storage.due import DueList, Note
from tests.simulation.roots import Bug, patch


def _forgotten(roots: ExitStack) -> None:
    """Drop the note of an order that is paid, and note nowhere that it is to be shipped."""

    class Nowhere(DueList):
        @override
        def put(self, work: Work, about: str, at: datetime) -> None:
            del work, about, at

    def settle(self: SweepExpired, found: Sequence[Note], now: datetime) -> int:
        nowhere = Nowhere(self.unshipped.table, self.unshipped.name)
        return int(right(replace(self, unshipped=nowhere), found, now))

    right = patch(roots, SweepExpired, "_settle", settle)


def _though_shipped(roots: ExitStack) -> None:
    """Believe the look that found an order paid, and ask no more whether it was shipped since."""

    def is_unshipped(order: Order) -> bool:
        return order.dispute is None and order.held != fen(0)

    patch(roots, rules, "is_unshipped", is_unshipped)


def _though_disputed(roots: ExitStack) -> None:
    patch(roots, rules, "is_unshipped", lambda order: order.state is OrderState.PAID)


UNSHIPPED_BUGS = [
    Bug("unshipped forgotten", _forgotten),
    Bug("unshipped refunded though shipped", _though_shipped, "shipped after the look"),
    Bug("unshipped refunded though disputed", _though_disputed, "unshipped while disputed"),
]
