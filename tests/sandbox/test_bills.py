"""Bills: true to the fen and to the letter, made of what happened, fetched by those who asked."""

import gzip
import time
from datetime import date, timedelta
from typing import Any

import pytest
import urllib3

from local.sandbox import SandboxKeys, build, serve
from local.sandbox.statements import months_before
from tests.sandbox import daybook
from tests.sandbox.daybook import (
    DAY,
    PATHS,
    SUB,
    asked_for,
    columns_of,
    downloaded,
    end_refund,
    paid,
    paid_to_sub,
    refund,
    rows_of,
    summary_of,
    text_of,
)
from tests.sandbox.shop import Clock, Shop, is_signed

BUYER = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
NEXT = "2026-11-25"
SECONDS_MAX = 20  # for three bills; a search through all for each order takes hours
Numbers = dict[str, str]


def a_day(shop: Shop, clock: Clock) -> Numbers:
    """Two payments at 0.60%, refunds of the first in every state, then the next day."""
    shop.control("settings", fee_basis_points=60)
    numbers = {"first": paid(shop, "order_1", 10_000, description="茶,大杯\n冰", attach="a,b")}
    clock.forward(minutes=1)
    numbers["sub"] = paid_to_sub(shop, "order_2", 250)
    for outcome in ("success", "processing", "abnormal", "closed"):
        clock.forward(minutes=1)
        name = f"refund_{outcome}"
        numbers[outcome] = refund(shop, "order_1", name, 2000, 10_000)
        if outcome != "processing":
            end_refund(shop, name, outcome)
    clock.forward(days=1)
    return numbers


ALL = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n"
)
SUMS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,"
    "订单总金额,申请退款总金额\r\n"
)


def test_a_trade_bill_to_the_letter(shop: Shop, clock: Clock) -> None:
    of = a_day(shop, clock)
    app, own = shop.keys.app_id, shop.keys.mch_id
    first = f"`{app},`{own},`0,`,`{of['first']},`order_1,`{BUYER},`JSAPI"
    goods = "`茶\\ 大杯\\n冰,`a\\ b"

    def back(minute: int, name: str, state: str, fee: str) -> str:
        return (
            f"`2026-11-24 16:0{minute}:00,{first},`REFUND,`OTHERS,`CNY,`0.00,`0.00,`{of[name]},"
            f"`refund_{name},`20.00,`0.00,`ORIGINAL,`{state},{goods},`{fee},`0.60%,`0.00,`20.00,`"
            "\r\n"
        )

    assert text_of(shop, "trade_all") == (
        f"{ALL}`2026-11-24 16:00:00,{first},`SUCCESS,`OTHERS,`CNY,`100.00,`0.00,`0,`0,`0.00,`0.00,"
        f"`,`,{goods},`0.60000,`0.60%,`100.00,`0.00,`\r\n"
        f"`2026-11-24 16:01:00,`{app},`{own},`{SUB},`,`{of['sub']},`order_2,`oPartner,`JSAPI,"
        "`SUCCESS,`OTHERS,`CNY,`2.50,`0.00,`0,`0,`0.00,`0.00,`,`,`一杯拿铁,`,`0.02000,`0.60%,"
        "`2.50,`0.00,`\r\n"
        f"{back(2, 'success', 'SUCCESS', '-0.12000')}"
        f"{back(3, 'processing', 'PROCESSING', '-0.12000')}"
        f"{back(4, 'abnormal', 'CHANGE', '-0.12000')}"
        f"{back(5, 'closed', 'FAIL', '0.00000')}"
        f"{SUMS}`6,`102.50,`80.00,`0.00,`0.26000,`102.50,`80.00\r\n"
    )


def test_a_bill_of_payments_lacks_what_is_of_refunds(shop: Shop, clock: Clock) -> None:
    of = a_day(shop, clock)
    app, own = shop.keys.app_id, shop.keys.mch_id
    assert text_of(shop, "trade_success") == (
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
        "付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注\r\n"
        f"`2026-11-24 16:00:00,`{app},`{own},`0,`,`{of['first']},`order_1,`{BUYER},`JSAPI,`SUCCESS,"
        "`OTHERS,`CNY,`100.00,`0.00,`茶\\ 大杯\\n冰,`a\\ b,`0.60000,`0.60%,`100.00,`\r\n"
        f"`2026-11-24 16:01:00,`{app},`{own},`{SUB},`,`{of['sub']},`order_2,`oPartner,`JSAPI,"
        "`SUCCESS,`OTHERS,`CNY,`2.50,`0.00,`一杯拿铁,`,`0.02000,`0.60%,`2.50,`\r\n"
        f"{SUMS}`2,`102.50,`0.00,`0.00,`0.62000,`102.50,`0.00\r\n"
    )


