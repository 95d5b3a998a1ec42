"""`make lake-sql`: the numbered list in DuckDB. SQL="select …" asks once; without, it asks you.

The files are copied from the lake and their chain is checked before anything is believed.
"""

import os
import sys
import tempfile
from pathlib import Path

import duckdb

from chalicelib.ledger.segments import LakeBrokenError, ReadSegments
from chalicelib.storage.lake import Lake
from local.books import local_lake
from local.running import look_where_it_runs

_LOG = """
create view log as select position, event, about, "at", facts, entry, trace, day
from read_json('{folder}/log/**/*.jsonl', format = 'newline_delimited', hive_partitioning = true,
  columns = {{position: 'BIGINT', "row": 'VARCHAR', event: 'VARCHAR', about: 'VARCHAR',
             "at": 'TIMESTAMP', facts: 'JSON', entry: 'JSON', trace: 'VARCHAR'}})
"""
_ENTRIES = """
create view entries as
select position, entry->>'id' as id, entry->>'kind' as kind, entry->>'key' as key,
  (entry->>'posted_at')::timestamp as posted_at, entry->>'order_id' as order_id, day
from log where event is not null and json_type(entry) = 'OBJECT'
"""
_POSTINGS = """
create view postings as
select position, kind, posting->>'account' as account, posting->>'side' as side,
  (posting->'amount'->>'amount')::bigint as amount, posting->'amount'->>'currency' as currency, day
from (select position, entry->>'kind' as kind, day,
        unnest(json_extract(entry, '$.postings[*]')) as posting
      from log where json_type(entry) = 'OBJECT')
"""
_HINT = """three views: log, entries, postings. For instance

  select account, sum(case side when 'debit' then amount else -amount end) as fen
  from postings group by account order by account;

An empty line or Ctrl-D ends it."""


def main() -> int:
    """Copy, check, and answer."""
    print(f"the lake of {look_where_it_runs()}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        try:
            rows = copied(local_lake(), Path(folder))
        except LakeBrokenError as broken:
            print(f"the lake is broken: {broken.detail} {broken.facts}", file=sys.stderr)
            return 1
        if rows == 0:
            print("nothing is numbered yet", file=sys.stderr)
            return 0
        connection = opened(Path(folder))
        print(f"{rows} rows; the chain of files is whole", file=sys.stderr)
        if asked := os.environ.get("SQL"):
            return _answer(connection, asked)
        print(_HINT)
        return _converse(connection)


def copied(lake: Lake, folder: Path) -> int:
    """Copy the list's files, each checked; return how many rows they hold."""
    rows = 0
    for manifest, found in ReadSegments(lake).batches():
        path = folder / manifest.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lake.get(manifest.file))
        rows += len(found)
    return rows


def opened(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database with the three views."""
    connection = duckdb.connect()
    for view in (_LOG, _ENTRIES, _POSTINGS):
        connection.execute(view.format(folder=folder))
    return connection


def _answer(connection: duckdb.DuckDBPyConnection, asked: str) -> int:
    try:
        found = connection.sql(asked)
    except duckdb.Error as error:
        print(error, file=sys.stderr)
        return 1
    if found is not None:
        print(found)
    return 0


def _converse(connection: duckdb.DuckDBPyConnection) -> int:
    lines: list[str] = []
    while True:
        try:
            line = input("lake> " if not lines else "  ... ")
        except (EOFError, KeyboardInterrupt):
            return 0
        if not line.strip() and not lines:
            return 0
        lines.append(line)
        if line.rstrip().endswith(";"):
            _answer(connection, "\n".join(lines))
            lines = []


if __name__ == "__main__":
    sys.exit(main())
