"""Planted bugs of disputes."""

from contextlib import ExitStack
from datetime import datetime

from chalicelib.escrow import rules, usecases
from chalicelib.kernel.ids import DisputeId, OrderId
from chalicelib.orders import store
from chalicelib.orders.model import Order
from chalicelib.refunds.usecases import AcceptRefund
from chalicelib.storage.conditions import AllOf, Condition
from tests.simulation.roots import Bug, patch


def _released_though_disputed(roots: ExitStack) -> None:
    """Ask neither in the rule nor in the condition whether an order is disputed."""

    def as_read(order: Order) -> Condition:
        condition = right(order)
        assert isinstance(condition, AllOf)
        return AllOf(condition.parts[:-1])

    right = patch(roots, store, "_as_read", as_read)
    patch(roots, usecases, "_refuse_disputed", lambda _order: None)


def _ignored_by_automatic_release(roots: ExitStack) -> None:
    """Let the due list release what is disputed, as if silence were consent."""

    def is_due(order: Order, *, now: datetime) -> bool:
        return right(order.evolve(dispute=None), now=now)  # type: ignore[no-any-return]

    right = patch(roots, rules, "is_receipt_due", is_due)
    patch(roots, usecases, "_refuse_disputed", lambda _order: None)


def _decision_forgotten(roots: ExitStack) -> None:
    """Release the rest, and forget what was to go back."""

    def decided(
        self: AcceptRefund, order_id: OrderId, dispute_id: DisputeId, *amount: object
    ) -> None:
        del self, order_id, dispute_id, amount

    patch(roots, AcceptRefund, "decided", decided)


_SILENCE = "silence while disputed"

DISPUTE_BUGS = [
    Bug("release without dispute check", _released_though_disputed),
    Bug(
        "dispute ignored by automatic release",
        _ignored_by_automatic_release,
        "silence while disputed",
    ),
    Bug("decision forgotten", _decision_forgotten),
]