def test_a_bill_of_refunds_tells_their_times(shop: Shop, clock: Clock) -> None:
    of = a_day(shop, clock)
    text = text_of(shop, "trade_refund").split("\r\n")
    assert text[0] == ALL.rstrip().replace(
        "代金券金额,微信退款单号", "代金券金额,退款申请时间,退款成功时间,微信退款单号"
    )
    app, own = shop.keys.app_id, shop.keys.mch_id
    assert text[1] == (
        f"`2026-11-24 16:00:00,`{app},`{own},`0,`,`{of['first']},`order_1,`{BUYER},`JSAPI,`REFUND,"
        f"`OTHERS,`CNY,`0.00,`0.00,`2026-11-24 16:02:00,`2026-11-24 16:02:00,`{of['success']},"
        "`refund_success,`20.00,`0.00,`ORIGINAL,`SUCCESS,`茶\\ 大杯\\n冰,`a\\ b,`-0.12000,`0.60%,"
        "`0.00,`20.00,`"
    )
    assert columns_of(shop, "trade_refund", "退款申请时间", "退款成功时间", "退款状态")[1:] == [
        ("2026-11-24 16:03:00", "", "PROCESSING"),
        ("2026-11-24 16:04:00", "", "CHANGE"),
        ("2026-11-24 16:05:00", "", "FAIL"),
    ]
    assert text[-2] == "`4,`0.00,`80.00,`0.00,`-0.36000,`0.00,`80.00"


@pytest.mark.parametrize("outcome", ["success", "abnormal", "closed"])
def test_what_was_told_of_a_refund_stays(shop: Shop, clock: Clock, outcome: str) -> None:
    paid(shop, "order_1")
    refund(shop, "order_1", "refund_1", 300)
    clock.forward(days=1)
    told = text_of(shop, "trade_refund")
    assert columns_of(shop, "trade_all", "退款状态") == [("",), ("PROCESSING",)]
    end_refund(shop, "refund_1", outcome)
    assert text_of(shop, "trade_refund") == told
    assert columns_of(shop, "trade_all", "退款状态") == [("",), ("PROCESSING",)]


def test_a_day_is_a_day_in_china(shop: Shop, clock: Clock) -> None:
    clock.forward(hours=7, minutes=59, seconds=59)
    paid(shop, "order_1")
    clock.forward(seconds=1)
    paid(shop, "order_2")
    refund(shop, "order_1", "refund_1", 300)  # of yesterday's payment, today
    clock.forward(days=1)
    names = ("交易时间", "商户订单号", "交易状态")
    assert columns_of(shop, "trade_all", *names) == [("2026-11-24 23:59:59", "order_1", "SUCCESS")]
    assert columns_of(shop, "trade_all", *names, day=NEXT) == [
        ("2026-11-25 00:00:00", "order_2", "SUCCESS"),
        ("2026-11-25 00:00:00", "order_1", "REFUND"),
    ]
    assert [row[0] for row in rows_of(shop, "trade_refund", NEXT)] == ["2026-11-24 23:59:59"]
    assert asked_for(shop, "trade_refund").code == "NO_STATEMENT_EXIST"


def test_a_sub_merchant_s_bill_is_its_own(shop: Shop, clock: Clock) -> None:
    paid(shop, "order_1")
    paid_to_sub(shop, "order_2")
    clock.forward(days=1)
    rows = rows_of(shop, "trade_all", more=f"&sub_mchid={SUB}")
    assert [(row[2], row[3], row[6]) for row in rows] == [(shop.keys.mch_id, SUB, "order_2")]
    assert asked_for(shop, "trade_all", more="&sub_mchid=1").code == "NO_STATEMENT_EXIST"


@pytest.mark.parametrize("bill", PATHS)
def test_a_day_without_lines_has_no_bill(shop: Shop, clock: Clock, bill: str) -> None:
    paid_to_sub(shop, "order_1", frozen=False)
    clock.forward(days=2)
    empty = asked_for(shop, bill, NEXT)
    assert (empty.status, empty.code) == (400, "NO_STATEMENT_EXIST")
    assert is_signed(shop.keys, empty.headers, empty.body)


