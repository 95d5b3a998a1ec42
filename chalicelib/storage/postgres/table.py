"""The table port on PostgreSQL: one table of JSONB items, one database transaction a commit.

Every call is one exchange with the server. A commit's statements go out together, its COMMIT with
them; retries are `commit.py`'s alone. A connection that is lost on the way leaves it open whether
the COMMIT was done: that is silence, and a repeat under the same token finds out.
"""

import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, LiteralString

import psycopg

from chalicelib.storage.postgres.connections import CONNECTIONS_MAX, Connection, Connections
from chalicelib.storage.postgres.statements import (
    CommitStatements,
    Statement,
    commit_statements,
)
from chalicelib.storage.postgres.texts import item_from_json, read, spelled, to_json
from chalicelib.storage.table import (
    Action,
    Page,
    Put,
    Reason,
    ReasonCode,
    StoreSilentError,
    StoreThrottledError,
    TransactionCancelledError,
)
from chalicelib.storage.values import Item, Key

CONNECT_SECONDS = 0.5
READ_SECONDS = 1.0
_LOCK_MILLISECONDS = 700  # a commit waits so long for a key; before its answer is given up
_TOKEN_MINUTES = 20
SWEEP_EVERY = 64  # commits
_SLICES = 256

_GET = """
SELECT i.tbl, i.pk, i.sk, i.body::text
FROM unnest($1::text[], $2::text[], $3::text[]) AS a (tbl, pk, sk)
JOIN shoukuan.items AS i ON (i.tbl, i.pk, i.sk) = (a.tbl, a.pk, a.sk)
"""
_QUERY = """
SELECT sk, body::text FROM shoukuan.items
WHERE tbl = $1::text AND pk = $2::text{bounds}
ORDER BY sk {direction} LIMIT $3::int
"""
_PUT = """
INSERT INTO shoukuan.items AS i (tbl, pk, sk, body)
SELECT tbl, pk, sk, body::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
  AS a (tbl, pk, sk, body, n)
ORDER BY n
ON CONFLICT (tbl, pk, sk) DO UPDATE SET body = excluded.body
  WHERE i.body IS DISTINCT FROM excluded.body
"""
_DELETE = """
DELETE FROM shoukuan.items AS i USING (
  SELECT i.tbl, i.pk, i.sk
  FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS a (tbl, pk, sk, n)
  JOIN shoukuan.items AS i ON (i.tbl, i.pk, i.sk) = (a.tbl, a.pk, a.sk)
  ORDER BY n
  FOR UPDATE OF i
) AS gone
WHERE (i.tbl, i.pk, i.sk) = (gone.tbl, gone.pk, gone.sk)
"""
_SWEEP = """
DELETE FROM shoukuan.commits WHERE token IN (
  SELECT token FROM shoukuan.commits
  WHERE token >= $1::text AND token < $2::text
    AND at < now() - make_interval(mins => $3::int)
  FOR UPDATE SKIP LOCKED
)
"""
_SWEEP_COUNTS = """
DELETE FROM shoukuan.items WHERE (tbl, pk, sk) IN (
  SELECT tbl, pk, sk FROM shoukuan.items
  WHERE tbl = 'main' AND pk >= 'limit/' AND pk < 'limit0'
    AND (body ->> 'ttl')::numeric < extract(epoch FROM now())
  LIMIT 1000 FOR UPDATE SKIP LOCKED
)
"""
"""What DynamoDB's TTL does: only counts of callers have an end (`storage/counters.py`)."""
_BEGIN: LiteralString = "BEGIN ISOLATION LEVEL READ COMMITTED"
_LOCK_TIMEOUT: LiteralString = f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"
_COMMIT: LiteralString = "COMMIT"

_HELD = {
    "40001",  # serialization failure: only engines that serialise everything say so here
    "40P01",  # deadlock
    "55P03",  # it waited for a key as long as a commit may
    "23505",  # the same token is under way
}
_NOTHING_HAPPENED = {
    "57014",  # cancelled
    "25006",  # it was the primary a moment ago
}
_OUT_OF_RESOURCES = "53"  # memory, disk, connections
_NOBODY_KNOWS = {"40003", "08007"}  # said of a COMMIT by engines of several nodes


class _HeldError(StoreThrottledError):
    """Another transaction held what this one needed; nothing was done."""


