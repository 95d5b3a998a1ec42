"""The fund-flow bill: every movement of the merchant's own account, and what it left."""

import pytest

from tests.sandbox.daybook import (
    DAY,
    asked_for,
    columns_of,
    end_refund,
    end_transfer,
    paid,
    paid_to_sub,
    refund,
    rows_of,
    share,
    summary_of,
    take_back,
    text_of,
    transfer,
)
from tests.sandbox.shop import Clock, Shop

SHOWN = ("业务类型", "收支类型", "收支金额(元)", "账户结余(元)", "业务凭证号")
DAYS = (DAY, "2026-11-25", "2026-11-26")


def shown(shop: Shop, day: str = DAY) -> list[tuple[str, ...]]:
    """Return a day's movements, and check that each leaves what it says and has its own number."""
    rows = columns_of(shop, "fundflow", *SHOWN, day=day)
    numbers = columns_of(shop, "fundflow", "资金流水单号", day=day)
    assert len(set(numbers)) == len(rows)
    return rows


def test_a_fund_flow_bill_to_the_letter(shop: Shop, clock: Clock) -> None:
    shop.control("settings", fee_basis_points=60, opening_balance=5)
    payment = paid(shop, "order_1", 10_000)
    clock.forward(minutes=1)
    back = refund(shop, "order_1", "refund_1", 5000, 10_000, reason="不要,了")
    clock.forward(minutes=1)
    out = transfer(shop, "transfer1", "confirmed", 9000)
    clock.forward(days=1)
    text = text_of(shop, "fundflow")
    flows = [row[2] for row in rows_of(shop, "fundflow")]
    assert all(len(flow) == 28 and flow.startswith("100020261124") for flow in flows)
    api = f"{shop.keys.mch_id}API"
    assert text == (
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
        "资金变更提交申请人,备注,业务凭证号\r\n"
        f"`2026-11-24 16:00:00,`{payment},`{flows[0]},`交易,`交易,`收入,`100.00,`100.05,`system,"
        "`结算总金额 100.00 元;含手续费 0.60 元,`order_1\r\n"
        f"`2026-11-24 16:00:00,`{payment},`{flows[1]},`交易,`扣除交易手续费,`支出,`0.60,`99.45,"
        "`system,`,`order_1\r\n"
        f"`2026-11-24 16:01:00,`{back},`{flows[2]},`退款,`退款,`支出,`50.00,`49.45,`{api},"
        "`不要\\ 了,`refund_1\r\n"
        f"`2026-11-24 16:01:00,`{back},`{flows[3]},`退款,`返还交易手续费,`收入,`0.30,`49.75,"
        "`system,`,`refund_1\r\n"
        f"`2026-11-24 16:02:00,`{out},`{flows[4]},`商家转账,`商家转账,`支出,`90.00,`-40.25,`{api},"
        "`佣金,`transfer1\r\n"
        "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n"
        "`5,`2,`100.30,`3,`140.60\r\n"
    )


def test_a_balance_runs_on_from_day_to_day(shop: Shop, clock: Clock) -> None:
    paid(shop, "order_1", 10_000)
    clock.forward(days=1)
    transfer(shop, "transfer1", "confirmed", 3000)
    clock.forward(days=1)
    refund(shop, "order_1", "refund_1", 7000, 10_000)
    clock.forward(days=1)
    assert [shown(shop, day)[-1][3] for day in DAYS] == ["100.00", "70.00", "0.00"]


def test_a_closed_refund_s_money_comes_back_on_its_day(shop: Shop, clock: Clock) -> None:
    shop.control("settings", fee_basis_points=100)
    paid(shop, "order_1", 1000)
    refund(shop, "order_1", "refund_1", 500)
    clock.forward(days=1)
    end_refund(shop, "refund_1", "closed")
    clock.forward(days=1)
    assert shown(shop)[2:] == [
        ("退款", "支出", "5.00", "4.90", "refund_1"),
        ("返还交易手续费", "收入", "0.05", "4.95", "refund_1"),
    ]
    assert shown(shop, DAYS[1]) == [
        ("退款失败退回", "收入", "5.00", "9.95", "refund_1"),
        ("扣除交易手续费", "支出", "0.05", "9.90", "refund_1"),
    ]


