"""The numbered list: no gap, no duplicate, and what follows it, on every engine."""

from collections.abc import Sequence
from datetime import date

import pytest

from chalicelib.kernel.ids import MerchantId
from chalicelib.kernel.money import CNY
from chalicelib.ledger import chart
from chalicelib.ledger.days import ClosedDays
from chalicelib.ledger.journal import balances
from chalicelib.ledger.logbook import OvertakenError
from chalicelib.ledger.numbered import Batch
from chalicelib.ledger.segments import LakeBrokenError, ReadSegments
from chalicelib.orders.model import Order
from chalicelib.storage import keys
from tests.fakes.house import House

DAY = 86_400


def purchase(house: House, merchant_id: MerchantId) -> Order:
    order = house.order_of(merchant_id)
    house.capture.capture(house.provider.pay(house.payment(order).id))
    return order


def positions(house: House) -> Sequence[int]:
    return [row.position for _, rows in ReadSegments(house.lake).batches() for row in rows]


def test_every_row_gets_one_position_and_leaves_the_outbox(house: House) -> None:
    merchant_id = house.merchant()
    for _ in range(3):
        purchase(house, merchant_id)
    waiting = len(house.rows())
    assert house.sequencer.run().rows == waiting
    assert house.rows() == []
    head = house.balances.head()
    assert (head.n, head.applied, head.stage) == (waiting, waiting, None)
    purchase(house, merchant_id)
    house.sequencer.run()
    assert positions(house) == list(range(1, house.balances.head().n + 1))
    assert house.balances.head().n == waiting + 4  # a product, an order, a payment, its capture


def test_rows_about_one_order_are_numbered_in_the_order_of_their_commits(
    quick_house: House,
) -> None:
    house = quick_house
    order = house.order()
    house.clock.move(seconds=0.01)
    payment = house.payment(order)
    house.clock.move(seconds=0.01)
    house.capture.capture(house.provider.pay(payment.id))
    house.sequencer.run()
    rows = [row.row for _, some in ReadSegments(house.lake).batches() for row in some]
    told = [row.kind for row in rows if order.id in {row.about, row.facts.get("order_id")}]
    captured = [row.kind for row in rows].index("payment.captured")
    assert told == ["order.placed", "payment.started"]
    assert [row.kind for row in rows].index("payment.started") < captured


def test_balances_are_the_sum_of_the_journal(house: House) -> None:
    merchant_id = house.merchant()
    for _ in range(2):
        purchase(house, merchant_id)
        house.sequencer.run()
    shown = house.read_books.of_merchant(merchant_id)
    assert (shown.held.amount, shown.available.amount, shown.in_payout.amount) == (7996, 0, 0)
    assert shown.position == house.balances.head().applied
    clearing = house.read_books.account("provider:wechatpay:clearing")
    (balance,) = clearing.balances
    assert (balance.on(clearing.side).amount, balance.credits) == (7996, 0)


def test_a_balance_is_known_at_every_position(house: House) -> None:
    merchant_id = house.merchant()
    for _ in range(3):
        purchase(house, merchant_id)
        purchase(house, merchant_id)
        house.sequencer.run()
        house.clock.move(seconds=2)
    account = chart.merchant_held(merchant_id)
    rows = [row for _, some in ReadSegments(house.lake).batches() for row in some]
    for position in range(len(rows) + 1):
        entries = [row.entry for row in rows[:position] if row.entry]
        expected = -balances(entries).get(account.name, {}).get(CNY, 0)
        assert house.balances.at(account.name, CNY, position).on(account.normal).amount == expected


def test_a_reader_that_dies_is_read_again_by_whoever_comes_next(house: House) -> None:
    merchant_id = house.merchant()
    order = purchase(house, merchant_id)
    died: list[int] = []

    class Dies:
        def read(self, batch: Batch) -> None:
            if not died:
                died.append(batch.end)
                raise ZeroDivisionError

    readers = house.sequencer.readers
    object.__setattr__(house.sequencer, "readers", [*readers, Dies()])
    with pytest.raises(ZeroDivisionError):
        house.sequencer.run()
    head = house.balances.head()
    assert head.applied == 0 < head.n
    assert house.read_books.of_merchant(merchant_id).held.amount == 0, "nothing is half-shown"
    house.sequencer.run()
    assert house.read_books.of_merchant(merchant_id).held.amount == order.total.amount
    assert house.rows() == []


