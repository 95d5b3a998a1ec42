"""The bill of profit sharing: what was shared, taken back and unfrozen, on the day of its end."""

from tests.sandbox.daybook import (
    DAY,
    SHARING,
    SUB,
    asked_for,
    columns_of,
    end_refund,
    paid_to_sub,
    refund,
    share,
    summary_of,
    take_back,
    text_of,
    unfreeze,
)
from tests.sandbox.shop import Clock, Shop

NEXT = "2026-11-25"
FREED_ON = "2026-12-24"
SHOWN = ("分账接收方", "金额", "业务类型", "处理状态", "商户分账/回退单号")


def test_a_bill_of_shares_to_the_letter(shop: Shop, clock: Clock) -> None:
    own = shop.keys.mch_id
    payment = paid_to_sub(shop, "order_1")
    shop.control("shares/m1", fail_reason="NO_RELATION")
    split = share(shop, payment, "split_1", {own: 100, "m1": 50})
    clock.forward(minutes=1)
    back = take_back(shop, "split_1", "back_1", own, 40)
    clock.forward(minutes=1)
    free = unfreeze(shop, payment, "free_1")
    clock.forward(days=1)
    details = [each["detail_id"] for each in split["receivers"]]
    head = f"`{own},`{SUB},`{payment}"
    assert text_of(shop, "shares") == (
        "分账时间,分账发起方,分账方,微信订单号,微信分账/回退单号,分账明细单号,商户分账/回退单号,"
        "订单金额,分账接收方,金额,业务类型,处理状态,分账描述,备注\r\n"
        f"`2026-11-24 16:00:00,{head},`{split['order_id']},`{details[0]},`split_1,`10.00,`{own},"
        "`1.00,`分账,`成功,`佣金,`\r\n"
        f"`2026-11-24 16:00:00,{head},`{split['order_id']},`{details[1]},`split_1,`10.00,`m1,"
        "`0.50,`分账,`失败,`佣金,`NO_RELATION\r\n"
        f"`2026-11-24 16:01:00,{head},`{back['return_id']},`{details[0]},`back_1,`10.00,`{own},"
        "`0.40,`分账回退,`成功,`退回,`\r\n"
        f"`2026-11-24 16:02:00,{head},`{free['order_id']},`{free['receivers'][0]['detail_id']},"
        f"`free_1,`10.00,`{SUB},`9.00,`解冻,`成功,`解冻,`\r\n"
        "分账总笔数,分账总金额\r\n"
        "`4,`10.90\r\n"
    )


def test_what_nobody_looks_at_comes_to_its_end_on_its_own_day(shop: Shop, clock: Clock) -> None:
    payment = paid_to_sub(shop, "order_1")
    asked = {
        "sub_mchid": SUB,
        "appid": shop.keys.app_id,
        "transaction_id": payment,
        "out_order_no": "split_1",
        "receivers": [{"type": "MERCHANT_ID", "account": "m1", "amount": 1, "description": "a"}],
        "unfreeze_unsplit": True,
    }
    assert shop.call("POST", f"{SHARING}/orders", asked).status == 200
    clock.forward(days=2)
    assert asked_for(shop, "shares", NEXT).code == "NO_STATEMENT_EXIST"
    assert columns_of(shop, "shares", *SHOWN) == [
        ("m1", "0.01", "分账", "成功", "split_1"),
        (SUB, "9.99", "解冻", "成功", "split_1"),
    ]


def test_a_return_that_failed_is_told(shop: Shop, clock: Clock) -> None:
    payment = paid_to_sub(shop, "order_1")
    share(shop, payment, "split_1", {"m1": 100})
    shop.control("shares/m1", fail_reason="ACCOUNT_ABNORMAL")
    take_back(shop, "split_1", "back_1", "m1", 40)
    clock.forward(days=1)
    assert columns_of(shop, "shares", *SHOWN, "备注")[1] == (
        *("m1", "0.40", "分账回退", "失败", "back_1", "ACCOUNT_ABNORMAL"),
    )


def test_a_freeze_that_ends_by_itself_is_an_unfreezing(shop: Shop, clock: Clock) -> None:
    shop.control("settings", fee_basis_points=100)
    payment = paid_to_sub(shop, "order_1")
    share(shop, payment, "split_1", {"m1": 100})
    refund(shop, "order_1", "refund_1", 500, sub_mchid=SUB)
    clock.forward(days=29)
    end_refund(shop, "refund_1", "abnormal")
    clock.forward(days=2)
    shown = [(SUB, "3.95", "解冻", "成功", "")]  # 10.00 less 0.10, 1.00, and 5.00 less 0.05
    assert columns_of(shop, "shares", *SHOWN, day=FREED_ON) == shown
    assert columns_of(shop, "shares", "分账时间", day=FREED_ON) == [("2026-12-24 16:00:00",)]
    end_refund(shop, "refund_1", "closed")
    clock.forward(days=1)
    assert columns_of(shop, "shares", *SHOWN, day=FREED_ON) == shown
    late = columns_of(shop, "shares", *SHOWN, day="2026-12-25")
    assert late == [(SUB, "4.95", "解冻", "成功", "")]
    told = shop.send("GET", "/control/money", b"", {}).json["transactions"][0]
    assert (told["released"], told["fee"]) == (395 + 495, 10)


def test_what_was_unfrozen_is_not_freed_again(shop: Shop, clock: Clock) -> None:
    payment = paid_to_sub(shop, "order_1")
    unfreeze(shop, payment, "free_1")
    paid_to_sub(shop, "order_2", frozen=False)
    clock.forward(days=32)
    assert summary_of(shop, "shares") == ["1", "10.00"]
    assert asked_for(shop, "shares", FREED_ON).code == "NO_STATEMENT_EXIST"


def test_a_sub_merchant_s_bill_of_shares_is_its_own(shop: Shop, clock: Clock) -> None:
    share(shop, paid_to_sub(shop, "order_1"), "split_1", {"m1": 100})
    clock.forward(days=1)
    assert asked_for(shop, "shares", DAY, f"&sub_mchid={SUB}").status == 200
    assert asked_for(shop, "shares", DAY, "&sub_mchid=1").code == "NO_STATEMENT_EXIST"
