"""Profit sharing: frozen money goes to receivers, the rest to the merchant, to the fen."""

from typing import Any

import pytest
import urllib3

from tests.sandbox.shop import NUMBER, Clock, Shop

ROOT = "/v3/profitsharing"
FROZEN = {"settle_info": {"profit_sharing": True}, "amount": {"total": 1000, "currency": "CNY"}}
SPLIT = "split_1"
Json = dict[str, Any]


def paid(shop: Shop, number: str = NUMBER, **changed: Any) -> str:
    """Pay an order whose money is frozen; return WeChat Pay's number."""
    shop.prepaid(number, **(FROZEN | changed))
    return str(shop.control("pay", out_trade_no=number, deliver=False).json["transaction_id"])


def share(amount: int, account: str = "1900000001", **changed: Any) -> Json:
    return {
        "type": "MERCHANT_ID",
        "account": account,
        "amount": amount,
        "description": "佣金",
    } | changed


def form(shop: Shop, payment: str, *shares: Json, **changed: Any) -> Json:
    return {
        "appid": shop.keys.app_id,
        "transaction_id": payment,
        "out_order_no": SPLIT,
        "receivers": list(shares),
        "unfreeze_unsplit": False,
    } | changed


def split(shop: Shop, payment: str, *shares: Json, **changed: Any) -> Any:
    return shop.call("POST", f"{ROOT}/orders", form(shop, payment, *shares, **changed))


def look(shop: Shop, payment: str, number: str = SPLIT) -> Any:
    return shop.call("GET", f"{ROOT}/orders/{number}?transaction_id={payment}")


def unfreeze(shop: Shop, payment: str, number: str = "free_1") -> Any:
    asked = {"transaction_id": payment, "out_order_no": number, "description": "解冻"}
    return shop.call("POST", f"{ROOT}/orders/unfreeze", asked)


def unsplit(shop: Shop, payment: str) -> int:
    return int(shop.call("GET", f"{ROOT}/transactions/{payment}/amounts").json["unsplit_amount"])


def money(shop: Shop) -> Json:
    held: Json = shop.send("GET", "/control/money", b"", {}).json["transactions"][0]
    under_way = held["frozen"] + held["pending"] + held["released"]
    assert under_way + sum(held["shared"].values()) == held["total"]
    return held


def test_a_share_is_pending_until_it_is_asked_after(shop: Shop) -> None:
    payment = paid(shop)
    assert unsplit(shop, payment) == 1000
    first = split(shop, payment, share(100), share(50, "o1", type="PERSONAL_OPENID")).json
    assert (first["state"], first["out_order_no"]) == ("PROCESSING", SPLIT)
    assert [each["result"] for each in first["receivers"]] == ["PENDING", "PENDING"]
    assert (money(shop)["pending"], money(shop)["shared"]) == (150, {})
    found = look(shop, payment).json
    assert (found["state"], found["order_id"]) == ("FINISHED", first["order_id"])
    assert [each["result"] for each in found["receivers"]] == ["SUCCESS", "SUCCESS"]
    assert money(shop)["shared"] == {"1900000001": 100, "o1": 50}
    assert unsplit(shop, payment) == 850


def test_a_share_may_end_at_once(shop: Shop) -> None:
    shop.control("settings", sharing_instant=True)
    assert split(shop, paid(shop), share(100)).json["state"] == "FINISHED"


def test_the_same_again_is_the_same_order(shop: Shop) -> None:
    payment = paid(shop)
    first = split(shop, payment, share(100, name="one ciphertext")).json
    assert split(shop, payment, share(100, name="another")).json == first
    other = split(shop, payment, share(101))
    assert (other.status, other.code) == (400, "INVALID_REQUEST")
    assert money(shop)["pending"] == 100