def test_two_at_once_and_the_slower_begins_again(quick_house: House) -> None:
    house = quick_house
    purchase(house, house.merchant())
    logbook, head = house.logbook, house.logbook.head()
    rows, _ = logbook.waiting(a_shard=64)
    logbook.staged(head, rows[:-1])
    house.sequencer.run()
    with pytest.raises(OvertakenError):
        logbook.advance(head, head.evolve(n=len(rows), version=1))
    assert logbook.sweep_stages() == 1, "a stage that lost its race is swept away"
    assert house.memory.query(keys.LOG, keys.STAGES).rows == ()


def test_a_merchants_entries_newest_first_with_their_positions(house: House) -> None:
    merchant_id, other = house.merchant(), house.merchant()
    orders = [purchase(house, merchant_id) for _ in range(3)]
    purchase(house, other)
    house.sequencer.run()
    first, more = house.read_books.entries_of(merchant_id, before=None, limit=2)
    rest, end = house.read_books.entries_of(merchant_id, before=more, limit=2)
    found = [entry.order_id for _, entry in (*first, *rest)]
    assert sorted(found, key=str) == sorted((order.id for order in orders), key=str)
    listed = [position for position, _ in (*first, *rest)]
    assert listed == sorted(listed, reverse=True)
    assert end is None


def test_a_business_day_closes_at_a_position_and_balances_are_known_at_its_close(
    house: House,
) -> None:
    merchant_id = house.merchant()
    first = purchase(house, merchant_id)
    house.sequencer.run()
    at_close = house.balances.head().applied
    today = date(2026, 11, 24)
    assert ClosedDays(house.table).closed_at(today) is None
    house.clock.move(seconds=2 * DAY)
    purchase(house, merchant_id)
    house.sequencer.run()
    assert ClosedDays(house.table).closed_at(today) == at_close
    assert ClosedDays(house.table).closed_at(date(2026, 11, 25)) == at_close
    assert ClosedDays(house.table).closed_at(date(2026, 11, 26)) is None
    held = chart.merchant_held(merchant_id).name
    (balance,) = house.read_books.account(held, day=today).balances
    assert balance.credits == first.total.amount
    position, totals = house.read_books.platforms_day(today)
    assert (position, totals.payments_captured) == (at_close, 1)
    active, _ = house.read_books.active_on(date(2026, 11, 26), after=None, limit=10)
    assert active == [merchant_id]


def test_days_close_though_nothing_happens(quick_house: House) -> None:
    quick_house.merchant()
    quick_house.sequencer.run()
    quick_house.clock.move(seconds=200 * DAY)
    quick_house.sequencer.run()
    assert ClosedDays(quick_house.table).closed_at(date(2027, 6, 10)) == 1


def test_the_lake_shows_what_was_changed_or_is_missing(quick_house: House) -> None:
    house = quick_house
    for _ in range(3):
        purchase(house, house.merchant())
        house.sequencer.run()
        house.clock.move(seconds=2)
    names = sorted(house.lake.names("log/"))
    whole = dict(house.lake.files)
    house.lake.files[names[1]] = whole[names[1]].replace(b"3998", b"3999")
    with pytest.raises(LakeBrokenError):
        positions(house)
    house.lake.files = {name: body for name, body in whole.items() if name != names[1]}
    with pytest.raises(LakeBrokenError):
        positions(house)
    manifest = names[0].replace("log/", "manifest/").replace(".jsonl", ".json")
    house.lake.files = {name: body for name, body in whole.items() if name != manifest}
    with pytest.raises(LakeBrokenError):
        positions(house)


def test_rounds_are_not_more_than_one_a_second_unless_many_rows_wait(quick_house: House) -> None:
    house = quick_house
    house.merchant()
    house.sequencer.run()
    assert house.clock.pauses == []
    house.merchant()
    house.sequencer.run()
    assert house.clock.pauses == [1.0]
    merchant_id = house.merchant()
    for _ in range(300):
        house.product(merchant_id)
    house.clock.pauses.clear()
    object.__setattr__(house.sequencer, "rows_a_shard", 4)
    done = house.sequencer.run()
    assert done.rounds > 4
    assert len(house.clock.pauses) == 1
