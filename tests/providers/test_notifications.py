"""Notifications: what is taken, and every way of being refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.kernel.money import Money, fen
from chalicelib.providers.port import Collected, Ignored, NotificationRefusedError
from tests.providers import far_side as far


def refusal(
    headers: far.Headers, body: bytes, *, at: datetime = far.NOW, **account: Any
) -> str | None:
    """Return the reason of the refusal, or nothing if it was taken."""
    pay, _ = far.client(clock=far.FakeClock(at), **account)
    try:
        pay.read_notification(headers, body)
    except NotificationRefusedError as error:
        return str(error.facts["reason"])
    return None


def reread(body: bytes, **signing: Any) -> str | None:
    """Sign any body genuinely, and read it."""
    return refusal(far.signed(body, **signing), body)


def test_a_paid_trade_is_collected() -> None:
    pay, wire = far.client()
    assert pay.read_notification(*far.notification()) == Collected(
        provider="wechatpay",
        number=far.PAYMENT,
        attach="ord_01KAMBPZR0000000000000000A",
        transaction_id="4200002101202611240123456789",
        amount=fen(1999),  # asked for; the payer gave less, with a coupon
        paid_at=datetime(2026, 11, 24, 7, 59, 58, tzinfo=UTC),
    )
    assert wire.calls == []


def test_what_a_stranger_paid_is_collected_as_text() -> None:
    pay, _ = far.client()
    told = pay.read_notification(
        *far.notification(
            out_trade_no="legacy|42*", attach=None, amount={"total": 1, "currency": "USD"}
        )
    )
    assert isinstance(told, Collected)
    assert (told.number, told.attach) == ("legacy|42*", "")
    assert told.amount == Money(amount=1, currency="USD")


@pytest.mark.parametrize("event", ["VIOLATION.PUNISH", "TRANSACTION.FAIL", "SOMETHING.NEW"])
def test_a_true_event_we_do_not_know_is_ignored(event: str) -> None:
    body = far.envelope({"anything": "at all"}, event_type=event)
    pay, _ = far.client()
    assert pay.read_notification(far.signed(body), body) == Ignored(
        provider="wechatpay", event_type=event, notification_id="EV-2026112415595800001"
    )


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(-301, "stale"), (-300, "stale"), (-299, None), (0, None), (299, None), (300, "stale")],
)
@pytest.mark.parametrize("micros", [0, 999_999])
def test_the_window_is_five_minutes_both_ways(
    seconds: int, micros: int, reason: str | None
) -> None:
    at = far.NOW + timedelta(seconds=seconds, microseconds=micros)
    assert refusal(*far.notification(), at=at) == reason


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title, str.swapcase])
def test_header_names_have_no_case(spell: Any) -> None:
    headers, body = far.notification()
    assert refusal({spell(name): value for name, value in headers.items()}, body) is None


def test_the_signature_type_may_be_absent() -> None:
    headers, body = far.notification()
    del headers["Wechatpay-Signature-Type"]
    assert refusal(headers, body) is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3", "headers"),
        ("Wechatpay-Signature-Type", "", "headers"),
        ("Wechatpay-Timestamp", "", "headers"),
        ("Wechatpay-Timestamp", f"{far.NOW_SECONDS}000", "headers"),
        ("Wechatpay-Timestamp", f" {far.NOW_SECONDS}", "headers"),
        ("Wechatpay-Timestamp", f"{far.NOW_SECONDS}\n", "headers"),
        ("Wechatpay-Timestamp", f"+{far.NOW_SECONDS}", "headers"),
        ("Wechatpay-Timestamp", f"{far.NOW_SECONDS}.0", "headers"),
        ("Wechatpay-Timestamp", "1_7_9", "headers"),
        ("Wechatpay-Timestamp", "１７９５５０７２００", "headers"),
        ("Wechatpay-Timestamp", "9" * 5000, "headers"),
        ("Wechatpay-Timestamp", "0", "stale"),
        ("Wechatpay-Timestamp", str(far.NOW_SECONDS + 1), "signature"),
        ("Wechatpay-Nonce", "", "headers"),
        ("Wechatpay-Nonce", "a\nb", "headers"),
        ("Wechatpay-Nonce", "another", "signature"),
        ("Wechatpay-Serial", "", "serial"),
        ("Wechatpay-Serial", "PUB_KEY_ID_0", "serial"),
        ("Wechatpay-Serial", far.PUBLIC_KEY_ID.lower(), "serial"),
        ("Wechatpay-Serial", "ABCDEF0123456789", "serial"),
        ("Wechatpay-Signature", "", "signature"),
        ("Wechatpay-Signature", "not base64", "signature"),
        ("Wechatpay-Signature", "WECHATPAY/SIGNTEST/" + "A" * 325, "signature"),
        ("Wechatpay-Signature", "é", "signature"),
    ],
)
def test_each_header_is_looked_at(name: str, value: str, reason: str) -> None:
    headers, body = far.notification()
    assert refusal(headers | {name: value}, body) == reason


@pytest.mark.parametrize(
    "name", ["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial"]
)
def test_each_header_is_needed(name: str) -> None:
    headers, body = far.notification()
    del headers[name]
    assert refusal(headers, body) == "headers"


def test_a_header_given_twice_is_refused() -> None:
    headers, body = far.notification()
    assert refusal(headers | {"WECHATPAY-SERIAL": "x"}, body) == "headers"


def test_a_signature_has_one_spelling() -> None:
    headers, body = far.notification()
    genuine = headers["Wechatpay-Signature"]
    assert genuine.endswith("==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = alphabet[alphabet.index(genuine[-3]) ^ 1]
    for other in (genuine[:-3] + twin + "==", genuine + "\n", genuine[:-2], genuine + "===="):
        assert refusal(headers | {"Wechatpay-Signature": other}, body) == "signature"


def test_the_border_between_nonce_and_body_cannot_move() -> None:
    inner = far.envelope(far.sealed(far.json_bytes(far.trade())))
    headers = far.signed(b"first\n" + inner, nonce="n")
    assert refusal(headers | {"Wechatpay-Nonce": "n\nfirst"}, inner) == "headers"


def test_a_forger_with_a_key_of_his_own_is_refused() -> None:
    _, body = far.notification()
    assert refusal(far.signed(body, by="forger"), body) == "signature"


def test_both_kinds_of_keys_are_believed_at_once() -> None:
    """A merchant that is switching gets notifications under either."""
    _, body = far.notification()
    old = far.certificate("platform")
    under_the_certificate = far.signed(body, by="platform", serial=old.serial)
    under_the_public_key = far.signed(body)
    for headers in (under_the_certificate, under_the_public_key):
        assert refusal(headers, body, certificates=[old]) is None
    lower_case = far.signed(body, by="platform", serial=old.serial.lower())
    assert refusal(lower_case, body, certificates=[old]) is None
    assert refusal(under_the_certificate, body) == "serial"
    crossed = far.signed(body, by="platform", serial=far.PUBLIC_KEY_ID)
    assert refusal(crossed, body, certificates=[old]) == "signature"


def test_an_expired_certificate_is_believed_no_more() -> None:
    _, body = far.notification()
    old = far.certificate("ended", days=0)
    headers = far.signed(body, by="ended", serial=old.serial, at=far.NOW_SECONDS - 1)
    before = far.NOW - timedelta(seconds=1)
    assert refusal(headers, body, at=before, certificates=[old]) is None
    assert refusal(headers, body, at=far.NOW, certificates=[old]) == "serial"


def test_the_previous_seal_key_still_opens() -> None:
    body = far.envelope(far.sealed(far.json_bytes(far.trade()), key=far.API_V3_KEY_OLD))
    headers = far.signed(body)
    assert refusal(headers, body) == "ciphertext"
    assert refusal(headers, body, api_v3_key_previous=far.API_V3_KEY_OLD) is None
    assert refusal(*far.notification(), api_v3_key_previous=far.API_V3_KEY_OLD) is None


@pytest.mark.parametrize("aad", ["", None])
def test_associated_data_may_be_empty_null_or_missing(aad: str | None) -> None:
    resource = far.sealed(far.json_bytes(far.trade()), aad="")
    assert reread(far.envelope(resource | {"associated_data": aad})) is None
    del resource["associated_data"]
    assert reread(far.envelope(resource)) is None


@pytest.mark.parametrize("aad", [0, False, [], {}])
def test_associated_data_is_text_or_nothing(aad: object) -> None:
    resource = far.sealed(far.json_bytes(far.trade()), aad="") | {"associated_data": aad}
    assert reread(far.envelope(resource)) == "ciphertext"


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "AEAD_SM4_GCM"},
        {"algorithm": None},
        {"ciphertext": None},
        {"ciphertext": 5},
        {"ciphertext": ""},
        {"ciphertext": "AAAA"},
        {"ciphertext": "not base64"},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": "longer than twelve"},
        {"nonce": "收款收款"},  # twelve bytes, another nonce
        {"nonce": ["fdasflkja484"]},
        {"associated_data": "other"},
        {"associated_data": ["transaction"]},
        {"associated_data": {"a": 1}},
    ],
)
def test_a_seal_that_does_not_open_is_refused(changes: dict[str, Any]) -> None:
    resource = far.sealed(far.json_bytes(far.trade())) | changes
    assert reread(far.envelope(resource)) == "ciphertext"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b"\xff",
        b'{"a":' * 5000,
        b"[" * 65_000,
        b'{"event_type":"TRANSACTION.SUCCESS"}',
        b'{"event_type":"TRANSACTION.SUCCESS","resource":[]}',
        b'{"event_type":"TRANSACTION.SUCCESS","event_type":"X","id":"1"}',
        b'{"event_type":["TRANSACTION.SUCCESS"]}',
        b'{"event_type":"X"}',
        b'{"event_type":"X","id":7}',
        b'{"event_type":"X","id":"1","n":1.5}',
        b'{"event_type":"' + b"X" * 65 + b'","id":"1"}',
        b'{"event_type":"X","id":"\\ud800"}',
        b'{"id":"' + b"x" * 65_536 + b'"}',
    ],
)
def test_a_signed_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    assert reread(body) == "body"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trade_state": "NOTPAY"}, "state"),
        ({"trade_state": "REFUND"}, "state"),
        ({"trade_state": "CLOSED"}, "state"),
        ({"trade_state": None}, "state"),
        ({"trade_state": ["SUCCESS"]}, "state"),
        ({"combine_out_trade_no": "20260101", "sub_orders": []}, "state"),
        ({"combine_mchid": far.MCH_ID}, "state"),
        ({"mchid": "1900000001"}, "merchant"),
        ({"mchid": int(far.MCH_ID)}, "merchant"),
        ({"mchid": None, "sp_mchid": far.MCH_ID}, "merchant"),
        ({"appid": "wx0"}, "app"),
        ({"appid": None}, "app"),
        ({"out_trade_no": None}, "body"),
        ({"out_trade_no": ""}, "body"),
        ({"out_trade_no": 5}, "body"),
        ({"out_trade_no": "9" * 65}, "body"),
        ({"transaction_id": None}, "body"),
        ({"attach": ["ord"]}, "body"),
        ({"attach": {}}, "body"),
        ({"attach": "x" * 129}, "body"),
        ({"amount": None}, "body"),
        ({"amount": 1999}, "body"),
        ({"amount": {"payer_total": 1999, "currency": "CNY"}}, "body"),
        ({"amount": {"total": 0, "currency": "CNY"}}, "body"),
        ({"amount": {"total": -1, "currency": "CNY"}}, "body"),
        ({"amount": {"total": True, "currency": "CNY"}}, "body"),
        ({"amount": {"total": "1999", "currency": "CNY"}}, "body"),
        ({"amount": {"total": 19.99, "currency": "CNY"}}, "body"),
        ({"amount": {"total": 10**15 + 1, "currency": "CNY"}}, "body"),
        ({"amount": {"total": 1999}}, "body"),
        ({"amount": {"total": 1999, "currency": "cny"}}, "body"),
        ({"amount": {"total": 1999, "currency": "CNY\n"}}, "body"),
        ({"amount": {"total": 1999, "currency": ["CNY"]}}, "body"),
        ({"success_time": None}, "body"),
        ({"success_time": ""}, "body"),
        ({"success_time": "2026-11-24"}, "body"),
        ({"success_time": "2026-11-24T15:59:58"}, "body"),
        ({"success_time": "2026-02-30T15:59:58+08:00"}, "body"),
        ({"success_time": "0001-01-01T00:00:00+08:00"}, "body"),
        ({"success_time": "9999-12-31T23:59:59-08:00"}, "body"),
        ({"success_time": "2026-11-24T15:59:58+99:99"}, "body"),
        ({"success_time": 1795507198}, "body"),
    ],
)
def test_a_true_notification_is_looked_at_field_by_field(
    changes: dict[str, Any], reason: str
) -> None:
    assert refusal(*far.notification(**changes)) == reason


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"mchid":NaN}',
        b'{"x":' * 50,
        json.dumps(far.trade()).encode()[:-1] + b',"amount":{"total":1,"currency":"CNY"}}',
    ],
)
def test_what_was_sealed_is_read_as_strictly(plaintext: bytes) -> None:
    assert reread(far.envelope(far.sealed(plaintext))) == "body"


def test_a_refusal_repeats_nothing_of_what_was_sent() -> None:
    headers, body = far.notification(mchid="1900000001")
    pay, _ = far.client()
    with pytest.raises(NotificationRefusedError) as caught:
        pay.read_notification(headers, body)
    assert "1900000001" not in str(caught.value)
    assert caught.value.__cause__ is None
