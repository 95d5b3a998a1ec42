"""The sequencer: rows a second, its own CPU, how it grows, how far behind it is, and a rebuild.

Everything on the embedded AWS of this machine, which is not DynamoDB: what may be compared is one
line with another of the same run.
"""

import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks import synthetic
from chalicelib.books.usecases import Rebuild, followers
from chalicelib.edge.queue import SqsQueue, sqs_client
from chalicelib.kernel.clock import SystemClock
from chalicelib.ledger.balances import Balances
from chalicelib.ledger.logbook import Logbook, Rows
from chalicelib.ledger.numbered import Batch
from chalicelib.ledger.segments import ReadSegments
from chalicelib.ledger.sequencer import Sequencer
from chalicelib.orders.store import OrderStore
from chalicelib.providers.port import Collected
from chalicelib.storage.batches import Batches
from chalicelib.storage.commit import Commits
from chalicelib.storage.dynamo import DynamoTable, dynamodb_client
from local.books import local_lake
from local.emulator import Emulator
from local.resources import create_resources
from tests.fakes.house import House

CPU_MS_AIM = 200
VISIBLE_SECONDS_AIM = (1.5, 5.0)
_PAYMENTS, _A_SECOND = 600, 30
_SIZES = (334, 3_334, 33_334)  # orders: 10³, 10⁴ and 10⁵ rows
_NAMES = {"main": "shoukuan-local-main", "log": "shoukuan-local-log"}


@dataclass
class Bench:
    """The sequencer and its readers on an embedded AWS of their own."""

    def __post_init__(self) -> None:
        self.table = DynamoTable(dynamodb_client(connect=5, read=60), _NAMES)
        self.commits = Commits(self.table, SystemClock(), time.sleep, os.urandom)
        self.batches = Batches(self.table, self.commits)
        self.lake = local_lake()
        events = SqsQueue(sqs_client(), "shoukuan-local-events")
        self.seen = Seen()
        readers = followers(self.batches, lake=self.lake, send=events.send_many)
        pool = ThreadPoolExecutor(16)

        def at_once(calls: Sequence[Callable[[], Rows]]) -> Sequence[Rows]:
            return list(pool.map(lambda call: call(), calls))

        logbook = Logbook(self.table, self.commits, self.batches, at_once)
        self.sequencer = Sequencer(logbook, [*readers, self.seen], SystemClock(), time.sleep)
        self.balances = Balances(self.table)
        self.rebuild = Rebuild(
            ReadSegments(self.lake), self.batches, self.balances, OrderStore(self.table)
        )

    def drain(self) -> tuple[int, float, float]:
        """Let it number all that waits; return rows, seconds, and this process's CPU seconds."""
        began, cpu = time.perf_counter(), time.process_time()
        done = self.sequencer.run(seconds=3600)
        return done.rows, time.perf_counter() - began, time.process_time() - cpu


@dataclass
class Seen:
    """A reader that notes at which position each row stands."""

    positions: dict[str, int] = field(default_factory=dict)

    def read(self, batch: Batch) -> None:
        """Note a batch."""
        self.positions |= {numbered.row.about: numbered.position for numbered in batch.rows}


def measure(orders: int) -> None:
    """Print all figures; `orders` is how far it grows."""
    with Emulator() as aws:
        os.environ["AWS_ENDPOINT_URL"] = aws.url
        create_resources(aws.url)
        bench = Bench()
        _print_behind(bench)
        _print_growth(bench, orders)
        _print_rebuild(bench)


def _print_behind(bench: Bench) -> None:
    """Commit captures at a steady rate, and see when each is in balances and lists."""
    house = House(bench.table, randomness=os.urandom)
    merchant_id = house.merchant()
    words = [
        house.provider.pay(house.payment(house.order_of(merchant_id)).id) for _ in range(_PAYMENTS)
    ]
    rows, seconds, cpu = bench.drain()
    print(f"\nThe sequencer, on the embedded AWS; {rows} rows of orders and payments that begin")
    print(f"  {rows / seconds:7.0f} rows a second, {cpu / rows * 1e6:.0f} ms of CPU for 1,000 rows")
    committed: dict[str, float] = {}
    visible: dict[int, float] = {}
    stop = threading.Event()
    threads = [
        threading.Thread(target=_ring, args=(bench, stop)),
        threading.Thread(target=_watch, args=(bench, visible, stop)),
    ]
    for thread in threads:
        thread.start()
    _commit_steadily(house, words, committed)
    time.sleep(4)
    stop.set()
    for thread in threads:
        thread.join()
    applied = sorted(visible)
    waits = sorted(
        visible[next(n for n in applied if n >= bench.seen.positions[number])] - at
        for number, at in committed.items()
    )
    p50, p99 = statistics.median(waits), waits[len(waits) * 99 // 100]
    aims = f"aims {VISIBLE_SECONDS_AIM[0]} s and {VISIBLE_SECONDS_AIM[1]} s"
    print(f"  commit to visible at {_A_SECOND} payments a second, {len(waits)} of them:")
    print(f"    median {p50:.2f} s, 99th percentile {p99:.2f} s ({aims})")


def _commit_steadily(house: House, words: Sequence[Collected], committed: dict[str, float]) -> None:
    began = time.monotonic()
    for number, word in enumerate(words):
        time.sleep(max(0.0, began + number / _A_SECOND - time.monotonic()))
        house.capture.capture(word)
        committed[word.number] = time.monotonic()


def _ring(bench: Bench, stop: threading.Event) -> None:
    """Ring once a second, as the runner does."""
    while not stop.wait(1.0):
        bench.sequencer.run(seconds=20)


def _watch(bench: Bench, visible: dict[int, float], stop: threading.Event) -> None:
    while not stop.wait(0.02):
        visible.setdefault(bench.balances.position(), time.monotonic())


def _print_growth(bench: Bench, most: int) -> None:
    """Let it number more and more orders, each placed, started and paid: three rows."""
    print("\n  rows numbered   rows/s   CPU ms for 1,000 rows   of the first line")
    first: float | None = None
    done = 0
    for size in sorted({*_SIZES, most}):
        if size > most:
            break
        synthetic.write(bench.batches, "growth", range(done, size))
        rows, seconds, cpu = bench.drain()
        milliseconds = cpu / rows * 1e6
        first = first or milliseconds
        print(
            f"  {size * synthetic.ROWS_AN_ORDER:13,} {rows / seconds:8.0f} {milliseconds:23.0f}"
            f" {milliseconds / first:14.2f} x   (aim at most {CPU_MS_AIM})"
        )
        done = size


def _print_rebuild(bench: Bench) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    rebuilt = bench.rebuild.compare()
    seconds = time.perf_counter() - began
    print(
        f"\n  rebuild: {rebuilt.position:,} rows with {rebuilt.entries:,} entries, "
        f"{len(rebuilt.balances)} balances, {len(rebuilt.orders):,} orders in {seconds:.1f} s"
        f" ({time.process_time() - cpu:.1f} s of CPU): {len(rebuilt.differences)} differences"
    )
    for difference in rebuilt.differences[:5]:
        print(f"    {difference}")
    assert not rebuilt.differences, "the books are not what the list says"