@pytest.mark.parametrize(
    ("shares", "status", "code"),
    [
        ([300], 200, None),
        ([200, 101], 403, "RULE_LIMIT"),
        ([301], 403, "RULE_LIMIT"),
        ([1001], 403, "NOT_ENOUGH"),
        ([0], 400, "PARAM_ERROR"),
        ([1] * 50, 200, None),
        ([1] * 51, 400, "PARAM_ERROR"),
        ([], 400, "PARAM_ERROR"),
    ],
)
def test_what_one_call_may_share(
    shop: Shop, shares: list[int], status: int, code: str | None
) -> None:
    reply = split(shop, paid(shop), *(share(each, f"m{n}") for n, each in enumerate(shares)))
    assert (reply.status, reply.json.get("code")) == (status, code)


def test_the_cap_is_cumulative_and_can_be_set(shop: Shop) -> None:
    payment = paid(shop)
    assert split(shop, payment, share(200)).status == 200
    assert split(shop, payment, share(101), out_order_no="b").code == "RULE_LIMIT"
    shop.control("settings", max_ratio=3010)
    assert split(shop, payment, share(101), out_order_no="b").status == 200


def test_a_receiver_comes_once_in_a_call(shop: Shop) -> None:
    assert split(shop, paid(shop), share(1), share(2)).code == "INVALID_REQUEST"


def test_a_receiver_must_have_been_added_when_that_is_asked(shop: Shop) -> None:
    shop.control("settings", receivers_open=False)
    payment = paid(shop)
    assert split(shop, payment, share(100)).code == "INVALID_REQUEST"
    who = {"appid": shop.keys.app_id, "type": "MERCHANT_ID", "account": "1900000001"}
    added = who | {"relation_type": "DISTRIBUTOR", "name": "ciphertext"}
    nameless = who | {"relation_type": "DISTRIBUTOR"}
    assert shop.call("POST", f"{ROOT}/receivers/add", nameless).code == "PARAM_ERROR"
    for _ in range(2):
        assert shop.call("POST", f"{ROOT}/receivers/add", added).status == 200
    assert split(shop, payment, share(100)).status == 200
    for _ in range(2):
        assert shop.call("POST", f"{ROOT}/receivers/delete", who).status == 200
    assert split(shop, payment, share(100), out_order_no="b").code == "INVALID_REQUEST"


def test_what_is_not_frozen_is_not_shared(shop: Shop) -> None:
    payment = paid(shop, settle_info=None)
    assert split(shop, payment, share(1)).code == "INVALID_REQUEST"
    assert (money(shop)["frozen"], money(shop)["released"]) == (0, 1000)
    unknown = split(shop, "4200", share(1))
    assert (unknown.status, unknown.code) == (404, "ORDER_NOT_EXIST")
    wrong = look(shop, payment)
    assert (wrong.status, wrong.code) == (404, "RESOURCE_NOT_EXISTS")


def test_a_failed_share_is_frozen_again(shop: Shop) -> None:
    payment = paid(shop)
    shop.control("shares/1900000001", fail_reason="ACCOUNT_ABNORMAL")
    split(shop, payment, share(100), share(50, "m2"))
    closed, kept = look(shop, payment).json["receivers"]
    assert (closed["result"], closed["fail_reason"]) == ("CLOSED", "ACCOUNT_ABNORMAL")
    assert kept["result"] == "SUCCESS"
    assert unsplit(shop, payment) == 950
    shop.control("shares/1900000001", fail_reason=None)
    split(shop, payment, share(250), out_order_no="b")
    assert look(shop, payment, "b").json["receivers"][0]["result"] == "SUCCESS"
    assert money(shop)["shared"] == {"m2": 50, "1900000001": 250}


def test_an_unfreezing_gives_the_rest_to_the_merchant(shop: Shop) -> None:
    payment = paid(shop)
    split(shop, payment, share(100))
    free = unfreeze(shop, payment).json
    assert [(each["account"], each["amount"]) for each in free["receivers"]] == [
        (shop.keys.mch_id, 900)
    ]
    assert look(shop, payment, "free_1").json["state"] == "FINISHED"
    assert (money(shop)["frozen"], money(shop)["released"]) == (0, 900)
    assert split(shop, payment, share(1), out_order_no="b").code == "INVALID_REQUEST"
    late = unfreeze(shop, payment, "free_2")
    assert (late.status, late.code) == (403, "NOT_ENOUGH")
    assert unfreeze(shop, payment).json["order_id"] == free["order_id"]


