"""The books, read from the database itself: what the demo prints and a test compares."""

from chalicelib.ledger.journal import JournalEntry
from chalicelib.storage import keys, outbox
from chalicelib.storage.dynamo import DynamoTable, dynamodb_client
from chalicelib.storage.outbox import OutboxRow
from chalicelib.storage.table import Table

_NAMES = {keys.MAIN: "shoukuan-local-main", keys.LOG: "shoukuan-local-log"}


def local_table() -> DynamoTable:
    """Return the tables of a local stack; its address comes by environment."""
    return DynamoTable(dynamodb_client(connect=5, read=20), _NAMES)


def outbox_rows(table: Table) -> list[OutboxRow]:
    """Return every outbox row in the order of time."""
    found = [
        row for shard in range(keys.OUTBOX_SHARDS) for row in outbox.rows(table, shard, until="~")
    ]
    return sorted(found, key=lambda row: row.key.sk)


def entries(rows: list[OutboxRow]) -> list[JournalEntry]:
    """Return the journal entries that rows carry."""
    return [JournalEntry.model_validate_json(row.entry) for row in rows if row.entry]
