"""Scenes of orders that are paid and never shipped, or shipped after all."""

from collections.abc import Callable

from chalicelib.kernel.money import fen
from chalicelib.orders import usecases as orders
from chalicelib.orders.model import Order, OrderState
from chalicelib.refunds import usecases as refunds
from tests.fakes.rooms import SHIP_DAYS, TTL_SECONDS
from tests.simulation.registered import Registered, Scene, Verb
from tests.simulation.scenes import held
from tests.simulation.stage import Stage
from tests.simulation.verbs_money_out import terms

_SWEEP, _ACCEPT = refunds.RefundUnshipped.sweep, refunds.AcceptRefund.unshipped


def _noted(stage: Stage) -> Order:
    """Let an order be paid, and its expiry pass."""
    order = held(stage, terms())
    stage.catch_up()
    stage.world.pause(TTL_SECONDS + 61)
    stage.rooms.sweep.sweep()
    return order


def _expires_paid(stage: Stage) -> Verb:
    held(stage, terms())
    stage.catch_up()
    stage.world.pause(TTL_SECONDS + 61)
    return stage.rooms.sweep.sweep


def _overdue(before: Callable[[Stage, Order], object]) -> Scene:
    """Let the time to ship an order pass, after this had happened to it."""

    def scene(stage: Stage) -> Verb:
        order = _noted(stage)
        before(stage, order)
        stage.catch_up()
        stage.world.pause(SHIP_DAYS * 86_400)
        return stage.rooms.refund_unshipped.sweep

    return scene


def _nothing(_stage: Stage, _order: Order) -> None:
    return


def _a_part_released(stage: Stage, order: Order) -> None:
    stage.rooms.release.release_part(order.member_id, order.id, fen(700), key="m1")


def _a_part_refunded(stage: Stage, order: Order) -> None:
    stage.rooms.accept_refund.accept(
        order.id, fen(700), "少发一件", merchant_id=None, caller="operator", key="r"
    )


def _shipped(stage: Stage, order: Order) -> None:
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")


def _shipped_after_the_look(stage: Stage) -> Verb:
    """Ship an order when the sweep had found it paid already."""
    order = _noted(stage)
    stage.world.pause(SHIP_DAYS * 86_400)
    _shipped(stage, order)

    def refund() -> None:
        assert not stage.rooms.accept_refund.unshipped(order.id)

    return refund


def _disputed(*, withdrawn: bool) -> Scene:
    """Dispute an order in its last hour; then withdraw, or let the rule decide."""

    def scene(stage: Stage) -> Verb:
        order = _noted(stage)
        stage.world.pause(SHIP_DAYS * 86_400 - TTL_SECONDS - 3600)
        talk = stage.rooms.disputes
        dispute = talk.open(order.member_id, order.id, "一直没发货", key="d")
        stage.catch_up()
        stage.world.pause(2 * 3600)
        if withdrawn:
            stage.afterwards = lambda: talk.withdraw(order.member_id, order.id, dispute.id)

        def sweep() -> None:
            stage.rooms.refund_unshipped.sweep()
            head = stage.rooms.orders.find(order.id)
            assert head is not None
            assert (head.state, head.dispute) == (OrderState.PAID, dispute.id), "it stays"

        return sweep

    return scene


UNSHIPPED = [
    Registered("paid at its expiry", _expires_paid, (orders.SweepExpired.sweep,)),
    Registered("never shipped", _overdue(_nothing), (_SWEEP, _ACCEPT)),
    Registered("never shipped, frozen", _overdue(_nothing), (_SWEEP, _ACCEPT), True),
    Registered("never shipped, a part released", _overdue(_a_part_released), (_SWEEP,)),
    Registered(
        "never shipped, a part released, frozen", _overdue(_a_part_released), (_SWEEP,), True
    ),
    Registered("never shipped, a part refunded", _overdue(_a_part_refunded), (_SWEEP,)),
    Registered("shipped meanwhile", _overdue(_shipped), (_SWEEP,)),
    Registered("shipped after the look", _shipped_after_the_look, (_ACCEPT,)),
    Registered("unshipped while disputed", _disputed(withdrawn=False), (_SWEEP,)),
    Registered("unshipped, dispute withdrawn", _disputed(withdrawn=True), (_SWEEP,)),
    Registered("unshipped, dispute withdrawn, frozen", _disputed(withdrawn=True), (_SWEEP,), True),
]