class PostgresTable:
    """Both tables; `prepared` off is for poolers that hand each transaction to another server."""

    def __init__(
        self,
        url: str,
        *,
        connect: float = CONNECT_SECONDS,
        read: float = READ_SECONDS,
        connections_max: int = CONNECTIONS_MAX,
        prepared: bool = True,
    ) -> None:
        self._connections = Connections(
            url, connect=connect, read=read, most=connections_max, prepared=prepared
        )

    def close(self) -> None:
        """Close every connection; the next call opens them again."""
        self._connections.close()

    def get(self, key: Key) -> Item | None:
        """Return an item without its key attributes, or None."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        """Return the items that exist, all as they were at one moment."""
        rows = self._asked(_GET, _columns(list(dict.fromkeys(keys))))
        return {
            Key(table, read(pk), read(sk)): item_from_json(body) for table, pk, sk, body in rows
        }

    def query(
        self,
        table: str,
        pk: str,
        *,
        between: tuple[str, str] | None = None,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page:
        """Return rows of one partition in the order of their sort keys."""
        parameters: list[str | int] = [table, spelled(pk), limit + 1]
        bounds = ""
        for operator, bound in (
            (">=", between and between[0]),
            ("<=", between and between[1]),
            ("<" if newest_first else ">", after),
        ):
            if bound is not None:
                parameters.append(spelled(bound))
                bounds += f" AND sk {operator} ${len(parameters)}::text"
        sql = _QUERY.format(bounds=bounds, direction="DESC" if newest_first else "ASC")
        found = self._asked(sql, parameters)
        rows = tuple((Key(table, pk, read(sk)), item_from_json(body)) for sk, body in found[:limit])
        return Page(rows=rows, next_sk=rows[-1][0].sk if len(found) > limit else None)

    def write_batch(self, puts: Sequence[Put], deletes: Sequence[Key]) -> None:
        """Put and delete up to 25 items; keys are taken in the order in which commits take them."""
        assert all(put.condition is None for put in puts), "a batch knows no conditions"
        puts, deletes = sorted(puts, key=lambda put: put.key), sorted(deletes)
        bodies = [to_json(put.item) for put in puts]
        with _verdicts(), self._connections.lent() as connection, connection.pipeline():
            # Two transactions: one that held puts while it waits for deletes could deadlock.
            if puts:
                columns = [*_columns([put.key for put in puts]), bodies]
                self._in_transaction(connection, Statement(_PUT, tuple(columns)))
            if deletes:
                self._in_transaction(connection, Statement(_DELETE, tuple(_columns(deletes))))

    def transact(self, actions: Sequence[Action], token: str) -> None:
        """Do all or nothing; the same token within twenty minutes is not done twice."""
        ordered = in_order(actions)
        assert len({action.key for action in ordered}) == len(ordered), "two writes to one item"
        statements = commit_statements(ordered, token, secrets.token_hex(8))
        try:
            with _verdicts(), self._connections.lent() as connection:
                known, judged = self._committed(connection, statements)
        except _HeldError as error:
            conflict = Reason(ReasonCode.CONFLICT)
            raise TransactionCancelledError([conflict] * len(actions)) from error
        if known is not None:
            assert known == statements.digest, "a token belongs to one request"
            return
        assert len(judged) == len(actions), "every key was taken, and is judged"
        self._sweep_sometimes(token)
        reasons = {
            ordered[number - 1].key: _reason(passed=passed, old=old)
            for number, passed, old in judged
        }
        if any(reason.code is not ReasonCode.NONE for reason in reasons.values()):
            raise TransactionCancelledError([reasons[action.key] for action in actions])

    def _committed(
        self, connection: Connection, statements: CommitStatements
    ) -> tuple[str | None, list[Any]]:
        """Send all of a commit at once; return the digest of a known token, and the judgement."""
        with connection.pipeline():
            connection.execute(_BEGIN)
            connection.execute(_LOCK_TIMEOUT)
            take = _executed(connection, statements.take)
            decide = _executed(connection, statements.decide)
            commit = connection.execute(_COMMIT)
        assert commit.statusmessage == "COMMIT"
        known = take.fetchone()
        return known[0] if known else None, decide.fetchall()

    def _in_transaction(self, connection: Connection, statement: Statement) -> None:
        connection.execute(_BEGIN)
        connection.execute(_LOCK_TIMEOUT)
        _executed(connection, statement)
        connection.execute(_COMMIT)

    def _asked(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        with _verdicts(), self._connections.lent() as connection:
            return _executed(connection, Statement(sql, tuple(parameters))).fetchall()

    def _sweep_sometimes(self, token: str) -> None:
        """Forget counts that are over, and old tokens of one slice; tokens are random, so are they.

        No index on their time is needed, whose end all commits would write to.
        """
        drawn = zlib.crc32(token.encode())
        if drawn % SWEEP_EVERY:
            return
        at = (drawn // SWEEP_EVERY) % _SLICES
        bounds = [f"{at:02x}", f"{at + 1:02x}" if at + 1 < _SLICES else "g"]
        with suppress(StoreThrottledError, StoreSilentError):
            self._asked_nothing(_SWEEP, [*bounds, _TOKEN_MINUTES])
            self._asked_nothing(_SWEEP_COUNTS, [])

    def _asked_nothing(self, sql: str, parameters: Sequence[Any]) -> None:
        with _verdicts(), self._connections.lent() as connection:
            _executed(connection, Statement(sql, tuple(parameters)))


def in_order(actions: Sequence[Action]) -> list[Action]:
    """Put actions in the one order in which all commits take their keys: none waits in a ring."""
    return sorted(actions, key=lambda action: action.key)


@contextmanager
def _verdicts() -> Iterator[None]:
    """Say of a failure whether anything can have happened."""
    try:
        yield
    except psycopg.Error as error:
        raise _verdict(error) from error


def _verdict(error: psycopg.Error) -> Exception:
    """Read an error: if it is an answer, then the COMMIT behind it was not looked at."""
    state = error.sqlstate or ""
    if state in _HELD:
        return _HeldError(str(error))
    if state in _NOTHING_HAPPENED or state.startswith(_OUT_OF_RESOURCES):
        return StoreThrottledError(str(error))
    if state in _NOBODY_KNOWS or isinstance(error, psycopg.OperationalError):
        return StoreSilentError("the database did not answer")
    return error  # a malformed request is our bug, not a refusal


def _executed(connection: Connection, statement: Statement) -> psycopg.Cursor[tuple[Any, ...]]:
    # Only values of ours stand in the text: names that were looked at, and numbers of places.
    return connection.execute(statement.sql, statement.parameters)


def _columns(keys: Sequence[Key]) -> list[list[str]]:
    return [
        [key.table for key in keys],
        [spelled(key.pk) for key in keys],
        [spelled(key.sk) for key in keys],
    ]


def _reason(*, passed: bool, old: str | None) -> Reason:
    if passed:
        return Reason(ReasonCode.NONE)
    return Reason(ReasonCode.CONDITION, None if old is None else item_from_json(old))
