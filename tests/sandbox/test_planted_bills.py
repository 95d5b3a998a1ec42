"""What is planted in a bill stands in it, its summary agrees, and nothing takes it back."""

from typing import Any

import pytest

from local.sandbox import SandboxKeys, build, serve
from tests.sandbox.daybook import (
    PATHS,
    Json,
    asked_for,
    columns_of,
    kind,
    plant,
    rows_of,
    summary_of,
    text_of,
)
from tests.sandbox.shop import Clock, Shop

PAYMENTS = ("商户订单号", "交易状态", "应结订单金额", "订单金额", "手续费")
BACK = ("商户退款单号", "退款状态", "退款金额", "申请退款金额", "手续费")
FLOWS = ("业务凭证号", "业务类型", "收支类型", "收支金额(元)", "账户结余(元)")
SHARES = ("商户分账/回退单号", "业务类型", "处理状态", "金额", "分账接收方")
SHOWN = {"trade_success": PAYMENTS, "trade_refund": BACK, "fundflow": FLOWS, "shares": SHARES}
ONE = ("order_1", "SUCCESS", "10.00", "10.00", "0.10000")
SUB_ONE, TWO, SUB_TWO = [(n, *ONE[1:]) for n in ("sub_order_1", "order_2", "sub_order_2")]
BACK_ONE = ("refund_1", "PROCESSING", "3.00", "3.00", "-0.03000")
BACK_TWO = ("refund_2", *BACK_ONE[1:])
SHARE_ONE = ("split_1", "分账", "成功", "1.00", "m1")
SHARE_TWO = ("split_2", *SHARE_ONE[1:])
NEW = kind("invented", "new", reference="4200", amount=1234)


@pytest.mark.parametrize(
    ("bill", "difference", "rows", "summary"),
    [
        (
            "trade_success",
            kind("dropped", "order_1"),
            [TWO, SUB_ONE, SUB_TWO],
            "3,30.00,0.00,0.00,0.30000,30.00,0.00",
        ),
        (
            "trade_success",
            kind("amount", "order_2", amount=999),
            [ONE, ("order_2", "SUCCESS", "9.99", "9.99", "0.10000"), SUB_ONE, SUB_TWO],
            "4,39.99,0.00,0.00,0.40000,39.99,0.00",
        ),
        (
            "trade_success",
            kind("state", "order_1", state="REVOKED"),
            [("order_1", "REVOKED", *ONE[2:]), TWO, SUB_ONE, SUB_TWO],
            "4,40.00,0.00,0.00,0.40000,40.00,0.00",
        ),
        (
            "trade_success",
            kind("fee", "sub_order_2", fee=11),
            [ONE, TWO, SUB_ONE, (*SUB_TWO[:4], "0.11000")],
            "4,40.00,0.00,0.00,0.41000,40.00,0.00",
        ),
        (
            "trade_success",
            kind("duplicated", "order_2"),
            [ONE, TWO, TWO, SUB_ONE, SUB_TWO],
            "5,50.00,0.00,0.00,0.50000,50.00,0.00",
        ),
        (
            "trade_success",
            NEW,
            [ONE, TWO, SUB_ONE, SUB_TWO, ("new", "SUCCESS", "12.34", "12.34", "0.00000")],
            "5,52.34,0.00,0.00,0.40000,52.34,0.00",
        ),
        (
            "trade_refund",
            kind("dropped", "refund_1"),
            [BACK_TWO],
            "1,0.00,3.00,0.00,-0.03000,0.00,3.00",
        ),
        (
            "trade_refund",
            kind("amount", "refund_1", amount=299),
            [("refund_1", "PROCESSING", "2.99", "2.99", "-0.03000"), BACK_TWO],
            "2,0.00,5.99,0.00,-0.06000,0.00,5.99",
        ),
        (
            "trade_refund",
            kind("state", "refund_2", state="FAIL"),
            [BACK_ONE, ("refund_2", "FAIL", *BACK_TWO[2:])],
            "2,0.00,6.00,0.00,-0.06000,0.00,6.00",
        ),
        (
            "trade_refund",
            kind("fee", "refund_2", fee=-4),
            [BACK_ONE, (*BACK_TWO[:4], "-0.04000")],
            "2,0.00,6.00,0.00,-0.07000,0.00,6.00",
        ),
        (
            "trade_refund",
            kind("duplicated", "refund_2"),
            [BACK_ONE, BACK_TWO, BACK_TWO],
            "3,0.00,9.00,0.00,-0.09000,0.00,9.00",
        ),
        (
            "trade_refund",
            NEW,
            [BACK_ONE, BACK_TWO, ("new", "SUCCESS", "12.34", "12.34", "0.00000")],
            "3,0.00,18.34,0.00,-0.06000,0.00,18.34",
        ),
        ("shares", kind("dropped", "split_1"), [SHARE_TWO], "1,1.00"),
        (
            "shares",
            kind("amount", "split_1", amount=1),
            [(*SHARE_ONE[:3], "0.01", "m1"), SHARE_TWO],
            "2,1.01",
        ),
        (
            "shares",
            kind("state", "split_2", state="失败"),
            [SHARE_ONE, (*SHARE_TWO[:2], "失败", "1.00", "m1")],
            "2,2.00",
        ),
        ("shares", kind("duplicated", "split_1"), [SHARE_ONE, SHARE_ONE, SHARE_TWO], "3,3.00"),
        (
            "shares",
            NEW,
            [SHARE_ONE, SHARE_TWO, ("new", "分账", "成功", "12.34", "m1")],
            "3,14.34",
        ),
    ],
)
def test_a_difference_stands_in_its_bill(
    day: Shop, bill: str, difference: Json, rows: list[tuple[str, ...]], summary: str
) -> None:
    true = text_of(day, bill)
    reply = plant(day, bill, difference)
    assert (reply.status, reply.json["differences"]) == (200, [difference])
    assert columns_of(day, bill, *SHOWN[bill]) == rows
    assert summary_of(day, bill) == summary.split(",")
    for other in set(SHOWN) - {bill}:
        assert len(rows_of(day, other)) > 0
    assert plant(day, bill).status == 200
    assert text_of(day, bill) == true


