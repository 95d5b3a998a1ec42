"""Transfers: asked once, confirmed by the payee, told of at their end."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3

from local.sandbox import SandboxKeys, build, serve
from tests.sandbox.shop import BILL_NO, BILLS, NUMBER, Clock, Mailbox, Shop, is_signed, opened


def test_a_transfer_waits_for_its_payee(shop: Shop) -> None:
    reply = shop.transfer()
    assert reply.status == 200
    assert is_signed(shop.keys, reply.headers, reply.body)
    told = reply.json
    assert told.pop("package_info")
    bill_no = told.pop("transfer_bill_no")
    assert told == {
        "out_bill_no": BILL_NO,
        "create_time": "2026-11-24T16:00:00+08:00",
        "state": "WAIT_USER_CONFIRM",
    }
    found = shop.bill().json
    assert found == {
        "mch_id": shop.keys.mch_id,
        "out_bill_no": BILL_NO,
        "transfer_bill_no": bill_no,
        "appid": shop.keys.app_id,
        "state": "WAIT_USER_CONFIRM",
        "transfer_amount": 500,
        "transfer_remark": "佣金",
        "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "create_time": "2026-11-24T16:00:00+08:00",
        "update_time": "2026-11-24T16:00:00+08:00",
    }
    assert shop.call("GET", f"{BILLS}/transfer-bill-no/{bill_no}").json == found
    assert shop.listed("transfers") == [found]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"out_bill_no": "pyo_1"}, "/out_bill_no"),
        ({"out_bill_no": "a" * 33}, "/out_bill_no"),
        ({"transfer_amount": 9}, "/transfer_amount"),
        ({"transfer_amount": 20_000_001}, "/transfer_amount"),
        ({"transfer_amount": "10"}, "/transfer_amount"),
        ({"transfer_remark": "字" * 33}, "/transfer_remark"),
        ({"transfer_remark": ""}, "/transfer_remark"),
        ({"notify_url": "http://shop.test/n"}, "/notify_url"),
        ({"transfer_scene_report_infos": [{"info_type": "a"}]}, None),
        ({"colour": "green"}, "/colour"),
    ],
)
def test_a_wrong_transfer_is_refused(
    shop: Shop, changed: dict[str, Any], field: str | None
) -> None:
    reply = shop.transfer(**changed)
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")
    assert field in {None, reply.json["detail"]["field"]}
    assert not shop.listed("transfers")


def test_another_s_app_is_refused(shop: Shop) -> None:
    assert shop.transfer(appid="wx0").code == "APPID_MCHID_NOT_MATCH"


def test_the_same_again_is_the_same_bill_as_it_now_stands(shop: Shop) -> None:
    first = shop.transfer(user_name="one ciphertext").json
    assert shop.transfer(user_name="another ciphertext").json == first
    shop.control(f"transfers/{BILL_NO}", outcome="confirmed", deliver=False)
    again = shop.transfer().json
    assert (again["transfer_bill_no"], again["state"]) == (first["transfer_bill_no"], "SUCCESS")
    assert "package_info" not in again


@pytest.mark.parametrize(
    "changed", [{"transfer_amount": 501}, {"openid": "o2"}, {"transfer_remark": "b"}]
)
def test_another_content_under_a_used_number_is_refused(
    shop: Shop, changed: dict[str, Any]
) -> None:
    shop.transfer()
    reply = shop.transfer(**changed)
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")
    assert shop.bill().json["transfer_amount"] == 500


def test_an_unknown_bill_is_not_found(shop: Shop) -> None:
    replies = [
        shop.bill(),
        shop.call("GET", f"{BILLS}/transfer-bill-no/1"),
        shop.call("POST", f"{BILLS}/out-bill-no/{BILL_NO}/cancel"),
        shop.control(f"transfers/{BILL_NO}"),
    ]
    assert [(reply.status, reply.code) for reply in replies] == [(404, "NOT_FOUND")] * 4


@pytest.mark.parametrize(
    ("asked", "state", "reason"),
    [
        ({"outcome": "confirmed"}, "SUCCESS", None),
        ({"outcome": "failed", "fail_reason": "OPENID_INVALID"}, "FAIL", "OPENID_INVALID"),
        ({"outcome": "failed"}, "FAIL", "ACCOUNT_FROZEN"),
        ({"outcome": "cancelled"}, "CANCELLED", None),
    ],
)
def test_an_end_is_told_of(
    shop: Shop, mailbox: Mailbox, asked: dict[str, Any], state: str, reason: str | None
) -> None:
    shop.transfer()
    answer = shop.control(f"transfers/{BILL_NO}", **asked).json
    assert (answer["state"], answer["fail_reason"]) == (state, reason)
    assert [each["status"] for each in answer["deliveries"]] == [204]
    letter = mailbox.received[0]
    assert is_signed(shop.keys, letter.headers, letter.body)
    envelope = letter.json
    resource = envelope.pop("resource")
    assert (resource["original_type"], resource["associated_data"]) == (
        "mchtransfer",
        "mch_transfer",
    )
    assert envelope["event_type"] == "MCHTRANSFER.BILL.FINISHED"
    assert envelope["id"] == answer["notification_id"]
    told = shop.bill().json
    assert told["state"] == state
    assert told.get("fail_reason") == reason
    heard = opened(shop.keys, letter.body)
    assert heard == {name: told[name] for name in told.keys() - {"appid", "transfer_remark"}}


def test_an_end_is_told_again_until_it_is_taken(shop: Shop, mailbox: Mailbox) -> None:
    mailbox.plan += [500, 500]
    shop.transfer()
    shop.control(f"transfers/{BILL_NO}", times=2)
    letters = mailbox.wait_for(3)
    assert len({letter.json["id"] for letter in letters}) == 1


def test_an_end_may_be_told_later_or_not_at_all(shop: Shop, mailbox: Mailbox) -> None:
    shop.transfer()
    assert not shop.control(f"transfers/{BILL_NO}", deliver=False).json["notification_id"]
    assert not shop.control(f"transfers/{BILL_NO}", delay_ms=30).json["deliveries"]
    mailbox.wait_for(1)


def test_an_end_is_the_end(shop: Shop) -> None:
    shop.transfer()
    shop.control(f"transfers/{BILL_NO}", deliver=False)
    assert shop.control(f"transfers/{BILL_NO}", deliver=False).json["state"] == "SUCCESS"
    assert shop.control(f"transfers/{BILL_NO}", outcome="failed").code == "INVALID_REQUEST"
    reply = shop.call("POST", f"{BILLS}/out-bill-no/{BILL_NO}/cancel")
    assert (reply.status, reply.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "asked", [{"outcome": "lost"}, {"fail_reason": "why"}, {"times": 0}, {"colour": "green"}]
)
def test_a_wrong_end_is_refused(shop: Shop, asked: dict[str, Any]) -> None:
    shop.transfer()
    assert shop.control(f"transfers/{BILL_NO}", **asked).code == "PARAM_ERROR"


def test_a_cancelling_is_over_at_the_next_look(shop: Shop, mailbox: Mailbox) -> None:
    bill_no = shop.transfer().json["transfer_bill_no"]
    assert shop.call("POST", f"{BILLS}/out-bill-no/{BILL_NO}/cancel").json == {
        "out_bill_no": BILL_NO,
        "transfer_bill_no": bill_no,
        "state": "CANCELING",
        "update_time": "2026-11-24T16:00:00+08:00",
    }
    assert shop.bill().json["state"] == "CANCELLED"
    again = shop.call("POST", f"{BILLS}/out-bill-no/{BILL_NO}/cancel")
    assert (again.status, again.json["state"]) == (200, "CANCELLED")
    assert opened(shop.keys, mailbox.wait_for(1)[0].body)["state"] == "CANCELLED"


def test_what_nobody_confirms_within_a_day_fails(
    shop: Shop, clock: Clock, mailbox: Mailbox
) -> None:
    shop.transfer()
    clock.forward(hours=23, minutes=59)
    assert shop.bill().json["state"] == "WAIT_USER_CONFIRM"
    clock.forward(minutes=1)
    told = shop.bill().json
    assert (told["state"], told["fail_reason"]) == ("FAIL", "OVERDUE_CLOSE")
    shop.bill()
    assert opened(shop.keys, mailbox.wait_for(1)[0].body)["fail_reason"] == "OVERDUE_CLOSE"
    assert shop.control(f"transfers/{BILL_NO}").code == "INVALID_REQUEST"
    assert len(shop.listed("notifications")) == 1


def test_no_more_is_paid_out_than_there_is(shop: Shop, clock: Clock) -> None:
    assert shop.control("settings", transfer_balance=800).json["transfer_balance"] == 800
    shop.transfer()
    assert shop.transfer().status == 200  # the same bill again costs nothing
    poor = shop.transfer("second")
    assert (poor.status, poor.code) == (403, "NOT_ENOUGH")
    assert shop.bill("second").code == "NOT_FOUND"
    assert shop.control("settings").json["transfer_balance"] == 300
    clock.forward(days=1)  # the first fails, and its money is back
    assert shop.transfer("second").status == 200
    assert shop.control("settings", transfer_balance=None).json["transfer_balance"] is None
    assert shop.transfer("third", transfer_amount=20_000_000).status == 200


def test_a_dropped_answer_has_kept_the_bill(shop: Shop) -> None:
    shop.control("settings", transfer_balance=500)
    shop.control("faults", path=BILLS, method="POST", kind="drop_answer")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        shop.transfer()
    assert shop.transfer().json["state"] == "WAIT_USER_CONFIRM"
    assert len(shop.listed("transfers")) == 1
    assert shop.listed("requests")[2]["number"] == BILL_NO


def test_bills_outlive_a_restart(keys: SandboxKeys, clock: Clock, tmp_path: Path) -> None:
    server, address = serve(build(keys, now=clock, data_dir=tmp_path))
    first = Shop(keys, address, clock)
    told = first.transfer().json
    first.pool.clear()
    server.stop()
    server, address = serve(build(keys, now=clock, data_dir=tmp_path))
    shop = Shop(keys, address, clock)
    assert shop.transfer().json == told
    shop.pool.clear()
    server.stop()


def test_a_notice_kept_before_there_were_transfers_is_delivered(
    keys: SandboxKeys, clock: Clock, mailbox: Mailbox, tmp_path: Path
) -> None:
    (tmp_path / "sandbox").mkdir()
    told = {"transaction_id": "4200", "out_trade_no": NUMBER}
    old: dict[str, Any] = {
        "id": "old",
        "out_trade_no": NUMBER,
        "url": mailbox.url,
        "created_at": "2026-11-24T08:00:00Z",
        "transaction": told,
        "sign_with": None,
        "deliveries": [],
        "retries_left": 1,
    }
    state = tmp_path / "sandbox" / "state.json"
    state.write_text(json.dumps({"orders": [], "notices": [old]}))
    soon = (timedelta(milliseconds=10),)
    server, _ = serve(build(keys, now=clock, data_dir=tmp_path, retries=soon))
    letter = mailbox.wait_for(1)[0]
    server.stop()
    assert letter.json["event_type"] == "TRANSACTION.SUCCESS"
    assert opened(keys, letter.body) == told