@pytest.mark.parametrize("bill", PATHS)
@pytest.mark.parametrize(
    ("day", "code"),
    [
        (DAY, "INVALID_REQUEST"),  # today
        (NEXT, "INVALID_REQUEST"),
        ("2026-11-23", "NO_STATEMENT_EXIST"),
        ("2026-08-24", "NO_STATEMENT_EXIST"),
        ("2026-08-23", "INVALID_REQUEST"),
        ("2026-11-31", "PARAM_ERROR"),
        ("20261123", "PARAM_ERROR"),
        ("", "PARAM_ERROR"),
    ],
)
def test_a_bill_is_of_a_past_day_within_three_months(
    shop: Shop, bill: str, day: str, code: str
) -> None:
    reply = asked_for(shop, bill, day)
    assert (reply.status, reply.code) == (400, code)


def test_three_months_before_a_long_month_is_its_last_day() -> None:
    assert months_before(date(2026, 5, 31), 3) == date(2026, 2, 28)
    assert months_before(date(2026, 1, 15), 3) == date(2025, 10, 15)


@pytest.mark.parametrize(
    "query",
    [
        "tradebill?bill_date=2026-11-23&bill_type=NONE",
        "tradebill?bill_date=2026-11-23&tar_type=ZIP",
        "tradebill?bill_date=2026-11-23&colour=green",
        "tradebill",
        "fundflowbill?bill_date=2026-11-23&account_type=NONE",
    ],
)
def test_a_wrong_query_is_refused(shop: Shop, query: str) -> None:
    assert shop.call("GET", f"/v3/bill/{query}").code == "PARAM_ERROR"


@pytest.mark.parametrize("account", ["OPERATION", "FEES"])
def test_nothing_moves_on_other_accounts(shop: Shop, clock: Clock, account: str) -> None:
    paid(shop, "order_1")
    clock.forward(days=1)
    path = f"/v3/bill/fundflowbill?bill_date={DAY}&account_type={account}"
    assert shop.call("GET", path).code == "NO_STATEMENT_EXIST"


def test_a_file_is_zipped_when_that_is_asked_and_never_signed(shop: Shop, clock: Clock) -> None:
    paid(shop, "order_1")
    clock.forward(days=1)
    zipped = downloaded(shop, asked_for(shop, "trade_all").json)
    plain = downloaded(shop, asked_for(shop, "trade_all", more="").json)
    assert gzip.decompress(zipped.body) == plain.body
    assert plain.body.startswith(b"\xef\xbb\xbf" + "交易时间,".encode())
    assert plain.body.endswith(b"\r\n")
    assert plain.body.count(b"\n") == plain.body.count(b"\r\n") == 4
    for reply in (zipped, plain):
        assert reply.status == 200
        assert "wechatpay-signature" not in reply.headers
        assert "content-encoding" not in reply.headers


def test_a_token_lives_five_minutes_and_may_be_used_again(shop: Shop, clock: Clock) -> None:
    paid(shop, "order_1")
    clock.forward(days=1)
    told = asked_for(shop, "trade_all").json
    clock.forward(minutes=4, seconds=59)
    assert downloaded(shop, told).status == downloaded(shop, told).status == 200
    clock.forward(seconds=1)
    late = downloaded(shop, told)
    assert (late.status, late.code) == (400, "INVALID_REQUEST")
    assert downloaded(shop, asked_for(shop, "trade_all").json).status == 200
    assert shop.call("GET", "/v3/billdownload/file?token=none").code == "INVALID_REQUEST"
    assert shop.call("GET", "/v3/billdownload/file").code == "PARAM_ERROR"


def test_a_file_is_asked_for_with_a_signature(shop: Shop, clock: Clock) -> None:
    paid(shop, "order_1")
    clock.forward(days=1)
    told = asked_for(shop, "trade_all").json
    target = told["download_url"].removeprefix(shop.address)
    headers = shop.signed("GET", target, b"")
    assert shop.send("GET", target.split("?")[0], b"", headers).code == "SIGN_ERROR"
    del headers["Authorization"]
    assert shop.send("GET", target, b"", headers).code == "SIGN_ERROR"


