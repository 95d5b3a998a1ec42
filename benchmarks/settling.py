"""Settling a merchant with more and more orders: how time and memory grow.

On the table in memory, so that the figures are our own code's; ratios in one run say how it grows.
"""

import os
import time
import tracemalloc
from datetime import date

from chalicelib.kernel.ids import MerchantId, OrderId
from chalicelib.kernel.money import fen
from chalicelib.ledger import postings
from chalicelib.ledger.days import business_day
from chalicelib.ledger.journal import entry_of
from chalicelib.orders.model import RELEASED
from chalicelib.storage import outbox
from tests.fakes.house import House
from tests.fakes.table import MemoryTable

SIZES = (1_000, 10_000, 100_000)
_PAGE = 1000


def measure() -> None:
    """Print how settling and the day's statement grow with the orders of the day."""
    print("\nSettling a merchant: one entry whatever the day was; its statement, page by page\n")
    print(f"  {'orders':>8} {'settle':>10} {'statement':>11} {'a line':>9} {'peak memory':>12}")
    for orders in SIZES:
        house, merchant_id, day = _day_of(orders)
        settle_ms = _settled(house, merchant_id, day)
        seconds, peak_kb = _read_through(house, merchant_id, day, orders)
        a_line = seconds * 1e6 / orders
        print(
            f"  {orders:8} {settle_ms:7.2f} ms {seconds:9.2f} s {a_line:6.1f} µs {peak_kb:9.0f} KB"
        )


def _day_of(orders: int) -> tuple[House, MerchantId, date]:
    """Return a house in which a merchant's orders were released on a day that is closed."""
    house = House(MemoryTable(), randomness=os.urandom)
    merchant_id, at = house.merchant(), house.clock.now()
    house.sequencer.run()
    for number in range(orders):
        order_id = OrderId.derive("settling", str(number))
        movement = postings.released(
            order_id, 1, merchant_id=merchant_id, amount=fen(1999), fee=fen(12)
        )
        row = outbox.row_put(
            outbox.new_row_id(at, os.urandom),
            outbox.shard_of(order_id),
            kind=RELEASED,
            about=order_id,
            at=at,
            facts={"merchant_id": merchant_id},
            entry=entry_of(movement, at=at).model_dump_json(),
        )
        house.memory.write_batch([row], [])
    house.sequencer.run(seconds=1e9)
    day = business_day(at)
    house.clock.move(seconds=86_400)
    house.sequencer.run()
    return house, merchant_id, day


def _settled(house: House, merchant_id: MerchantId, day: date) -> float:
    position = house.read_books.closed_at(day)
    began = time.perf_counter()
    house.settle_merchant.settle(merchant_id, day.isoformat(), position)
    return (time.perf_counter() - began) * 1000


def _read_through(
    house: House, merchant_id: MerchantId, day: date, orders: int
) -> tuple[float, float]:
    """Read the whole statement in pages; return the seconds, and the most memory it held."""
    began, lines = time.perf_counter(), 0
    after: str | None = None
    tracemalloc.start()
    while True:
        page = house.read_books.statement(merchant_id, day, after=after, limit=_PAGE)
        lines += len(page.lines)
        after = page.ended
        if after is None:
            break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines == orders, "a line for every order"
    return time.perf_counter() - began, peak / 1024
