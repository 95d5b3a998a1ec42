"""The examination of a house, on fakes; a look that fails is an outcome, one after another."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from chalicelib.health.model import CheckName
from chalicelib.health.usecases import Examine, Findings, Outcome
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import PlatformError
from chalicelib.storage.table import Table

QUEUES = ("bookings", "commands", "events", "reconciliations", "settlements")


def one_by_one(looks: Sequence[Callable[[], Findings]]) -> Sequence[Outcome]:
    return [_looked(look) for look in looks]


def _looked(look: Callable[[], Findings]) -> Outcome:
    try:
        return look()
    except PlatformError as error:
        return error


def examination(
    table: Table,
    clock: Clock,
    *,
    dead: dict[str, int] | None = None,
    provider_time: Callable[[], datetime] | None = None,
    public_key: bool = True,
    tell: Callable[[CheckName, BaseException], None] = lambda _check, _error: None,
) -> Examine:
    counts = dict.fromkeys(QUEUES, 0) | (dead or {})
    return Examine(
        table=table,
        clock=clock,
        provider="wechatpay",
        public_key=public_key,
        dead_letters={queue: partial(counts.__getitem__, queue) for queue in QUEUES},
        provider_time=provider_time or clock.protocol_now,
        at_once=one_by_one,
        tell=tell,
    )
