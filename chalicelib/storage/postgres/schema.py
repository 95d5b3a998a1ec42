"""The schema, in numbered steps. Each is taken once, whoever comes first; two at once are harmless.

What keeps two apart is the row of a step: the second to insert it waits for the first, and then
finds the step taken. No lock is used that distributed PostgreSQLs lack.
"""

import psycopg
from psycopg import errors

_ATTEMPTS_MAX = 20

STEPS: tuple[tuple[str, ...], ...] = (
    (
        # Byte order, as in DynamoDB. Room for one more version on a row's page: an update that
        # finds it there touches no index.
        """CREATE TABLE shoukuan.items (
            tbl text COLLATE "C" NOT NULL,
            pk text COLLATE "C" NOT NULL,
            sk text COLLATE "C" NOT NULL,
            body jsonb,
            PRIMARY KEY (tbl, pk, sk)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02,
            autovacuum_analyze_scale_factor = 0.02)""",
        """CREATE TABLE shoukuan.commits (
            token text COLLATE "C" PRIMARY KEY,
            digest text NOT NULL,
            attempt text NOT NULL,
            born bigint[] NOT NULL,
            at timestamptz NOT NULL DEFAULT now()
        ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05)""",
    ),
)
"""Steps are appended, never changed: a database has some of them behind it."""

VERSION = len(STEPS)

_BEGINNING = (
    "CREATE SCHEMA IF NOT EXISTS shoukuan",
    """CREATE TABLE IF NOT EXISTS shoukuan.steps (
        version int PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now()
    )""",
)
_ANOTHER_WAS_FASTER = (
    errors.UniqueViolation,  # `IF NOT EXISTS` looks before it leaps, and not again
    errors.DuplicateTable,
    errors.DuplicateSchema,
    errors.DuplicateObject,  # a table's row type
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.InternalError_,  # a tuple of the catalogue was changed by two at once
)


class SchemaError(RuntimeError):
    """The database can't carry the schema; the sentence says why."""


def create_schema(url: str) -> None:
    """Take every step that was not taken yet; safe to repeat, and by two at once."""
    with psycopg.connect(url, autocommit=True) as connection:
        _assert_utf8(connection)
        _begun(connection)
        for version, statements in enumerate(STEPS, start=1):
            with connection.transaction():
                if _first_to(connection, version):
                    for statement in statements:
                        connection.execute(statement.encode())


def schema_version(url: str) -> int:
    """Return how many steps were taken; 0 where there is no schema."""
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            row = connection.execute("SELECT max(version) FROM shoukuan.steps").fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return 0
    return int(row[0] or 0) if row else 0


def _assert_utf8(connection: psycopg.Connection) -> None:
    row = connection.execute("SHOW server_encoding").fetchone()
    if row is None or str(row[0]).replace("-", "").upper() != "UTF8":
        raise SchemaError("the database must be made with ENCODING 'UTF8'")


def _begun(connection: psycopg.Connection) -> None:
    for statement in _BEGINNING:
        for attempt in range(_ATTEMPTS_MAX):
            try:
                connection.execute(statement.encode())
                break
            except _ANOTHER_WAS_FASTER:
                if attempt == _ATTEMPTS_MAX - 1:
                    raise


def _first_to(connection: psycopg.Connection, version: int) -> bool:
    cursor = connection.execute(
        "INSERT INTO shoukuan.steps (version) VALUES (%s) ON CONFLICT DO NOTHING", (version,)
    )
    return cursor.rowcount == 1
