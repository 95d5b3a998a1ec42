"""`python -m server tick`: keep time. `tick --once`: run what is due and end, for a CronJob.

`tick --once sweep_refunds …` runs those now, due or not.
"""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chalicelib.edge import observe
from chalicelib.kernel.clock import instant_from
from chalicelib.kernel.errors import TryAgainError
from chalicelib.settings import settings
from server.knobs import knobs
from server.logs import listen
from server.probes import Readiness, outside_checks, probe_server
from server.schedules import Schedule, schedules_of
from server.turns import Turn, Turns
from server.watch import Watch

_LOOK_AGAIN = timedelta(minutes=1)  # at least so often, should the turns be changed by a hand
_PAUSE_SECONDS = 1.0


class Ticker:
    """Runs each schedule in a thread of its own: one that takes long delays no other."""

    def __init__(
        self,
        schedules: Sequence[Schedule],
        turns: Turns,
        now: Callable[[], datetime],
        watch: Watch,
    ) -> None:
        self._schedules = schedules
        self._turns = turns
        self._now = now
        self._watch = watch
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_time, args=(schedule,), daemon=True)
            for schedule in schedules
        ]

    def start(self) -> None:
        """Begin to keep time."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, within_seconds: float) -> bool:
        """Begin nothing more; tell whether what was at hand was finished."""
        self._stopping.set()
        deadline = time.monotonic() + within_seconds
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def alive(self) -> bool:
        """Tell whether every schedule is kept, and none hangs."""
        return all(thread.is_alive() for thread in self._threads) and not self._watch.hangs()

    def once(self, named: Sequence[str] = ()) -> bool:
        """Run what is due, or what is named; tell whether all came to their end."""
        if named:
            chosen = [schedule for schedule in self._schedules if schedule.name in named]
            done = [self._ran(schedule) for schedule in chosen]
        else:
            done = [self._in_turn(schedule)[0] for schedule in self._schedules]
        return all(done)

    def _keep_time(self, schedule: Schedule) -> None:
        look_at = self._now()
        while not self._stopping.wait(_PAUSE_SECONDS):
            if look_at - _LOOK_AGAIN <= self._now() < look_at:  # else due, or time was turned back
                continue
            look_at = min(self._in_turn(schedule)[1], self._now() + _LOOK_AGAIN)

    def _in_turn(self, schedule: Schedule) -> tuple[bool, datetime]:
        """Run a schedule if it is due; tell whether all is well, and when to look again."""
        now = self._now()
        try:
            turn = self._turns.take(schedule, now)
            if not isinstance(turn, Turn):
                return True, turn
            done = self._ran(schedule)
            if done:
                self._turns.over(schedule, turn)
        except TryAgainError as error:
            observe.mishap("a turn can't be taken for the moment", error)
            return False, now
        return done, now + schedule.every if done else instant_from(turn.until)

    def _ran(self, schedule: Schedule) -> bool:
        try:
            with self._watch.handling():
                schedule.run(self._now())
        except Exception as error:  # noqa: BLE001  as EventBridge: it comes again all the same
            observe.mishap("a schedule failed and comes again", error, schedule=schedule.name)
            return False
        return True


def main(*, once: bool, named: Sequence[str]) -> int:
    """Keep time until SIGTERM, or run once."""
    from app import app  # noqa: PLC0415  read the environment only when working
    from chalicelib import outside  # noqa: PLC0415

    settings()
    listen()
    schedules = schedules_of(app)
    if strange := sorted(set(named) - {schedule.name for schedule in schedules}):
        observe.note("no such schedule", named=strange)
        return 2
    watch = Watch(knobs().handling_seconds_max)
    ticker = Ticker(schedules, Turns(outside.table()), outside.clock().now, watch)
    if once or named:
        return 0 if ticker.once(named) else 1
    return _kept(ticker)


def _kept(ticker: Ticker) -> int:
    told, ending = knobs(), threading.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        signal.signal(word, lambda *_: ending.set())
    readiness = Readiness(outside_checks())
    probes = probe_server(told.host, told.port, alive=ticker.alive, readiness=readiness)
    ticker.start()
    threading.Thread(target=probes.serve_forever, args=(0.1,), daemon=True).start()
    observe.note("keeping time", port=told.port)
    ending.wait()
    readiness.draining = True
    finished = ticker.stop(within_seconds=told.drain_seconds)
    observe.note("kept time", finished=finished)
    probes.shutdown()
    return 0 if finished else 1  # what was not finished is due again when its lease ends
