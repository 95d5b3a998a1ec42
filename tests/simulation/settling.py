"""How a run comes to its end: shipments and complaints at WeChat's own desks, and no shipments."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.complaints.usecases.answer import LOOK_AGAIN as LOOK_AT_ANSWERS
from chalicelib.delivery.usecases import LOOK_AGAIN
from chalicelib.orders.model import UNSHIPPED
from tests.fakes.rooms import SHIP_DAYS

if TYPE_CHECKING:
    from tests.simulation.stage import Stage

_ROUNDS_MAX = 3


def report_all(stage: "Stage") -> None:
    """Let WeChat hear of every payment, and of every shipment."""
    stage.parcels.unknown_payments.clear()
    for _ in range(2):
        if not _is_noted(stage, "unreported"):
            return
        _later(stage, LOOK_AGAIN)
        stage.rooms.report_shipments.sweep()
        _work(stage)


def look_for_complaints(stage: "Stage") -> None:
    """Let complaints be found whose notification got lost."""
    if stage.complained.complaints:
        stage.rooms.take_complaints.look()
        _work(stage)


def refund_unshipped(stage: "Stage") -> None:
    """Wait until the time to ship is over, and let what nobody shipped go back."""
    for _ in range(_ROUNDS_MAX):
        if not _is_noted(stage, UNSHIPPED):
            return
        _later(stage, timedelta(days=SHIP_DAYS))
        stage.rooms.refund_unshipped.sweep()
        _work(stage)


def answer_all(stage: "Stage") -> None:
    """Let every complaint be answered whose dispute has ended."""
    _work(stage)
    for _ in range(_ROUNDS_MAX):
        if not _is_noted(stage, "complaint"):
            return
        _later(stage, LOOK_AT_ANSWERS)
        stage.rooms.answer_complaints.sweep()
        _work(stage)


def _is_noted(stage: "Stage", name: str) -> bool:
    return any(key.pk.startswith(f"due/{name}") for key in stage.memory.items)


def _later(stage: "Stage", time: timedelta) -> None:
    stage.world.pause(time.total_seconds())


def _work(stage: "Stage") -> None:
    stage.work_off()
    stage.catch_up()
