"""What WeChat Pay keeps of a payment: to the fen, at the rate of its day, given back in parts."""

from typing import Any

import pytest

from tests.sandbox.shop import NUMBER, Clock, Reply, Shop

REFUNDS = "/v3/refund/domestic/refunds"
SHARING = "/v3/profitsharing"


def paid(shop: Shop, total: int, *, frozen: bool = False, number: str = NUMBER) -> str:
    amount = {"total": total, "currency": "CNY"}
    shop.prepaid(number, amount=amount, settle_info={"profit_sharing": frozen})
    return str(shop.control("pay", out_trade_no=number, deliver=False).json["transaction_id"])


def refund(shop: Shop, number: str, amount: int, total: int) -> Reply:
    asked = {
        "out_trade_no": NUMBER,
        "out_refund_no": number,
        "notify_url": shop.notify_url,
        "amount": {"refund": amount, "total": total, "currency": "CNY"},
    }
    return shop.call("POST", REFUNDS, asked)


def held(shop: Shop) -> dict[str, Any]:
    """Return where the first payment's money lies; all of it lies somewhere."""
    told: dict[str, Any] = shop.send("GET", "/control/money", b"", {}).json["transactions"][0]
    places = ("frozen", "pending", "refunded", "released", "fee")
    assert sum(told[each] for each in places) + sum(told["shared"].values()) == told["total"]
    return told


@pytest.mark.parametrize(
    ("total", "basis_points", "fee"),
    [
        (10_000, 60, 60),
        (1, 60, 0),
        (83, 60, 0),
        (84, 60, 1),  # 0.504 fen
        (250, 20, 1),  # 0.5 fen
        (249, 20, 0),
        (1999, 38, 8),
        (1999, 0, 0),
        (1999, 10_000, 1999),
    ],
)
def test_a_fee_is_rounded_half_up(shop: Shop, total: int, basis_points: int, fee: int) -> None:
    told = shop.control("settings", fee_basis_points=basis_points).json
    assert told["fee_basis_points"] == basis_points
    paid(shop, total)
    assert (held(shop)["fee"], held(shop)["released"]) == (fee, total - fee)


@pytest.mark.parametrize("wrong", [-1, 10_001, "60", 0.6])
def test_a_rate_is_whole_basis_points(shop: Shop, wrong: Any) -> None:
    assert shop.control("settings", fee_basis_points=wrong).code == "PARAM_ERROR"


def test_a_rate_holds_for_what_is_paid_under_it(shop: Shop) -> None:
    shop.control("settings", fee_basis_points=100)
    paid(shop, 1000)
    shop.control("settings", fee_basis_points=600)
    assert held(shop)["fee"] == 10


def test_a_refund_gives_its_part_of_the_fee_back(shop: Shop, clock: Clock) -> None:
    shop.control("settings", fee_basis_points=100)
    paid(shop, 1000)
    kept = []
    for number, amount in enumerate((333, 333, 334)):
        assert refund(shop, f"r{number}", amount, 1000).status == 200
        kept.append((held(shop)["fee"], held(shop)["released"]))
        clock.forward(minutes=1)
    assert kept == [(7, 660), (4, 330), (0, 0)]  # 3.33, 6.66 and 10 fen, rounded down


def test_a_closed_refund_gives_no_fee_back(shop: Shop, clock: Clock) -> None:
    shop.control("settings", fee_basis_points=100)
    paid(shop, 1000)
    refund(shop, "r1", 99, 1000)
    clock.forward(minutes=1)
    refund(shop, "r2", 1, 1000)
    assert held(shop)["fee"] == 9
    shop.control("refunds/r1", outcome="closed", deliver=False)
    assert held(shop)["fee"] == 9  # what the two gave together went out with the second
    clock.forward(minutes=1)
    refund(shop, "r3", 50, 1000)
    assert held(shop)["fee"] == 9
    clock.forward(minutes=1)
    refund(shop, "r4", 949, 1000)
    assert (held(shop)["fee"], held(shop)["refunded"], held(shop)["released"]) == (0, 1000, 0)


def test_a_fee_is_taken_from_frozen_money_first(shop: Shop) -> None:
    shop.control("settings", fee_basis_points=60, max_ratio=10_000)
    payment = paid(shop, 10_000, frozen=True)
    amounts = f"{SHARING}/transactions/{payment}/amounts"
    assert shop.call("GET", amounts).json["unsplit_amount"] == 9940
    receiver = {"type": "MERCHANT_ID", "account": "1900000001", "description": "佣金"}
    asked = {
        "appid": shop.keys.app_id,
        "transaction_id": payment,
        "out_order_no": "split_1",
        "receivers": [receiver | {"amount": 9941}],
        "unfreeze_unsplit": False,
    }
    assert shop.call("POST", f"{SHARING}/orders", asked).code == "NOT_ENOUGH"
    asked["receivers"] = [receiver | {"amount": 940}]
    assert shop.call("POST", f"{SHARING}/orders", asked).status == 200
    free = {"transaction_id": payment, "out_order_no": "free", "description": "解冻"}
    freed = shop.call("POST", f"{SHARING}/orders/unfreeze", free).json
    assert freed["receivers"][0]["amount"] == 9000
    assert (held(shop)["released"], held(shop)["frozen"]) == (9000, 0)


def test_a_full_refund_takes_all_frozen_money_and_the_fee(shop: Shop) -> None:
    shop.control("settings", fee_basis_points=60)
    paid(shop, 10_000, frozen=True)
    assert (held(shop)["frozen"], held(shop)["fee"]) == (9940, 60)
    refund(shop, "r1", 10_000, 10_000)
    assert (held(shop)["frozen"], held(shop)["fee"], held(shop)["released"]) == (0, 0, 0)
    shop.control("refunds/r1", outcome="closed", deliver=False)
    assert (held(shop)["frozen"], held(shop)["fee"]) == (9940, 60)
