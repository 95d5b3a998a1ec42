"""The books, read from the database and the lake themselves: what tests compare."""

import os

from chalicelib.ledger.journal import JournalEntry
from chalicelib.ledger.segments import ReadSegments
from chalicelib.storage import keys, outbox
from chalicelib.storage.dynamo import DynamoTable, dynamodb_client
from chalicelib.storage.lake import Lake, S3Lake, s3_client
from chalicelib.storage.outbox import OutboxRow
from chalicelib.storage.secrets import revealed
from chalicelib.storage.table import Table


def local_table(*, patience: int = 20) -> Table:
    """Return the tables of a local stack, unless the environment names others.

    `patience` is how many seconds an answer may take.
    """
    if url := os.environ.get("STORAGE_URL"):
        from chalicelib.storage.postgres.table import PostgresTable  # noqa: PLC0415

        return PostgresTable(revealed(url), connect=min(patience, 5), read=patience)
    names = {
        keys.MAIN: os.environ.get("MAIN_TABLE", "shoukuan-local-main"),
        keys.LOG: os.environ.get("LOG_TABLE", "shoukuan-local-log"),
    }
    return DynamoTable(dynamodb_client(connect=min(patience, 5), read=patience), names)


def local_lake() -> S3Lake:
    """Return the lake of a local stack, unless the environment names another."""
    return S3Lake(s3_client(), os.environ.get("LAKE_BUCKET", "shoukuan-local-lake"))


def outbox_rows(table: Table) -> list[OutboxRow]:
    """Return the rows that wait in the outbox, in the order of time."""
    found = [row for shard in range(keys.OUTBOX_SHARDS) for row in outbox.rows(table, shard)]
    return sorted(found, key=lambda row: row.key.sk)


def all_rows(table: Table, lake: Lake) -> list[OutboxRow]:
    """Return the rows of every commit, numbered or not.

    The outbox is read first: a row leaves it only when it is in the lake.
    """
    found = {row.key: row for row in outbox_rows(table)}
    for _, rows in ReadSegments(lake).batches():
        found |= {numbered.row.key: numbered.row for numbered in rows}
    return sorted(found.values(), key=lambda row: row.key.sk)


def entries(rows: list[OutboxRow]) -> list[JournalEntry]:
    """Return the journal entries that rows carry."""
    return [JournalEntry.model_validate_json(row.entry) for row in rows if row.entry]
