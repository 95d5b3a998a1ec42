"""Complaints: made, told of, listed, answered, completed, made once more, taken back."""

from typing import Any

import pytest

from local.sandbox import SandboxKeys
from local.sandbox.orders import CHINA
from tests.sandbox.shop import NUMBER, Clock, Mailbox, Reply, Shop, opened

PATH = "/v3/merchant-service/complaints-v2"


def complaint(shop: Shop, **asked: Any) -> Any:
    if shop.query().status == 404:
        shop.prepaid()
        shop.control("pay", out_trade_no=NUMBER, deliver=False)
    made = shop.control("complaints", **({"out_trade_no": NUMBER, "deliver": False} | asked))
    assert made.status == 200
    return made.json


def tell(shop: Shop, complaint_id: str, what: str, **changed: Any) -> Reply:
    said = {"response_content": "已退款"} if what == "response" else {}
    body = {"complainted_mchid": shop.keys.mch_id} | said | changed
    return shop.call("POST", f"{PATH}/{complaint_id}/{what}", body)


def test_a_complaint_is_told_of_by_its_id_alone(
    shop: Shop, keys: SandboxKeys, mailbox: Mailbox
) -> None:
    made = complaint(shop, deliver=True)
    assert [each["status"] for each in made["deliveries"]] == [204]
    (letter,) = mailbox.wait_for(1)
    told = opened(keys, letter.body)
    assert told == {"complaint_id": made["complaint_id"], "action_type": "CREATE_COMPLAINT"}


def test_a_complaint_from_pending_to_processed(shop: Shop) -> None:
    made = complaint(shop, text="空包裹")
    at = f"{PATH}/{made['complaint_id']}"
    told = shop.call("GET", at).json
    assert (told["complaint_state"], told["complaint_detail"]) == ("PENDING", "空包裹")
    (order,) = told["complaint_order_info"]
    assert order["out_trade_no"] == NUMBER
    assert tell(shop, made["complaint_id"], "response").status == 204
    assert shop.call("GET", at).json["complaint_state"] == "PROCESSING"
    assert tell(shop, made["complaint_id"], "response").status == 204
    assert tell(shop, made["complaint_id"], "complete").status == 204
    assert shop.call("GET", at).json["complaint_state"] == "PROCESSED"
    assert tell(shop, made["complaint_id"], "complete").code == "INVALID_REQUEST"
    assert tell(shop, made["complaint_id"], "response").code == "INVALID_REQUEST"
    steps = shop.call("GET", f"{at}/negotiation-historys?limit=2&offset=1").json["data"]
    assert [step["operate_type"] for step in steps] == ["MERCHANT_RESPONSE"] * 2
    again = shop.control(f"complaints/{made['complaint_id']}", action="continue", deliver=False)
    assert (again.json["complaint_state"], again.json["user_complaint_times"]) == ("PENDING", 2)
    gone = shop.control(f"complaints/{made['complaint_id']}", action="withdraw", deliver=False)
    assert gone.json["complaint_state"] == "PROCESSED"


def test_complaints_are_listed_by_chinas_days(shop: Shop, clock: Clock) -> None:
    numbers = [complaint(shop)["complaint_id"] for _ in range(3)]
    day = clock().astimezone(CHINA).date().isoformat()
    first = shop.call("GET", f"{PATH}?begin_date=2020-01-01&end_date=2020-01-02").json
    assert (first["data"], first["total_count"]) == ([], 0)
    span = f"begin_date={day}&end_date={day}"
    page = shop.call("GET", f"{PATH}?{span}&limit=2&offset=2").json
    assert [one["complaint_id"] for one in page["data"]] == numbers[2:]
    assert "total_count" not in page


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "?begin_date=2026-11-24", None, "PARAM_ERROR"),
        ("GET", "?begin_date=2026-10-01&end_date=2026-11-24", None, "PARAM_ERROR"),
        ("GET", "?begin_date=2026-11-24&end_date=2026-11-23", None, "PARAM_ERROR"),
        ("GET", "?begin_date=24.11.2026&end_date=2026-11-24", None, "PARAM_ERROR"),
        ("GET", "?begin_date=2026-11-24&end_date=2026-11-24&limit=51", None, "PARAM_ERROR"),
        ("GET", "?begin_date=2026-11-24&end_date=2026-11-24&limit=x", None, "PARAM_ERROR"),
        ("GET", "/nobody", None, "RESOURCE_NOT_EXISTS"),
        ("POST", "/nobody/complete", {"complainted_mchid": "1900000001"}, "RESOURCE_NOT_EXISTS"),
        ("POST", "/nobody/response", {"complainted_mchid": "1900000001"}, "PARAM_ERROR"),
    ],
)
def test_what_is_wrong_is_refused_by_code(
    shop: Shop, method: str, path: str, body: Any, code: str
) -> None:
    assert shop.call(method, f"{PATH}{path}", body).code == code


def test_only_the_merchant_it_is_about_answers(shop: Shop) -> None:
    made = complaint(shop)
    other = tell(shop, made["complaint_id"], "response", complainted_mchid="1911111111")
    assert other.code == "NO_AUTH"
    long = tell(shop, made["complaint_id"], "response", response_content="长" * 201)
    assert long.code == "PARAM_ERROR"
    assert shop.control("complaints", out_trade_no="nobody-paid-this").code == "ORDER_NOT_EXIST"
