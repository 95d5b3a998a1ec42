"""`python -m server work`: queues and the sequencer's bell; as many at once as one likes.

On SIGTERM nothing new is taken, and what is at hand is finished within DRAIN_SECONDS; what is not
comes again elsewhere.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence

from chalice.app import Chalice

from chalicelib.edge import observe
from chalicelib.settings import settings
from server.knobs import Knobs, knobs
from server.logs import listen
from server.probes import Readiness, outside_checks, probe_server
from server.sources import Bell, Consumer, bells_of, sources_of
from server.watch import Watch

_RING_SECONDS = 1.0


class Worker:
    """The queues and streams of one application."""

    def __init__(self, consumer: Consumer, bells: Sequence[Bell], watch: Watch) -> None:
        self.consumer = consumer
        self.bells = bells
        self._watch = watch
        self._stopping = threading.Event()
        self._ringers = [
            threading.Thread(target=self._ring, args=(bell,), daemon=True) for bell in bells
        ]

    def start(self) -> None:
        """Begin to work."""
        self.consumer.start()
        for ringer in self._ringers:
            ringer.start()

    def stop(self, *, within_seconds: float) -> bool:
        """Finish what is at hand; tell whether it was."""
        self._stopping.set()
        self.consumer.stop()
        deadline = time.monotonic() + within_seconds
        while not (ended := self._ended()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return ended

    def alive(self) -> bool:
        """Tell whether everybody is at work, and nobody hangs."""
        ringing = all(ringer.is_alive() for ringer in self._ringers)
        return ringing and not self.consumer.ended() and not self._watch.hangs()

    def _ended(self) -> bool:
        return self.consumer.ended() and not any(ringer.is_alive() for ringer in self._ringers)

    def _ring(self, bell: Bell) -> None:
        while not self._stopping.wait(_RING_SECONDS):
            try:
                with self._watch.handling():
                    bell.ring()
            except Exception as error:  # noqa: BLE001  as a stream: what was not taken comes again
                observe.mishap("the sequencer's bell failed and is rung again", error)


def worker_of(app: Chalice, told: Knobs) -> Worker:
    """Return who works for an application, on the queues that the settings choose."""
    watch = Watch(told.handling_seconds_max)
    return Worker(_consumer(app, told, watch), bells_of(app), watch)


def main() -> int:
    """Work until SIGTERM."""
    from app import app  # noqa: PLC0415  read the environment only when working

    listen()
    told, ending = knobs(), threading.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        signal.signal(word, lambda *_: ending.set())
    worker, readiness = worker_of(app, told), Readiness(outside_checks())
    probes = probe_server(told.host, told.port, alive=worker.alive, readiness=readiness)
    worker.start()
    threading.Thread(target=probes.serve_forever, args=(0.1,), daemon=True).start()
    observe.note("working", port=told.port)
    ending.wait()
    readiness.draining = True
    finished = worker.stop(within_seconds=told.drain_seconds)
    observe.note("worked", finished=finished)
    if not finished:
        os._exit(1)  # a thread that hangs can't be ended otherwise; its message comes again
    probes.shutdown()
    return 0


def _consumer(app: Chalice, told: Knobs, watch: Watch) -> Consumer:
    sources, url = sources_of(app), settings().storage_url
    if url is None:
        from server.sqs import SqsConsumer, receiving_client  # noqa: PLC0415  one of two

        return SqsConsumer(receiving_client(), sources, watch)
    from chalicelib import outside  # noqa: PLC0415
    from server.postgres import PostgresConsumer  # noqa: PLC0415

    return PostgresConsumer(
        outside.secret(url),
        sources,
        watch,
        at_once=told.messages_at_once,
        lease_seconds=told.message_lease_seconds,
    )
