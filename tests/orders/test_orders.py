"""Placing orders: at the catalogue's prices, never beyond the stock, once a key."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.catalog.model import OutOfStockError
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import ProductId
from chalicelib.kernel.money import fen
from chalicelib.orders.model import (
    OrderNotFoundError,
    OrderState,
    OrderTotalTooLargeError,
    ProductsNotFoundError,
    Wanted,
)
from tests.fakes.house import House


def test_an_order_costs_what_the_catalogue_says(house: House) -> None:
    merchant_id, member_id = house.merchant(), house.member()
    tea, cup = house.product(merchant_id, price=1999), house.product(merchant_id, price=501)
    wanted = [Wanted(product_id=tea, quantity=2), Wanted(product_id=cup, quantity=3)]
    order, lines = house.place_order.place(member_id, merchant_id, wanted, key="k")
    assert order.total == order.due == fen(2 * 1999 + 3 * 501)
    assert order.held == fen(0)
    assert [line.total() for line in lines] == [fen(3998), fen(1503)]
    assert (house.stock(tea), house.stock(cup)) == (8, 7)
    assert house.read_orders.for_member(order.id, member_id) == (order, lines)


def test_the_same_key_gives_the_same_order_and_takes_stock_once(house: House) -> None:
    merchant_id, member_id = house.merchant(), house.member()
    tea = house.product(merchant_id, stock=2)
    wanted = [Wanted(product_id=tea, quantity=2)]
    first = house.place_order.place(member_id, merchant_id, wanted, key="k")
    assert house.place_order.place(member_id, merchant_id, wanted, key="k") == first
    assert house.stock(tea) == 0
    with pytest.raises(IdempotencyKeyReusedError):
        house.place_order.place(
            member_id, merchant_id, [Wanted(product_id=tea, quantity=1)], key="k"
        )


def test_another_shoppers_key_is_another_order(house: House) -> None:
    merchant_id = house.merchant()
    wanted = [Wanted(product_id=house.product(merchant_id), quantity=1)]
    orders = {
        house.place_order.place(house.member(code), merchant_id, wanted, key="k")[0].id
        for code in ("a", "b")
    }
    assert len(orders) == 2


def test_products_of_others_and_of_nobody_are_refused_together(house: House) -> None:
    merchant_id, other = house.merchant(), house.merchant()
    wanted = [
        Wanted(product_id=house.product(merchant_id), quantity=1),
        Wanted(product_id=house.product(other), quantity=1),
        Wanted(product_id=ProductId.derive("nobody's"), quantity=1),
    ]
    with pytest.raises(ProductsNotFoundError) as refused:
        house.place_order.place(house.member(), merchant_id, wanted, key="k")
    assert refused.value.facts["products"] == [line.product_id for line in wanted[1:]]


def test_an_order_is_short_as_a_whole(house: House) -> None:
    merchant_id, member_id = house.merchant(), house.member()
    plenty, scarce = house.product(merchant_id, stock=9), house.product(merchant_id, stock=1)
    wanted = [Wanted(product_id=plenty, quantity=1), Wanted(product_id=scarce, quantity=2)]
    with pytest.raises(OutOfStockError) as refused:
        house.place_order.place(member_id, merchant_id, wanted, key="k")
    assert refused.value.facts["products"] == [scarce]
    assert (house.stock(plenty), house.stock(scarce)) == (9, 1)


def test_a_total_beyond_the_limit_is_refused(house: House) -> None:
    merchant_id = house.merchant()
    dear = house.product(merchant_id, price=100_000_000, stock=100)
    with pytest.raises(OrderTotalTooLargeError):
        house.place_order.place(
            house.member(), merchant_id, [Wanted(product_id=dear, quantity=11)], key="k"
        )
    assert house.stock(dear) == 100


@pytest.mark.parametrize("quantity", [1, 3, 7, 10])
def test_stock_in_shards_is_found_wherever_it_lies(house: House, quantity: int) -> None:
    merchant_id, member_id = house.merchant(), house.member()
    tea = house.product(merchant_id, stock=10, shards=4)
    wanted = [Wanted(product_id=tea, quantity=quantity)]
    for number in range(10 // quantity):
        house.place_order.place(member_id, merchant_id, wanted, key=f"k{number}")
    assert house.stock(tea) == 10 % quantity
    with pytest.raises(OutOfStockError):
        house.place_order.place(member_id, merchant_id, wanted, key="one too many")


def test_a_strangers_order_is_not_there(quick_house: House) -> None:
    order = quick_house.order()
    with pytest.raises(OrderNotFoundError):
        quick_house.read_orders.for_member(order.id, quick_house.member("stranger"))
    with pytest.raises(OrderNotFoundError):
        quick_house.read_orders.for_merchant(order.id, quick_house.merchant())
    assert quick_house.read_orders.for_merchant(order.id, order.merchant_id)[0] == order


def test_a_shoppers_orders_come_newest_first_page_by_page(house: House) -> None:
    merchant_id, member_id = house.merchant(), house.member()
    tea = house.product(merchant_id, stock=100)
    wanted = [Wanted(product_id=tea, quantity=1)]
    placed = []
    for number in range(7):
        house.clock.move(seconds=1)
        placed.append(house.place_order.place(member_id, merchant_id, wanted, key=str(number)))
    seen, after = [], None
    while True:
        page, after = house.read_orders.of_member(member_id, state=None, after=after, limit=3)
        seen += page
        if after is None:
            break
    assert seen == placed[::-1]
    closed, _ = house.read_orders.of_member(
        member_id, state=OrderState.CLOSED, after=None, limit=100
    )
    assert closed == []
    nobody, _ = house.read_orders.of_member(house.member("new"), state=None, after=None, limit=3)
    assert nobody == []


@pytest.mark.parametrize(
    "table", [pytest.param("emulator", marks=pytest.mark.emulator)], indirect=True
)
def test_a_rush_never_sells_more_than_there_is(house: House) -> None:
    merchant_id = house.merchant()
    tea = house.product(merchant_id, stock=20, shards=4)
    members = [house.member(f"m{number}") for number in range(16)]
    start = threading.Barrier(16)

    def buy(number: int) -> int:
        start.wait()
        sold = 0
        for round_number in range(3):
            try:
                house.place_order.place(
                    members[number],
                    merchant_id,
                    [Wanted(product_id=tea, quantity=1)],
                    key=str(round_number),
                )
                sold += 1
            except OutOfStockError:
                pass
        return sold

    with ThreadPoolExecutor(16) as threads:
        sold = sum(threads.map(buy, range(16)))
    assert sold + house.stock(tea) == 20
    assert sold == 20