@pytest.mark.parametrize("outcome", ["success", "abnormal"])
def test_a_refund_that_is_not_closed_stays_out(shop: Shop, clock: Clock, outcome: str) -> None:
    paid(shop, "order_1", 1000)
    refund(shop, "order_1", "refund_1", 500)
    clock.forward(days=1)
    end_refund(shop, "refund_1", outcome)
    clock.forward(days=1)
    assert [row[0] for row in shown(shop)] == ["交易", "退款"]
    assert asked_for(shop, "fundflow", DAYS[1]).code == "NO_STATEMENT_EXIST"


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_a_failed_transfer_s_money_comes_back(shop: Shop, clock: Clock, outcome: str) -> None:
    transfer(shop, "transfer1")
    clock.forward(hours=12)
    end_transfer(shop, "transfer1", outcome)
    clock.forward(days=2)
    assert shown(shop) == [("商家转账", "支出", "5.00", "-5.00", "transfer1")]
    assert shown(shop, DAYS[1]) == [("商家转账退回", "收入", "5.00", "0.00", "transfer1")]


def test_what_nobody_confirmed_came_back_after_a_day_though_nobody_looked(
    shop: Shop, clock: Clock
) -> None:
    transfer(shop, "transfer1")
    clock.forward(days=3)
    assert shown(shop, DAYS[1]) == [("商家转账退回", "收入", "5.00", "0.00", "transfer1")]
    assert columns_of(shop, "fundflow", "记账时间", "备注", day=DAYS[1]) == [
        ("2026-11-25 16:00:00", "OVERDUE_CLOSE")
    ]
    assert shop.bill("transfer1").json["fail_reason"] == "OVERDUE_CLOSE"
    assert len(shown(shop, DAYS[1])) == 1


def test_of_sub_merchants_money_only_our_shares_are_ours(shop: Shop, clock: Clock) -> None:
    shop.control("settings", fee_basis_points=60)
    own = shop.keys.mch_id
    payment = paid_to_sub(shop, "order_1")
    shared = share(shop, payment, "split_1", {own: 100, "m1": 50})
    clock.forward(days=1)
    take_back(shop, "split_1", "back_1", own, 40)
    take_back(shop, "split_1", "back_2", "m1", 40)
    refund(shop, "order_1", "refund_1", 500, sub_mchid="1900000109")
    clock.forward(days=1)
    assert shown(shop) == [("分账", "收入", "1.00", "1.00", "split_1")]
    assert columns_of(shop, "fundflow", "微信支付业务单号") == [
        (shared["receivers"][0]["detail_id"],)
    ]
    assert shown(shop, DAYS[1]) == [("分账回退", "支出", "0.40", "0.60", "back_1")]
    assert summary_of(shop, "fundflow", DAYS[1]) == ["1", "0", "0.00", "1", "0.40"]


def test_shares_of_our_own_payments_leave_us(shop: Shop, clock: Clock) -> None:
    payment = paid(shop, "order_1", settle_info={"profit_sharing": True})
    asked = {
        "appid": shop.keys.app_id,
        "transaction_id": payment,
        "out_order_no": "split_1",
        "receivers": [
            {"type": "MERCHANT_ID", "account": "m1", "amount": 100, "description": "佣金"},
            {
                "type": "MERCHANT_ID",
                "account": shop.keys.mch_id,
                "amount": 7,
                "description": "佣金",
            },
        ],
        "unfreeze_unsplit": True,
    }
    shop.control("settings", sharing_instant=True)
    shop.call("POST", "/v3/profitsharing/orders", asked)
    back = {
        "out_order_no": "split_1",
        "out_return_no": "back_1",
        "return_mchid": "m1",
        "amount": 30,
        "description": "退回",
    }
    shop.call("POST", "/v3/profitsharing/return-orders", back)
    clock.forward(days=1)
    assert shown(shop) == [
        ("交易", "收入", "10.00", "10.00", "order_1"),
        ("分账", "支出", "1.00", "9.00", "split_1"),
        ("分账", "支出", "0.07", "8.93", "split_1"),
        ("分账", "收入", "0.07", "9.00", "split_1"),
        ("分账回退", "收入", "0.30", "9.30", "back_1"),
    ]
