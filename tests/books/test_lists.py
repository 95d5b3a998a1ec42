"""A page costs one query however long the list is; totals, and what a rebuild finds."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from typing_extensions import override

from chalicelib.kernel.clock import instant_text
from chalicelib.kernel.ids import MerchantId, OrderId
from chalicelib.ledger.segments import LakeBrokenError
from chalicelib.orders.model import OrderState
from chalicelib.providers.port import ProviderRejectedError
from chalicelib.storage import keys
from chalicelib.storage.table import Page, Put
from chalicelib.storage.values import Item, Key
from tests.fakes.clock import START
from tests.fakes.house import House
from tests.fakes.table import MemoryTable
from tests.ledger.test_sequencer import purchase


class Counting(MemoryTable):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    @override
    def get(self, key: Key) -> Item | None:
        self.asked.append("get")
        return super().get(key)

    @override
    def get_many(self, keys: Sequence[Key]) -> Any:
        self.asked.append("get_many")
        return super().get_many(keys)

    @override
    def query(self, table: str, pk: str, **bounds: Any) -> Page:
        self.asked.append("query")
        return super().query(table, pk, **bounds)


def long_house(length: int) -> tuple[House, MerchantId]:
    """Return a house in which a merchant has lists of this length."""
    house = House(Counting())
    merchant_id = house.merchant()
    order = purchase(house, merchant_id)
    house.sequencer.run()
    entry = house.memory.query(keys.LOG, keys.entries_of(merchant_id)).rows[0][1]
    lines = house.memory.query(keys.MAIN, order.member_id, between=("order/", "order/~"))
    head = house.memory.items[keys.order(order.id)]
    puts: list[Put] = []
    for number in range(length):
        order_id, at = OrderId.derive(str(number)), instant_text(START)
        everywhere = Key(keys.LOG, keys.orders_of(merchant_id, None), f"{at}/{order_id}")
        item: Item = {"member": order.member_id, "state": "paid"}
        here = Key(keys.LOG, keys.orders_of(merchant_id, "paid"), everywhere.sk)
        puts += [
            Put(keys.entry_of(merchant_id, 1000 + number), entry),
            Put(everywhere, item),
            Put(here, item),
            Put(keys.order(order_id), head),
            Put(keys.order_lines(order.member_id, at, order_id), lines.rows[0][1]),
            Put(keys.totals(merchant_id, f"{2100 + number}-01-01"), {"through": 1}),
            Put(Key(keys.LOG, keys.active_on("2026-11-24"), f"mer_{number:026d}"), {}),
        ]
    for put in puts:
        house.memory.write_batch([put], [])
    return house, merchant_id


@pytest.mark.parametrize("length", [10, 10_000])
def test_a_page_costs_one_query_however_long_the_list_is(length: int) -> None:
    house, merchant_id = long_house(length)
    asked = house.memory.asked  # type: ignore[attr-defined]
    books, orders = house.read_books, house.read_orders

    def cost(page: Any) -> list[str]:
        assert len(page()[0]) == 10
        took = list(asked)
        asked.clear()
        return took

    asked.clear()
    assert cost(lambda: books.entries_of(merchant_id, before=None, limit=10)) == ["query"]
    assert cost(lambda: books.days_of(merchant_id, before=None, limit=10)) == ["query"]
    day = date(2026, 11, 24)
    assert cost(lambda: books.active_on(day, after=None, limit=10)) == ["query"]
    for state in (None, OrderState.PAID):
        page = cost(
            lambda state=state: orders.of_merchant(merchant_id, state=state, after=None, limit=10)
        )
        assert page == ["query", "get_many"]


def test_a_balance_costs_two_round_trips_however_many_entries_there_are() -> None:
    house, merchant_id = long_house(10)
    asked = house.memory.asked  # type: ignore[attr-defined]
    for purchases in (1, 30):
        for _ in range(purchases):
            purchase(house, merchant_id)
        house.sequencer.run()
        asked.clear()
        house.read_books.of_merchant(merchant_id)
        assert asked == ["get", "get_many"]


def test_the_funnel_counts_payments_by_what_became_of_them(house: House) -> None:
    merchant_id = house.merchant()
    purchase(house, merchant_id)
    for reason in ("PARAM_ERROR", "NO_AUTH", "PARAM_ERROR"):
        order = house.order_of(merchant_id)
        house.provider.failures = [ProviderRejectedError("no", provider_code=reason)]
        with pytest.raises(ProviderRejectedError):
            house.payment(order)
    late = house.order_of(merchant_id)
    words = [house.provider.pay(house.payment(late).id) for _ in range(2)]
    for word in words:
        house.capture.capture(word)
    house.capture.capture(words[0].evolve(number="nobody-knows", attach=""))
    house.sequencer.run()
    (totals,), _ = house.read_books.days_of(merchant_id, before=None, limit=10)
    assert totals.orders_placed == 5
    assert (totals.payments_created, totals.payments_refused) == (6, 3)
    assert (totals.payments_prepaid, totals.payments_captured, totals.payments_late) == (3, 2, 1)
    assert totals.refused == {"param_error": 2, "no_auth": 1}
    assert totals.captured == {"CNY": 2 * 3998}
    house.clock.move(seconds=86_400)
    house.sequencer.run()
    _, everybody = house.read_books.platforms_day(date(2026, 11, 24))
    assert everybody.payments_parked == 1
    assert everybody.payments_created == 6


def test_a_provider_that_names_nonsense_breaks_nothing(quick_house: House) -> None:
    house = quick_house
    for reason in ("", "  ", "签名错误", "A" * 300, "through", "__proto__"):
        house.provider.failures = [ProviderRejectedError("no", provider_code=reason)]
        with pytest.raises(ProviderRejectedError):
            house.payment(house.order())
    house.sequencer.run()
    item = house.memory.items[keys.totals("platform", "2026-11-24")]
    assert all(len(name) <= 40 and name.isascii() for name in item)
    assert item["payments_refused"] == 6


def test_a_rebuild_finds_nothing_where_nothing_is_wrong(house: House) -> None:
    merchant_id = house.merchant()
    for _ in range(3):
        purchase(house, merchant_id)
    house.order_of(merchant_id)
    house.sequencer.run()
    rebuilt = house.rebuild.compare()
    assert rebuilt.differences == []
    assert (rebuilt.entries, len(rebuilt.orders)) == (3, 4)


def tampered(house: House, merchant_id: MerchantId, order_id: OrderId) -> dict[str, Put | Key]:
    held = f"merchant:{merchant_id}:held"
    where = {key.pk: key for key in house.memory.items if key.sk.endswith(order_id)}
    entry = next(key for key in house.memory.items if key.pk == keys.entries_of(merchant_id))
    return {
        "a balance": Put(keys.balance(held, "CNY"), {"debits": 0, "credits": 1, "through": 2}),
        "a balance gone": keys.balance(held, "CNY"),
        "totals": Put(keys.totals(merchant_id, "2026-11-24"), {"through": 1}),
        "an active merchant gone": Key(keys.LOG, keys.active_on("2026-11-24"), merchant_id),
        "an entry gone": entry,
        "history": Put(
            next(key for key in house.memory.items if key.pk == f"B#{held}" and "at/" in key.sk),
            {"debits": 1, "credits": 1, "lines": []},
        ),
        "an order gone from all": where[keys.orders_of(merchant_id, None)],
        "an order gone from its state": where[keys.orders_of(merchant_id, "paid")],
        "an order in a state it left": Put(
            where[keys.orders_of(merchant_id, "paid")]._replace(
                pk=keys.orders_of(merchant_id, "unpaid")
            ),
            {"member": "x"},
        ),
    }


@pytest.mark.parametrize(
    "what",
    [
        "a balance",
        "a balance gone",
        "totals",
        "an active merchant gone",
        "an entry gone",
        "history",
        "an order gone from all",
        "an order gone from its state",
        "an order in a state it left",
    ],
)
def test_a_rebuild_names_what_is_wrong_and_repairs_it(quick_house: House, what: str) -> None:
    house = quick_house
    merchant_id = house.merchant()
    order = purchase(house, merchant_id)
    house.sequencer.run()
    match tampered(house, merchant_id, order.id)[what]:
        case Put() as put:
            house.memory.write_batch([put], [])
        case key:
            house.memory.write_batch([], [key])
    assert len(house.rebuild.compare(repair=True).differences) == 1
    assert house.rebuild.compare().differences == []


def test_a_rebuild_never_touches_the_journal(quick_house: House) -> None:
    house = quick_house
    purchase(house, house.merchant())
    house.sequencer.run()
    journal = next(key for key in house.memory.items if key.sk == "entry")
    right = house.memory.items.pop(journal)
    (difference,) = house.rebuild.compare(repair=True).differences
    assert journal.pk in str(difference)
    assert journal not in house.memory.items
    house.memory.items[journal] = right
    house.lake.files.clear()
    with pytest.raises(LakeBrokenError):
        house.rebuild.compare(repair=True)


def test_a_rebuild_knows_where_days_closed(quick_house: House) -> None:
    house = quick_house
    merchant_id = house.merchant()
    for _ in range(3):
        purchase(house, merchant_id)
        house.sequencer.run()
        house.clock.move(seconds=2 * 86_400)
    house.sequencer.run()
    assert house.rebuild.compare().differences == []
    closed = keys.day_closed("2026-11-26")
    right = house.memory.items[closed]
    house.memory.items[closed] = {**right, "position": 1}
    assert len(house.rebuild.compare(repair=True).differences) == 1
    assert house.memory.items[closed] == right
