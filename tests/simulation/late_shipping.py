"""A seed's second act: the time to ship is nearly over, and everybody hurries at once."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from chalicelib.kernel.ids import OrderId
from chalicelib.orders.model import Order, OrderState
from tests.fakes.rooms import SHIP_DAYS
from tests.simulation.world import Killed

if TYPE_CHECKING:
    from tests.simulation.seeds import Scene

_SECONDS = 900


def hurry(scene: "Scene") -> None:
    """Let everybody act on what was never shipped, in the quarter of an hour when it falls due."""
    stage, world = scene.stage, scene.stage.world
    stage.without_faults()
    unshipped = [order for order in _orders(scene) if order.state is OrderState.PAID]
    if not unshipped or scene.draw.random() < 0.5:
        return
    last = max(order.created_at for order in unshipped)
    stage.catch_up()
    world.pause((last - world.now()).total_seconds() + SHIP_DAYS * 86_400 - _SECONDS // 2)
    stage.with_faults()
    scene.until = world.seconds + _SECONDS
    for order in unshipped:
        for verb in (partial(_ships, scene, order), partial(_disputes, scene, order)):
            if scene.draw.random() < 0.5:
                world.begin(verb, after=scene.wait(_SECONDS))
    rooms = stage.rooms
    for work in (
        *(rooms.refund_unshipped.sweep, rooms.refund_unshipped.sweep, rooms.sweep.sweep),
        *(rooms.carry_out.sweep, stage.work_events, stage.work_commands, stage.sequence),
    ):
        world.begin(partial(_works, scene, work), after=scene.wait(60))
    world.run()


def _works(scene: "Scene", work: Callable[[], object]) -> None:
    while scene.stage.world.seconds < scene.until:
        with suppress(Killed):
            scene.stage.attempt(work)
        scene.stage.world.pause(scene.wait(60))


def _ships(scene: "Scene", order: Order) -> None:
    """Let the merchant ship at last."""
    rooms = scene.stage.rooms
    ship = partial(rooms.ship.ship, order.merchant_id, order.id, "SF", "SF123456")
    scene.insist("the merchant ships late", ship)


def _disputes(scene: "Scene", order: Order) -> None:
    """Let the shopper dispute, and now and then think better of it."""
    rooms = scene.stage.rooms.disputes
    opened = scene.insist(
        "the shopper waits no longer",
        lambda: rooms.open(order.member_id, order.id, "一直没发货", key="late"),
    )
    if opened is not None and scene.draw.random() < 0.5:
        scene.stage.world.pause(scene.wait(60))
        withdraw = partial(rooms.withdraw, order.member_id, order.id, opened.id)
        scene.insist("the shopper waits after all", withdraw)


def _orders(scene: "Scene") -> list[Order]:
    """Return every order there is."""
    keys = [key for key in scene.stage.memory.items if key.sk == "head"]
    ids = [OrderId(key.pk) for key in keys if key.pk.startswith("ord_")]
    return [order for order in map(scene.stage.rooms.orders.find, ids) if order is not None]
