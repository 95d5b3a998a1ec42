"""The room's collaborators in production, and everybody who follows the numbered list."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache

from chalicelib import outside
from chalicelib.books.store import TotalsStore
from chalicelib.books.usecases import ReadBooks, followers
from chalicelib.kernel import trace
from chalicelib.kernel.clock import sleep
from chalicelib.ledger.balances import Balances
from chalicelib.ledger.days import ClosedDays
from chalicelib.ledger.entries import Entries
from chalicelib.ledger.logbook import Logbook, Rows
from chalicelib.ledger.sequencer import Sequencer
from chalicelib.settings import settings

authenticator = outside.authenticator

_THREADS = 16


@cache
def sequencer() -> Sequencer:
    """Return the sequencer with all its readers."""
    return Sequencer(
        logbook=logbook(),
        readers=followers(
            outside.batches(), lake=outside.lake(), send=outside.events_queue().send_many
        ),
        clock=outside.clock(),
        pause=sleep,
        apart=timedelta(milliseconds=settings().round_milliseconds),
    )


@cache
def logbook() -> Logbook:
    """Return the list's own items."""
    return Logbook(
        table=outside.table(),
        commits=outside.commits(),
        batches=outside.batches(),
        parallel=_at_once,
    )


@cache
def read_books() -> ReadBooks:
    """Return the way the books are read."""
    return ReadBooks(
        balances=Balances(outside.table()),
        entries=Entries(outside.table()),
        totals=TotalsStore(outside.table()),
        days=ClosedDays(outside.table()),
    )


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="shard")


def _at_once(calls: Sequence[Callable[[], Rows]]) -> Sequence[Rows]:
    """Make calls in threads, since they wait for the network."""
    return list(_pool().map(lambda call: call(), map(trace.carried, calls)))
