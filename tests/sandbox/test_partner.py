"""A partner's payments: found under their sub-merchant, paid, told of and shared like any other."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from local.sandbox import SandboxKeys, build, serve
from tests.sandbox.shop import NUMBER, Clock, Mailbox, Reply, Shop, opened

ROOT = "/v3/pay/partner/transactions"
SUB = "1900000109"


def prepay(shop: Shop, **changed: Any) -> Reply:
    form = shop.form()
    del form["appid"], form["mchid"]
    parties = {"sp_appid": shop.keys.app_id, "sp_mchid": shop.keys.mch_id, "sub_mchid": SUB}
    payer = {"payer": {"sp_openid": "oPartner"}}
    return shop.call("POST", f"{ROOT}/jsapi", form | parties | payer | changed)


def prepaid(shop: Shop, **changed: Any) -> str:
    reply = prepay(shop, **changed)
    assert reply.status == 200, reply.body
    return str(reply.json["prepay_id"])


def query(shop: Shop, sub_mchid: str = SUB, sp_mchid: str = "", path: str = "") -> Reply:
    parties = f"sp_mchid={sp_mchid or shop.keys.mch_id}&sub_mchid={sub_mchid}"
    return shop.call("GET", f"{ROOT}/{path or f'out-trade-no/{NUMBER}'}?{parties}")


def close(shop: Shop, **changed: Any) -> Reply:
    asked = {"sp_mchid": shop.keys.mch_id, "sub_mchid": SUB} | changed
    return shop.call("POST", f"{ROOT}/out-trade-no/{NUMBER}/close", asked)


def test_a_payment_is_told_under_its_parties(shop: Shop, mailbox: Mailbox) -> None:
    prepay_id = prepaid(shop)
    assert prepaid(shop) == prepay_id
    paid = shop.control("pay", out_trade_no=NUMBER).json
    told = query(shop).json
    assert told["trade_state"] == "SUCCESS"
    assert (told["sp_appid"], told["sp_mchid"]) == (shop.keys.app_id, shop.keys.mch_id)
    assert (told["sub_mchid"], told["payer"]) == (SUB, {"sp_openid": "oPartner"})
    assert not {"appid", "mchid", "sub_appid"} & told.keys()
    assert query(shop, path=f"id/{paid['transaction_id']}").json == told
    assert opened(shop.keys, mailbox.received[0].body) == told


def test_a_payer_may_come_by_the_sub_merchant_s_app(shop: Shop) -> None:
    assert prepay(shop, payer={"sub_openid": "oSub"}).code == "PARAM_ERROR"
    prepaid(shop, payer={"sub_openid": "oSub"}, sub_appid="wxsub")
    shop.control("pay", out_trade_no=NUMBER, deliver=False)
    told = query(shop).json
    assert (told["sub_appid"], told["payer"]["sub_openid"]) == ("wxsub", "oSub")
    assert told["payer"]["sp_openid"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"payer": {}}, "PARAM_ERROR"),
        ({"payer": {"sp_openid": "a", "sub_openid": "b"}, "sub_appid": "wx"}, "PARAM_ERROR"),
        ({"payer": {"openid": "a"}}, "PARAM_ERROR"),
        ({"appid": "wx"}, "PARAM_ERROR"),
        ({"sub_mchid": ""}, "PARAM_ERROR"),
        ({"sp_mchid": "1"}, "MCH_NOT_EXISTS"),
        ({"sp_appid": "wx"}, "APPID_MCHID_NOT_MATCH"),
    ],
)
def test_a_wrong_prepay_is_refused(shop: Shop, changed: dict[str, Any], code: str) -> None:
    reply = prepay(shop, **changed)
    assert (reply.status, reply.code) == (400, code)


def test_a_number_is_used_once_over_all(shop: Shop) -> None:
    prepaid(shop)
    assert prepay(shop, sub_mchid="1900000110").code == "INVALID_REQUEST"
    assert shop.call("POST", "/v3/pay/transactions/jsapi", shop.form()).code == "INVALID_REQUEST"


def test_an_order_is_found_under_its_own_merchants_alone(shop: Shop) -> None:
    prepaid(shop)
    strangers = [query(shop, "1900000110"), close(shop, sub_mchid="1900000110")]
    strangers += [shop.query(), shop.close()]
    assert {(each.status, each.code) for each in strangers} == {(404, "ORDER_NOT_EXIST")}
    others = [query(shop, sp_mchid="1"), close(shop, sp_mchid="1")]
    assert {(each.status, each.code) for each in others} == {(400, "MCH_NOT_EXISTS")}
    path = f"{ROOT}/out-trade-no/{NUMBER}?sp_mchid={shop.keys.mch_id}"
    assert shop.call("GET", path).code == "PARAM_ERROR"
    assert query(shop).json["trade_state"] == "NOTPAY"


def test_a_direct_order_is_no_partner_s(shop: Shop) -> None:
    shop.prepaid()
    assert query(shop).code == "ORDER_NOT_EXIST"
    assert close(shop).code == "ORDER_NOT_EXIST"


def test_a_close_is_a_close(shop: Shop) -> None:
    prepaid(shop)
    assert [close(shop).status for _ in range(2)] == [204, 204]
    assert query(shop).json["trade_state"] == "CLOSED"


def test_the_cashier_names_the_sub_merchant(shop: Shop) -> None:
    path = f"/cashier/{prepaid(shop)}"
    assert SUB in shop.send("GET", path, b"", {}).body.decode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert shop.send("POST", path, b"action=pay", form).status == 303
    assert query(shop).json["trade_state"] == "SUCCESS"


@pytest.mark.parametrize(("lie", "name"), [("mchid", "sp_mchid"), ("sub_mchid", "sub_mchid")])
def test_a_notification_may_lie_about_its_parties(
    shop: Shop, mailbox: Mailbox, lie: str, name: str
) -> None:
    prepaid(shop)
    shop.control("pay", out_trade_no=NUMBER, **{lie: "1"})
    truth = query(shop).json
    assert opened(shop.keys, mailbox.received[0].body) == truth | {name: "1"}


def test_a_sub_merchant_s_money_is_shared_under_its_number(shop: Shop) -> None:
    prepaid(shop, settle_info={"profit_sharing": True})
    payment = shop.control("pay", out_trade_no=NUMBER, deliver=False).json["transaction_id"]
    receiver = {"type": "PERSONAL_OPENID", "account": "o1", "amount": 99, "description": "佣金"}
    asked = {
        "appid": shop.keys.app_id,
        "transaction_id": payment,
        "out_order_no": "split_1",
        "receivers": [receiver],
        "unfreeze_unsplit": False,
    }
    path = "/v3/profitsharing/orders"
    for stranger in (asked, asked | {"sub_mchid": "1900000110"}):
        assert shop.call("POST", path, stranger).code == "ORDER_NOT_EXIST"
    assert shop.call("POST", path, asked | {"sub_mchid": SUB}).json["sub_mchid"] == SUB
    look = f"{path}/split_1?transaction_id={payment}"
    assert shop.call("GET", look).code == "RESOURCE_NOT_EXISTS"
    assert shop.call("GET", f"{look}&sub_mchid={SUB}").json["state"] == "FINISHED"
    free = {"transaction_id": payment, "out_order_no": "free", "description": "解冻"}
    freed = shop.call("POST", f"{path}/unfreeze", free | {"sub_mchid": SUB}).json
    assert freed["receivers"][0]["account"] == SUB
    held = shop.send("GET", "/control/money", b"", {}).json["transactions"]
    assert held == [
        {
            "out_trade_no": NUMBER,
            "transaction_id": payment,
            "sub_mchid": SUB,
            "total": 1999,
            "fee": 0,
            "frozen": 0,
            "pending": 0,
            "shared": {"o1": 99},
            "returned": {},
            "refunded": 0,
            "released": 1900,
        }
    ]


def test_a_dropped_answer_has_kept_the_order(shop: Shop) -> None:
    shop.control("faults", path=ROOT, method="POST", kind="drop_answer")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        prepay(shop)
    assert query(shop).json["trade_state"] == "NOTPAY"
    assert prepaid(shop)
    assert len(shop.listed("orders")) == 1


def test_orders_and_shares_outlive_a_restart(
    keys: SandboxKeys, clock: Clock, tmp_path: Path
) -> None:
    server, address = serve(build(keys, now=clock, data_dir=tmp_path))
    first = Shop(keys, address, clock)
    prepaid(first, settle_info={"profit_sharing": True})
    payment = first.control("pay", out_trade_no=NUMBER, deliver=False).json["transaction_id"]
    free = {"transaction_id": payment, "out_order_no": "free", "description": "解冻"}
    path = "/v3/profitsharing/orders"
    told = first.call("POST", f"{path}/unfreeze", free | {"sub_mchid": SUB}).json
    first.pool.clear()
    server.stop()
    clock.time += timedelta(minutes=1)
    server, address = serve(build(keys, now=clock, data_dir=tmp_path))
    shop = Shop(keys, address, clock)
    assert query(shop).json["sub_mchid"] == SUB
    again = shop.call("GET", f"{path}/free?transaction_id={payment}&sub_mchid={SUB}").json
    assert again["order_id"] == told["order_id"]
    shop.pool.clear()
    server.stop()
