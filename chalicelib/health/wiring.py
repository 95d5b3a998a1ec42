"""The room's collaborators in production."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache

from chalicelib import outside
from chalicelib.edge import observe
from chalicelib.health.model import CheckName
from chalicelib.health.usecases import Examine, Findings, Outcome
from chalicelib.kernel import trace
from chalicelib.kernel.clock import Clock
from chalicelib.providers.transport import Timeouts, Transport
from chalicelib.providers.wechatpay.client import WeChatPay
from chalicelib.settings import settings
from chalicelib.storage.table import Table

authenticator = outside.authenticator

SECONDS_MAX = 8
"""How long a report may take; whoever has not answered by then counts as unreachable."""

_THREADS = 16
_TIMEOUTS = Timeouts(connect_seconds=1, read_seconds=2, total_seconds=4)


@cache
def examine() -> Examine:
    """Return the way the house is examined."""
    configured = settings()
    return examination(
        outside.table(),
        outside.clock(),
        dead_letters=outside.dead_letters(),
        transport=outside.transport(),
        provider_url=configured.wechatpay_base_url,
        public_key=configured.wechatpay_public_key is not None,
        tell=_tell,
    )


def examination(
    table: Table,
    clock: Clock,
    *,
    dead_letters: Mapping[str, Callable[[], int]],
    transport: Transport,
    provider_url: str,
    public_key: bool,
    tell: Callable[[CheckName, BaseException], None],
) -> Examine:
    """Build an examination of what stands on these."""
    return Examine(
        table=table,
        clock=clock,
        provider=WeChatPay.name,
        public_key=public_key,
        dead_letters=dead_letters,
        provider_time=lambda: _date_at(transport, provider_url),
        at_once=at_once,
        tell=tell,
    )


def at_once(looks: Sequence[Callable[[], Findings]]) -> Sequence[Outcome]:
    """Look in threads; every source has timeouts of its own, so that none is kept for long."""
    futures = [_pool().submit(trace.carried(look)) for look in looks]
    wait(futures, timeout=SECONDS_MAX)
    return [_outcome(future) for future in futures]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="look")


def _outcome(future: Future[Findings]) -> Outcome:
    if not future.done():
        future.cancel()
        return TimeoutError("no answer in time")
    return future.exception() or future.result()


def _date_at(transport: Transport, url: str) -> datetime:
    """Return the `Date` of an answer; any answer has one, and nothing is asked of WeChat Pay."""
    answer = transport.send("GET", f"{url.rstrip('/')}/", {}, b"", _TIMEOUTS)
    dates = [text for name, text in answer.headers.items() if name.lower() == "date"]
    return parsedate_to_datetime(dates[0])


def _tell(check: CheckName, error: BaseException) -> None:
    """Log why a check has no answer, and count it."""
    observe.count("CheckUnreachable", check=check)
    if isinstance(error, Exception):
        observe.mishap("a check has no answer", error, check=check)