def test_an_unfreezing_under_a_used_number_says_yes_and_does_nothing(shop: Shop) -> None:
    payment = paid(shop)
    split(shop, payment, share(100))
    assert unfreeze(shop, payment, SPLIT).status == 200
    assert unsplit(shop, payment) == 900


def test_a_share_may_release_the_rest(shop: Shop) -> None:
    payment = paid(shop)
    shop.control("shares/1900000001", fail_reason="NO_RELATION")
    split(shop, payment, share(100), unfreeze_unsplit=True)
    assert money(shop)["released"] == 900
    look(shop, payment)
    assert (money(shop)["frozen"], money(shop)["released"]) == (100, 900)
    assert unfreeze(shop, payment).status == 200
    assert money(shop)["released"] == 1000


def test_after_thirty_days_the_rest_is_released_by_itself(shop: Shop, clock: Clock) -> None:
    payment = paid(shop)
    split(shop, payment, share(100))
    look(shop, payment)
    clock.forward(days=30)
    assert split(shop, payment, share(1), out_order_no="b").code == "INVALID_REQUEST"
    assert unsplit(shop, payment) == 0
    assert money(shop)["released"] == 900
    assert unfreeze(shop, payment).code == "NOT_ENOUGH"


def test_sharing_may_have_to_wait(shop: Shop, clock: Clock) -> None:
    shop.control("settings", sharing_waits=True)
    payment = paid(shop)
    assert split(shop, payment, share(1)).code == "INVALID_REQUEST"
    clock.forward(minutes=1)
    assert split(shop, payment, share(1)).status == 200


def test_a_share_comes_back_to_the_merchant(shop: Shop, clock: Clock) -> None:
    payment = paid(shop)
    split(shop, payment, share(100))
    asked = {
        "out_order_no": SPLIT,
        "out_return_no": "back_1",
        "return_mchid": "1900000001",
        "amount": 60,
        "description": "退款",
    }
    returns = f"{ROOT}/return-orders"
    assert shop.call("POST", returns, asked).code == "INVALID_REQUEST"  # nothing has arrived yet
    look(shop, payment)
    first = shop.call("POST", returns, asked).json
    assert first["result"] == "PROCESSING"
    assert shop.call("POST", returns, asked).json == first
    assert shop.call("POST", returns, asked | {"amount": 1}).code == "INVALID_REQUEST"
    second = asked | {"out_return_no": "back_2"}
    assert shop.call("POST", returns, second | {"amount": 41}).code == "INVALID_REQUEST"
    found = shop.call("GET", f"{returns}/back_1?out_order_no={SPLIT}").json
    assert (found["result"], found["return_id"]) == ("SUCCESS", first["return_id"])
    assert money(shop)["returned"] == {"1900000001": 60}
    assert unsplit(shop, payment) == 900
    shop.control("shares/1900000001", fail_reason="ACCOUNT_ABNORMAL")
    shop.call("POST", returns, second | {"amount": 40})
    failed = shop.call("GET", f"{returns}/back_2?out_order_no={SPLIT}").json
    assert (failed["result"], failed["fail_reason"]) == ("FAILED", "ACCOUNT_ABNORMAL")
    assert shop.call("GET", f"{returns}/none?out_order_no={SPLIT}").status == 404
    clock.forward(days=180)
    late = second | {"out_return_no": "back_3", "amount": 1}
    assert shop.call("POST", returns, late).code == "INVALID_REQUEST"


@pytest.mark.parametrize("call", ["orders", "orders/unfreeze"])
def test_a_dropped_answer_has_shared_once(shop: Shop, call: str) -> None:
    payment = paid(shop)
    shop.control("faults", path=f"{ROOT}/{call}", method="POST", kind="drop_answer")

    def ask() -> Any:
        if call == "orders":
            return split(shop, payment, share(100))
        return unfreeze(shop, payment)

    with pytest.raises(urllib3.exceptions.ProtocolError):
        ask()
    assert ask().status == 200
    assert money(shop)["frozen"] == (900 if call == "orders" else 0)
