"""The receiving side of PostgreSQL's queues: procrastinate's workers, one a queue.

    taken    a row is `doing`, under a worker that shows a sign of life every third of the lease
    handled  the row is gone
    failed   `todo` again after a while; after its last try it lies in the queue of dead letters
    killed   the worker's last sign is older than the lease: whoever looks first puts it back
    lost     `doing` under a living worker that has nothing of it at hand (an answer was lost):
             that worker puts it back itself, when it has seen so twice

A message that was put back counts as received: one that kills its worker is dead in the end.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.jobs import Job
from procrastinate.worker import Worker
from typing_extensions import override

from chalicelib.edge import observe
from chalicelib.edge.pgqueue import (
    RECEIVES_MAX,
    TASK,
    PostgresQueue,
    backoff_seconds,
    connect,
    dead_letters_of,
)
from server.sources import Source, failed_of, record
from server.watch import Watch

LEASE_SECONDS = 30.0
_POLL_SECONDS = 1.0  # a message that comes again, or is redriven, rings no bell
_PAUSE_SECONDS = 1.0
_CONNECTIONS_MAX = 8

# In one statement each: whoever holds the row decides, and who comes second finds it changed.
_PUT_BACK = """
UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = now(),
    queue_name = CASE WHEN attempts + 1 >= %(most)s THEN queue_name || '-dead' ELSE queue_name END
WHERE status = 'doing' AND queue_name = ANY(%(queues)s::text[]) AND (
    worker_id IS NULL
    OR worker_id IN (SELECT id FROM procrastinate_workers
        WHERE last_heartbeat < now() - make_interval(secs => %(lease)s))
    OR (worker_id = ANY(%(mine)s::bigint[]) AND id = ANY(%(lost)s::bigint[])))
RETURNING id
"""
_HELD = """
SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = ANY(%(mine)s::bigint[])
"""


class FailedError(Exception):
    """The handler wants the message to come again."""


class ComeAgain(BaseRetryStrategy):
    """A message that failed comes again later, and is dead after its last try."""

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        """Decide when and where the message is next."""
        receives = job.attempts + 1
        if receives >= RECEIVES_MAX:
            return RetryDecision(queue=dead_letters_of(job.queue))
        return RetryDecision(retry_in={"seconds": backoff_seconds(receives)})


class PostgresConsumer:
    """All queues of one application, on an event loop in a thread of its own."""

    def __init__(
        self,
        url: str,
        sources: Sequence[Source],
        watch: Watch,
        *,
        at_once: int,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._url = url
        self._sources = {source.queue: source for source in sources}
        self._watch = watch
        self._at_once = at_once
        self._lease = lease_seconds
        self._door = connect(url)
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._workers: dict[str, Worker] = {}
        self._at_hand: set[int] = set()
        self._missed: set[int] = set()

    def start(self) -> None:
        """Begin to take messages."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more; messages at hand are finished."""

        def stop() -> None:
            self._stopping.set()
            for worker in self._workers.values():
                worker.stop()

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(stop)

    def ended(self) -> bool:
        """Tell whether nothing is at hand any more and nobody takes messages."""
        return not self._thread.is_alive()

    def waiting(self) -> int:
        """Return how many messages are there or under way; delayed ones are not due yet."""
        return sum(PostgresQueue(self._door, queue).count() for queue in self._sources)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        threads = len(self._sources) * self._at_once
        self._loop.set_default_executor(ThreadPoolExecutor(threads, "message"))
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        """Take messages of every queue, and look after what was left; begin again what breaks."""
        connector = PsycopgConnector(
            conninfo=self._url,
            min_size=0,
            max_size=_CONNECTIONS_MAX,
            kwargs={"connect_timeout": 2, "prepare_threshold": None},
        )
        app = App(connector=connector)
        app.task(name=TASK, pass_context=True, retry=ComeAgain())(self._handle)
        async with app.open_async():
            takers = [self._again(app, self._take, queue) for queue in self._sources]
            await asyncio.gather(*takers, self._again(app, self._look, ""))

    async def _again(
        self, app: App, work: Callable[[App, str], Coroutine[Any, Any, None]], queue: str
    ) -> None:
        while not self._stopping.is_set():
            try:
                await work(app, queue)
            except Exception as error:  # noqa: BLE001  the database may be away for a moment
                observe.mishap("queues can't be read for the moment", error)
            if not self._stopping.is_set():
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _take(self, app: App, queue: str) -> None:
        """Take one queue's messages until told to stop, or until the database is away."""
        worker = self._workers[queue] = Worker(
            app,
            queues=[queue],
            name=queue,
            concurrency=self._at_once,
            fetch_job_polling_interval=_POLL_SECONDS,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=self._lease / 3,
            stalled_worker_timeout=self._lease,
        )
        await worker.run()

    async def _look(self, app: App, _all: str) -> None:
        """Put back what was left by others that ended, and by ourselves."""
        while not self._stopping.is_set():
            mine = [worker.worker_id for worker in self._workers.values() if worker.worker_id]
            held = await app.connector.execute_query_all_async(_HELD, mine=mine)
            missed = {int(row["id"]) for row in held} - self._at_hand
            lost, self._missed = missed & self._missed, missed
            put_back = await app.connector.execute_query_all_async(
                _PUT_BACK,
                most=RECEIVES_MAX,
                queues=list(self._sources),
                lease=self._lease,
                mine=mine,
                lost=sorted(lost),
            )
            if put_back:
                observe.note("messages that were left come again", messages=len(put_back))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._lease / 3)

    def _handle(self, context: JobContext, *, body: str, sent: int) -> None:
        """Hand one message to its handler, in a thread."""
        job = context.job
        assert job.id is not None
        message = record(
            job.queue,
            body,
            message_id=str(job.id),
            receipt=str(job.id),
            attributes={
                "ApproximateReceiveCount": str(job.attempts + 1),
                "SentTimestamp": str(sent),
            },
        )
        self._at_hand.add(job.id)
        try:
            with self._watch.handling():
                if failed_of(self._sources[job.queue].handler, [message]):
                    raise FailedError
        finally:
            self._at_hand.discard(job.id)
