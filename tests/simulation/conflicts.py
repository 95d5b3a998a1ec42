"""The conflict model: commits that overlap in time on one item cancel each other.

Notifications of one merchant come at a rate; the share of cancelled commits must stay flat. With a
planted shared item it grows, which shows that the model sees it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from chalicelib.providers.port import Collected
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import ITEM_PRESENT, Add
from chalicelib.storage.values import Key
from tests.simulation.stage import Stage
from tests.simulation.world import World

COMMIT_SECONDS = 0.01
RATES = (10, 50, 100, 200, 400)  # payments a second of one merchant
PAYMENTS = 200
_SHARED = Key("main", "merchant-total", "head")


def cancelled_share(rate: int, *, payments: int = PAYMENTS) -> float:
    """Return which share of all commits was cancelled by a conflict, at this rate."""
    stage = Stage(seed=rate)
    words = _paid(stage, payments)
    stage.table.attempts = stage.table.conflicts = 0
    stage.latency = lambda: COMMIT_SECONDS
    stage.with_faults()
    at = 0.0
    for word in words:
        at += _gap(stage.world, rate)
        stage.world.begin(partial(_deliver, stage, word), after=at)
    stage.world.run()
    return stage.table.conflicts / stage.table.attempts


def _deliver(stage: Stage, word: Collected) -> None:
    stage.attempt(lambda: stage.deliver(word))


def _gap(world: World, rate: int) -> float:
    return world.random.expovariate(rate)


def _paid(stage: Stage, payments: int) -> list[Collected]:
    merchant_id = stage.merchant()
    product_id = stage.product(merchant_id, stock=payments)
    member_id = stage.rooms.sign_in.sign_in("a").id
    words = []
    for number in range(payments):
        order = stage.order(member_id, merchant_id, product_id, key=f"o{number}")
        started = stage.rooms.start_payment.start(member_id, order.id, "wechatpay", key="y")
        word = stage.provider.pay(started.payment.id)
        assert word is not None
        words.append(word)
    stage.memory.items[_SHARED] = {"n": 0}
    return words


@contextmanager
def shared_item_planted() -> Iterator[None]:
    """Let every captured payment count itself in one item of its merchant."""
    right = Work.emit

    def emit(self: Work, kind: str, *args: Any, **facts: Any) -> None:
        right(self, kind, *args, **facts)
        if kind == "payment.captured":
            self.update(_SHARED, Add("n", 1), when=ITEM_PRESENT, refusal="shared")

    Work.emit = emit  # type: ignore[method-assign]
    try:
        yield
    finally:
        Work.emit = right  # type: ignore[method-assign]


def curve() -> list[tuple[int, float]]:
    """Return the share of cancelled commits for each rate."""
    return [(rate, cancelled_share(rate)) for rate in RATES]