def moved(shop: Shop) -> list[tuple[str, ...]]:
    """Return the day's movements, and check that each leaves what it says, from nothing on."""
    rows = columns_of(shop, "fundflow", *FLOWS)
    left = 0
    for _, _, direction, amount, balance in rows:
        left += int(amount.replace(".", "")) * (1 if direction == "收入" else -1)
        assert int(balance.replace(".", "")) == left
    return [row[:4] for row in rows]


TRUE_FLOWS = [
    ("order_1", "交易", "收入", "10.00"),
    ("order_1", "扣除交易手续费", "支出", "0.10"),
    ("order_2", "交易", "收入", "10.00"),
    ("order_2", "扣除交易手续费", "支出", "0.10"),
    ("refund_1", "退款", "支出", "3.00"),
    ("refund_1", "返还交易手续费", "收入", "0.03"),
    ("refund_2", "退款", "支出", "3.00"),
    ("refund_2", "返还交易手续费", "收入", "0.03"),
    ("transfer1", "商家转账", "支出", "5.00"),
]


@pytest.mark.parametrize(
    ("difference", "place", "instead", "summary"),
    [
        (kind("dropped", "order_2"), 2, [], "8,3,10.06,5,11.20"),
        (kind("dropped", "transfer1"), 8, [], "8,4,20.06,4,6.20"),
        (
            kind("amount", "transfer1", amount=501),
            8,
            [("transfer1", "商家转账", "支出", "5.01")],
            "9,4,20.06,5,11.21",
        ),
        (
            kind("fee", "order_1", fee=11),
            1,
            [("order_1", "扣除交易手续费", "支出", "0.11")],
            "9,4,20.06,5,11.21",
        ),
        (
            kind("fee", "refund_2", fee=2),
            7,
            [("refund_2", "返还交易手续费", "收入", "0.02")],
            "9,4,20.05,5,11.20",
        ),
        (kind("duplicated", "refund_1"), 4, [TRUE_FLOWS[4]] * 2, "10,4,20.06,6,14.20"),
        (
            kind("invented", "new", reference="4200", amount=-70),
            8,
            [TRUE_FLOWS[8], ("new", "交易", "支出", "0.70")],
            "10,4,20.06,6,11.90",
        ),
        (NEW, 8, [TRUE_FLOWS[8], ("new", "交易", "收入", "12.34")], "10,5,32.40,5,11.20"),
    ],
)
def test_a_fund_flow_bill_with_a_difference_still_adds_up(
    day: Shop, difference: Json, place: int, instead: list[tuple[str, ...]], summary: str
) -> None:
    assert moved(day) == TRUE_FLOWS
    assert plant(day, "fundflow", difference).status == 200
    assert moved(day) == [*TRUE_FLOWS[:place], *instead, *TRUE_FLOWS[place + 1 :]]
    assert summary_of(day, "fundflow") == summary.split(",")
    plant(day, "fundflow")
    assert moved(day) == TRUE_FLOWS