def test_a_file_belongs_to_the_merchant_that_asked(keys: SandboxKeys, clock: Clock) -> None:
    app = build(keys, now=clock)
    server, address = serve(app)
    shop = Shop(keys, address, clock)
    paid(shop, "order_1")
    clock.forward(days=1)
    told = asked_for(shop, "trade_all").json
    other = keys.model_copy(update={"mch_id": "1900000999"})
    app.keys = other
    refused = downloaded(Shop(other, address, clock, pool=shop.pool), told)
    assert (refused.status, refused.code) == (403, "NO_AUTH")
    shop.pool.clear()
    server.stop()


@pytest.mark.parametrize("bill", PATHS)
@pytest.mark.parametrize(
    ("kind", "status"), [("error_500", 500), ("error_429", 429), ("html_502", 502)]
)
def test_faults_meet_bills_too(shop: Shop, clock: Clock, bill: str, kind: str, status: int) -> None:
    daybook.share(shop, paid_to_sub(shop, "order_1"), "split_1", {"m1": 10})
    paid(shop, "order_2")
    refund(shop, "order_2", "refund_1", 1)
    clock.forward(days=1)
    shop.control("faults", path=PATHS[bill].split("?")[0], kind=kind)
    assert asked_for(shop, bill).status == status
    told = asked_for(shop, bill).json
    shop.control("faults", path="/v3/billdownload", kind=kind)
    assert downloaded(shop, told).status == status
    assert downloaded(shop, told).status == 200


def test_a_download_may_break_off_or_be_badly_signed(shop: Shop, clock: Clock) -> None:
    paid(shop, "order_1")
    clock.forward(days=1)
    told = asked_for(shop, "trade_all").json
    shop.control("faults", path="/v3/billdownload", kind="drop_answer")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        downloaded(shop, told)
    shop.control("faults", path="/v3/billdownload", kind="bad_signature")
    reply = downloaded(shop, told)
    assert reply.status == 200
    assert not is_signed(shop.keys, reply.headers, reply.body)
    assert "wechatpay-signature" in reply.headers


def test_what_was_told_outlives_a_restart(keys: SandboxKeys, clock: Clock, tmp_path: Any) -> None:
    server, address = serve(build(keys, now=clock, data_dir=tmp_path))
    first = Shop(keys, address, clock)
    first.control("settings", fee_basis_points=60)
    paid(first, "order_1")
    refund(first, "order_1", "refund_1", 300)
    clock.forward(days=1)
    told = text_of(first, "trade_all")
    end_refund(first, "refund_1", "success")
    first.pool.clear()
    server.stop()
    server, address = serve(build(keys, now=clock, data_dir=tmp_path))
    shop = Shop(keys, address, clock)
    assert text_of(shop, "trade_all") == told
    shop.pool.clear()
    server.stop()


def test_a_great_day_is_made_in_seconds(keys: SandboxKeys, clock: Clock) -> None:
    app = build(keys, now=clock)
    server, address = serve(app)
    shop = Shop(keys, address, clock)
    shop.control("settings", fee_basis_points=60)
    paid_to_sub(shop, "frozen_0")
    paid(shop, "order_0")
    refund(shop, "order_0", "refund_0", 100)
    models = [app._book.order(name) for name in ("order_0", "frozen_0")]
    back = app._book.refunds.get("refund_0")
    assert back
    for number in range(1, 10_000):
        for order in models:
            assert order
            assert order.paid_at
            name = f"{order.out_trade_no[:-2]}_{number}"
            prepay = order.prepay.model_copy(update={"out_trade_no": name})
            at = order.paid_at + timedelta(seconds=number)
            new = {"prepay": prepay, "prepay_id": name, "transaction_id": name, "paid_at": at}
            app._book.keep(order.model_copy(update=new))
        asked = back.asked.model_copy(update={"out_refund_no": f"refund_{number}"})
        of = {"transaction_id": f"order_{number}", "out_trade_no": f"order_{number}"}
        app._book.refunds.keep(back.model_copy(update={"asked": asked, **of}))
    clock.forward(days=31)
    before = time.monotonic()
    assert summary_of(shop, "trade_all")[0] == "30000"
    assert summary_of(shop, "fundflow")[:3] == ["30000", "10000", "100000.00"]
    assert summary_of(shop, "shares", "2026-12-24") == ["10000", "99400.00"]
    assert time.monotonic() - before < SECONDS_MAX
    shop.pool.clear()
    server.stop()
