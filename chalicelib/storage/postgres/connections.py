"""Connections to PostgreSQL: a few, shared by all threads, opened when one is first needed.

A connection that the server has left is found out before it is lent, without asking: an idle one
has nothing to read unless it was closed. One that does not answer in time is closed.
"""

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout
from typing_extensions import override

from chalicelib.storage.table import StoreThrottledError

CONNECTIONS_MAX = 20
"""Sixteen threads of the API, and a few that work beside them."""

_PREPARE_AFTER = 3  # uses of a statement on one connection
_WAIT_SECONDS = 0.1
_CONNECT_SECONDS_MAX = 2  # the least that libpq knows; the pool opens one at a time
_IDLE_SECONDS_MAX = 300.0


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose answers have a deadline."""

    answer_by: float | None = None

    @override
    def wait(
        self, gen: PQGen[RV], interval: float = _WAIT_SECONDS, timeout: float | None = None
    ) -> RV:
        """Wait for an answer until the deadline; then the connection is of no more use."""
        if timeout is None and self.answer_by is not None:
            timeout = max(self.answer_by - monotonic(), 0.0)
        try:
            return super().wait(gen, interval, timeout)
        except errors.OperationalError:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.close()
            raise


class Connections:
    """A bounded pool; a process that was forked opens one of its own."""

    def __init__(self, url: str, *, connect: float, read: float, most: int, prepared: bool) -> None:
        self._url, self._connect, self._read = url, connect, read
        self._most = most
        self._prepared = prepared
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Connection] | None = None
        self._owner = 0

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """Lend a connection that seems to live, for one exchange."""
        pool = self._opened()
        connection = self._living(pool)
        connection.answer_by = monotonic() + self._read
        try:
            yield connection
        except errors.ReadOnlySqlTransaction:
            connection.close()  # it follows another primary now
            raise
        finally:
            connection.answer_by = monotonic() + self._read  # to roll back what was left open
            pool.putconn(connection)

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None and self._owner == os.getpid():
            pool.close()

    def _living(self, pool: ConnectionPool[Connection]) -> Connection:
        deadline = monotonic() + self._connect
        while True:
            try:
                connection = pool.getconn(timeout=deadline - monotonic())
            except PoolTimeout as error:
                raise StoreThrottledError("the database could not be reached") from error
            if not _left(connection):
                return connection
            connection.close()
            pool.putconn(connection)

    def _opened(self) -> ConnectionPool[Connection]:
        with self._lock:
            if self._pool is None or self._owner != os.getpid():
                self._pool = self._made()
                self._owner = os.getpid()
            return self._pool

    def _made(self) -> ConnectionPool[Connection]:
        chosen: dict[str, Any] = {
            "autocommit": True,
            "cursor_factory": psycopg.RawCursor,
            "prepare_threshold": _PREPARE_AFTER if self._prepared else None,
        }
        told = conninfo_to_dict(self._url)
        if "target_session_attrs" not in told:
            chosen["target_session_attrs"] = "read-write"  # never one that only follows
        if "connect_timeout" not in told:
            chosen["connect_timeout"] = _CONNECT_SECONDS_MAX
        if "application_name" not in told:
            chosen["application_name"] = "shoukuan"
        return ConnectionPool(
            self._url,
            connection_class=Connection,
            kwargs=chosen,
            min_size=0,
            max_size=self._most,
            max_idle=_IDLE_SECONDS_MAX,
            reconnect_timeout=0,  # whoever comes next tries again, at once
            open=True,
        )


def _left(connection: Connection) -> bool:
    """Tell whether the other side has closed an idle connection."""
    if connection.closed:
        return True
    poll = select.poll()  # `select` knows no descriptor beyond 1,023
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
