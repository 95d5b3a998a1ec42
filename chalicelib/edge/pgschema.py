"""The queues' schema: procrastinate's own, whole on an empty database, else what is missing of it.

procrastinate keeps no list of what was applied, so that one is kept beside its tables.
"""

from importlib import resources

import psycopg
from procrastinate.schema import SchemaManager

_APPLIED = """
CREATE TABLE IF NOT EXISTS shoukuan_queue_migrations (
    name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
"""
_LOCK = 0x53484F55  # one migrates at a time


def create_queues(url: str) -> list[str]:
    """Bring the schema up to date, all or nothing; return what was applied."""
    files = resources.files("procrastinate.sql") / "migrations"
    known = sorted(file.name for file in files.iterdir() if file.name.endswith(".sql"))
    with psycopg.connect(url, connect_timeout=5) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute(_APPLIED)
        found = connection.execute("SELECT name FROM shoukuan_queue_migrations").fetchall()
        missing = [name for name in known if name not in {row[0] for row in found}]
        if not found:
            connection.execute(SchemaManager.get_schema())
        else:
            for name in missing:
                connection.execute((files / name).read_bytes())
        connection.cursor().executemany(
            "INSERT INTO shoukuan_queue_migrations (name) VALUES (%s)", [[name] for name in missing]
        )
    return missing
