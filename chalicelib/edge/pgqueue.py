"""Queues on PostgreSQL, by procrastinate: a job is a message, a row until it was handled.

Only where `STORAGE_URL` names a PostgreSQL; Lambda's zip does not contain what is imported here.
A dead letter is a job in a queue of its own, `<queue>-dead`, from which nobody takes.
`server/postgres.py` is the receiving side.

Three statements speak to procrastinate's table themselves, since its own calls look first and
write later: what is looked at could be somebody else's by then. Its version is pinned.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException

from chalicelib.edge.queue import Message, QueueUnavailableError, signed
from chalicelib.kernel.clock import SystemClock, milliseconds

TASK = "shoukuan.message"
RECEIVES_MAX = 8
"""A message that was received so often is dead; `.chalice/resources.json` says the same of SQS."""

_clock = SystemClock()
_CONNECT_SECONDS = 2
_WAIT_SECONDS = 2.0
_CONNECTIONS_MAX = 4
_BACKOFF_SECONDS_MAX = 30

# Delayed messages are not due yet; one that failed lies here while it waits, as on SQS.
_COUNT = """
SELECT count(*) AS count FROM procrastinate_jobs
WHERE queue_name = %(queue)s AND (status = 'doing' OR (status = 'todo' AND (
    attempts > 0 OR scheduled_at IS NULL OR scheduled_at <= now())))
"""
_REDRIVE = """
UPDATE procrastinate_jobs SET queue_name = %(queue)s, attempts = 0, scheduled_at = NULL
WHERE queue_name = %(dead)s AND status = 'todo' RETURNING id
"""


def dead_letters_of(queue: str) -> str:
    """Name the queue of a queue's dead letters."""
    return f"{queue}-dead"


def backoff_seconds(receives: int) -> int:
    """Return how long a message waits that failed for the so-manieth time."""
    return min(1 << min(receives - 1, 5), _BACKOFF_SECONDS_MAX)


def connect(url: str) -> App:
    """Return a door to the queues of a database; nothing is asked of it before the first call."""
    connector = SyncPsycopgConnector(
        conninfo=url,
        min_size=0,
        max_size=_CONNECTIONS_MAX,
        timeout=_WAIT_SECONDS,
        # A pooler between may hand each transaction another session: nothing is prepared.
        kwargs={"connect_timeout": _CONNECT_SECONDS, "prepare_threshold": None},
    )
    app = App(connector=connector)
    app.open()
    return app


class PostgresQueue:
    """A queue in a table."""

    def __init__(self, app: App, name: str) -> None:
        self._app = app
        self._name = name

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        """Hand a message over, or raise `QueueUnavailableError`."""
        with _refusals("the queue did not take it; try again"):
            delay = {"seconds": delay_seconds} if delay_seconds else None
            door = self._app.configure_task(TASK, queue=self._name, schedule_in=delay)
            door.defer(**_written(signed(message, delay_seconds)))

    def send_many(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Hand messages over, all or none; raise `QueueUnavailableError` if none were taken."""
        if not messages:
            return
        with _refusals("the queue did not take them; try again"):
            door = self._app.configure_task(TASK, queue=self._name)
            door.batch_defer(*(_written(signed(message)) for message in messages))

    def count(self) -> int:
        """Return how many messages lie here, or raise `QueueUnavailableError`."""
        with _refusals("the queue can't be asked"):
            row = self._app.connector.get_sync_connector().execute_query_one(
                _COUNT, queue=self._name
            )
            return int(row["count"])

    def redrive(self) -> int:
        """Give dead letters another chance, each as if it was new; return how many there were."""
        with _refusals("the queue can't be asked"):
            rows = self._app.connector.get_sync_connector().execute_query_all(
                _REDRIVE, queue=self._name, dead=dead_letters_of(self._name)
            )
            return len(rows)


def _written(message: Mapping[str, Any]) -> dict[str, Any]:
    """Spell a message as text: PostgreSQL's own JSON knows no NUL and would turn numbers.

    `sent` is SQS's `SentTimestamp`, which a job has nowhere else: milliseconds.
    """
    return {"body": json.dumps(message), "sent": milliseconds(_clock.protocol_now())}


@contextmanager
def _refusals(says: str) -> Iterator[None]:
    try:
        yield
    except (ConnectorException, psycopg.Error) as error:
        raise QueueUnavailableError(says) from error
