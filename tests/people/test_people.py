"""Signing in, registering, and putting up for sale."""

import pytest

from chalicelib.catalog.model import ProductNotFoundError, SellerNotFoundError
from chalicelib.catalog.rules import plan_takes, spread
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import MerchantId, ProductId
from chalicelib.kernel.money import fen
from chalicelib.people.model import MerchantNotFoundError
from tests.fakes.house import House


def test_a_shopper_is_one_member_however_often_they_come(house: House) -> None:
    first = house.sign_in.sign_in("a")
    house.clock.move(seconds=3600)
    assert house.sign_in.sign_in("a") == first
    assert house.sign_in.sign_in("b").id != first.id
    assert [row.kind for row in house.rows()] == ["member.joined"] * 2


def test_a_merchant_is_registered_once_a_key(house: House) -> None:
    register = house.merchants.register
    first = register("山月茶庄", caller="operator", key="k")
    assert register("山月茶庄", caller="operator", key="k") == first
    assert register("山月茶庄", caller="operator", key="k2").id != first.id
    with pytest.raises(IdempotencyKeyReusedError):
        register("别家", caller="operator", key="k")
    assert house.merchants.get(first.id) == first
    with pytest.raises(MerchantNotFoundError):
        house.merchants.get(MerchantId.derive("nobody"))


def test_a_product_is_created_once_a_key_by_a_registered_merchant(house: House) -> None:
    merchant_id = house.merchant()

    def create(price: int = 100, seller: MerchantId = merchant_id) -> ProductId:
        return house.catalog.create(
            seller, title="茶", price=fen(price), stock=10, stock_shards=3, key="k"
        ).id

    assert create() == create()
    assert house.stock(create()) == 10
    with pytest.raises(IdempotencyKeyReusedError):
        create(price=101)
    with pytest.raises(SellerNotFoundError):
        create(seller=MerchantId.derive("nobody"))
    with pytest.raises(ProductNotFoundError):
        house.catalog.get(ProductId.derive("nothing"))


@pytest.mark.parametrize(
    ("free", "quantity", "taken"),
    [
        ([5, 5], 5, {0: 5}),
        ([4, 5], 5, {1: 5}),
        ([2, 4], 5, {1: 4, 0: 1}),
        ([0, 0, 3], 3, {2: 3}),
        ([1, 1, 1], 3, {0: 1, 1: 1, 2: 1}),
        ([1, 1, 1], 4, None),
        ([0], 1, None),
    ],
)
def test_takes_are_planned_over_what_is_left(
    free: list[int], quantity: int, taken: dict[int, int] | None
) -> None:
    plan = plan_takes(ProductId.derive("p"), quantity, free, first=0)
    assert (plan and {take.shard: take.quantity for take in plan}) == taken


@pytest.mark.parametrize(("stock", "shards"), [(0, 1), (10, 3), (2, 16), (10**9, 7)])
def test_stock_is_spread_evenly_and_wholly(stock: int, shards: int) -> None:
    parts = spread(stock, shards)
    assert (sum(parts), len(parts)) == (stock, shards)
    assert max(parts) - min(parts) <= 1
