"""Notifications: sealed, signed, told again until they are taken."""

import time
from typing import Any

import pytest

from tests.sandbox.shop import NUMBER, Mailbox, Shop, is_signed, opened


def settled(shop: Shop, *, deliveries: int) -> dict[str, Any]:
    """Wait until the one notification isn't owed any more, and its last delivery is written."""
    for _ in range(500):
        notice = shop.listed("notifications")[0]
        if len(notice["deliveries"]) == deliveries:
            return notice
        time.sleep(0.01)
    raise AssertionError("still owed")


def test_a_notification_says_what_a_query_says(shop: Shop, mailbox: Mailbox) -> None:
    shop.prepaid(attach="order:1")
    answer = shop.control("pay", out_trade_no=NUMBER).json
    assert [each["status"] for each in answer["deliveries"]] == [204]
    letter = mailbox.received[0]
    assert is_signed(shop.keys, letter.headers, letter.body)
    assert letter.headers["wechatpay-serial"] == shop.keys.public_key_id
    assert letter.headers["content-type"] == "application/json"
    assert opened(shop.keys, letter.body) == shop.query().json
    envelope = letter.json
    assert envelope.pop("resource")["original_type"] == "transaction"
    assert envelope == {
        "id": answer["notification_id"],
        "create_time": "2026-11-24T16:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
    }


@pytest.mark.parametrize("sign_with", ["certificate", "public_key"])
@pytest.mark.parametrize("how", ["call", "settings"])
def test_the_signing_key_is_chosen(shop: Shop, mailbox: Mailbox, sign_with: str, how: str) -> None:
    shop.prepaid()
    if how == "settings":
        shop.control("settings", sign_with=sign_with)
        shop.control("pay", out_trade_no=NUMBER)
    else:
        shop.control("pay", out_trade_no=NUMBER, sign_with=sign_with)
    letter = mailbox.received[0]
    serials = {
        "certificate": shop.keys.platform[-1].serial_no,
        "public_key": shop.keys.public_key_id,
    }
    assert letter.headers["wechatpay-serial"] == serials[sign_with]
    assert is_signed(shop.keys, letter.headers, letter.body)


def test_what_isn_t_taken_comes_again_with_the_same_id(shop: Shop, mailbox: Mailbox) -> None:
    mailbox.plan += [500, 302, 201]
    shop.prepaid()
    answer = shop.control("pay", out_trade_no=NUMBER).json
    assert [each["status"] for each in answer["deliveries"]] == [500]
    letters = mailbox.wait_for(4)
    assert len({letter.json["id"] for letter in letters}) == 1
    assert len({letter.headers["wechatpay-nonce"] for letter in letters}) == 4
    assert len({letter.headers["wechatpay-signature"] for letter in letters}) == 4
    assert all(is_signed(shop.keys, letter.headers, letter.body) for letter in letters)
    assert [each["status"] for each in settled(shop, deliveries=4)["deliveries"]] == [
        500,
        302,
        201,
        204,
    ]


def test_it_is_given_up_after_the_last_retry(shop: Shop, mailbox: Mailbox) -> None:
    mailbox.plan += [500] * 9
    shop.prepaid()
    shop.control("pay", out_trade_no=NUMBER)
    mailbox.wait_for(4)
    assert settled(shop, deliveries=4)["retries_left"] == 0
    time.sleep(0.05)
    assert len(mailbox.received) == 4


def test_nobody_there_is_told_as_no_status(shop: Shop) -> None:
    shop.prepaid(notify_url="http://127.0.0.1:9/n")
    delivery = shop.control("pay", out_trade_no=NUMBER).json["deliveries"][0]
    assert delivery["status"] is None
    assert delivery["reason"] == "NewConnectionError"


def test_a_sign_test_is_followed_by_the_genuine_one(shop: Shop, mailbox: Mailbox) -> None:
    mailbox.plan += [401]
    shop.prepaid()
    shop.control("pay", out_trade_no=NUMBER, sign_with="signtest")
    test, genuine = mailbox.wait_for(2)
    assert test.headers["wechatpay-signature"].startswith("WECHATPAY/SIGNTEST/")
    assert not is_signed(shop.keys, test.headers, test.body)
    assert is_signed(shop.keys, genuine.headers, genuine.body)
    assert genuine.json["id"] == test.json["id"]


def test_copies_and_a_second_pay_are_the_same_payment(shop: Shop, mailbox: Mailbox) -> None:
    shop.prepaid()
    first = shop.control("pay", out_trade_no=NUMBER, times=3).json
    again = shop.control("pay", out_trade_no=NUMBER).json
    assert len(first["deliveries"]) == 3
    assert again["transaction_id"] == first["transaction_id"]
    assert len({letter.json["id"] for letter in mailbox.received}) == 1
    assert len(mailbox.received) == 4


def test_a_delayed_notification_comes_later(shop: Shop, mailbox: Mailbox) -> None:
    prepay_id = shop.prepaid()
    answer = shop.control("pay", prepay_id=prepay_id, times=2, delay_ms=50).json
    assert (answer["trade_state"], answer["deliveries"]) == ("SUCCESS", [])
    assert len(mailbox.wait_for(2)) == 2


@pytest.mark.parametrize(
    ("asked", "state"),
    [({"deliver": False}, "SUCCESS"), ({"outcome": "refused"}, "NOTPAY")],
)
def test_nothing_is_sent(shop: Shop, mailbox: Mailbox, asked: dict[str, Any], state: str) -> None:
    shop.prepaid()
    answer = shop.control("pay", out_trade_no=NUMBER, **asked).json
    assert (answer["trade_state"], answer["deliveries"]) == (state, [])
    assert shop.query().json["trade_state"] == state
    assert not mailbox.received


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"amount_total": 1}, {"total": 1}),
        ({"currency": "USD"}, {"currency": "USD"}),
        ({"transaction_id": "4200" + "9" * 24}, {"transaction_id": "4200" + "9" * 24}),
        ({"mchid": "1900000000"}, {"mchid": "1900000000"}),
    ],
)
def test_a_notification_may_lie_but_a_query_does_not(
    shop: Shop, mailbox: Mailbox, asked: dict[str, Any], told: dict[str, Any]
) -> None:
    shop.prepaid()
    honest = shop.control("pay", out_trade_no=NUMBER).json["notification_id"]
    truth = shop.query().json
    lie = shop.control("pay", out_trade_no=NUMBER, **asked).json["notification_id"]
    heard = opened(shop.keys, mailbox.received[1].body)
    flat = heard | heard["amount"]
    assert {name: flat[name] for name in told} == told
    assert is_signed(shop.keys, mailbox.received[1].headers, mailbox.received[1].body)
    assert shop.query().json == truth
    assert lie != honest


def test_late_money_is_told_of_a_closed_order_when_forced(shop: Shop, mailbox: Mailbox) -> None:
    shop.prepaid()
    shop.close()
    shop.control("pay", out_trade_no=NUMBER, force=True)
    assert opened(shop.keys, mailbox.received[0].body)["trade_state"] == "SUCCESS"


def test_a_refusal_of_what_is_paid_is_refused(shop: Shop) -> None:
    shop.prepaid()
    shop.control("pay", out_trade_no=NUMBER, deliver=False)
    assert shop.control("pay", out_trade_no=NUMBER, outcome="refused").code == "ORDERPAID"