def test_several_differences_are_planted_in_turn(day: Shop) -> None:
    changed = [kind("dropped", "order_1"), kind("amount", "order_2", amount=1), NEW]
    plant(day, "trade_all", *changed, kind("state", "refund_1", state="CHANGE"))
    assert columns_of(day, "trade_all", "商户订单号", "订单金额", "退款状态") == [
        ("order_2", "0.01", ""),
        ("sub_order_1", "10.00", ""),
        ("sub_order_2", "10.00", ""),
        ("order_1", "0.00", "CHANGE"),
        ("order_2", "0.00", "PROCESSING"),
        ("new", "12.34", ""),
    ]


@pytest.mark.parametrize("bill", PATHS)
def test_a_day_on_which_nothing_happened_may_be_invented(
    shop: Shop, clock: Clock, bill: str
) -> None:
    assert plant(shop, bill, NEW).status == 200  # before the day is over, too
    clock.forward(days=1)
    assert any("4200" in cell for cell in rows_of(shop, bill)[0])
    plant(shop, bill)
    assert asked_for(shop, bill).code == "NO_STATEMENT_EXIST"


def test_a_bill_of_which_all_is_dropped_does_not_exist(day: Shop) -> None:
    plant(day, "shares", kind("dropped", "split_1"), kind("dropped", "split_2"))
    assert asked_for(day, "shares").code == "NO_STATEMENT_EXIST"


@pytest.mark.parametrize(
    ("bill", "differences", "more"),
    [
        ("trade_success", [kind("dropped", "order_9")], {}),
        ("trade_success", [kind("dropped", "refund_1")], {}),
        ("trade_success", [kind("dropped", "order_1"), kind("amount", "order_1", amount=1)], {}),
        ("fundflow", [kind("fee", "transfer1", fee=1)], {}),
        ("fundflow", [kind("state", "order_1", state="SUCCESS")], {}),
        ("shares", [kind("fee", "split_1", fee=1)], {}),
        ("fundflow", [], {"broken": "other_merchant"}),
        ("trade_success", [kind("painted", "order_1")], {}),
        ("trade_success", [kind("amount", "order_1", amount="1")], {}),
        ("trade_success", [kind("dropped", "order_1", amount=1)], {}),
        ("trade_success", [], {"broken": "somehow"}),
        ("trade_success", [], {"creating": -1}),
        ("trade_success", [], {"bill_date": "yesterday"}),
        ("trade", [], {}),
    ],
)
def test_what_cannot_be_planted_is_refused(
    day: Shop, bill: str, differences: list[Json], more: Json
) -> None:
    reply = plant(day, bill, *differences, **more)
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")
    assert day.listed("bills") == []


def test_a_planting_tells_nothing_of_refunds(day: Shop) -> None:
    plant(day, "trade_refund", kind("amount", "refund_1", amount=1))
    day.control("refunds/refund_1", outcome="success", deliver=False)
    assert columns_of(day, "trade_refund", "退款状态") == [("SUCCESS",), ("PROCESSING",)]


@pytest.mark.parametrize("bill", PATHS)
def test_a_bill_is_still_being_made_so_many_times(day: Shop, bill: str) -> None:
    plant(day, bill, creating=2)
    for _ in range(2):
        reply = asked_for(day, bill)
        assert (reply.status, reply.code) == (400, "STATEMENT_CREATING")
    assert asked_for(day, bill).status == 200


def test_what_is_planted_is_listed_and_outlives_a_restart(
    keys: SandboxKeys, clock: Clock, tmp_path: Any
) -> None:
    server, address = serve(build(keys, now=clock, data_dir=tmp_path))
    first = Shop(keys, address, clock)
    told = plant(first, "shares", NEW, broken="gbk", creating=3).json
    assert first.listed("bills") == [told]
    first.pool.clear()
    server.stop()
    server, address = serve(build(keys, now=clock, data_dir=tmp_path))
    shop = Shop(keys, address, clock)
    assert shop.listed("bills") == [told]
    shop.control("reset")
    assert shop.listed("bills") == []
    shop.pool.clear()
    server.stop()
