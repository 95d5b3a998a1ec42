"""WeChat's pushes: verified before they are opened, and refused by name."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.providers.port import NotificationRefusedError
from chalicelib.providers.wechat.push import WeChatPushes
from local.sandbox import SandboxKeys
from local.sandbox.pushes import encrypted, signed

EVENT = "trade_manage_order_settlement"
MESSAGE = {
    "Event": EVENT,
    "merchant_trade_no": "pay_01KAMBPZR0000000000000000A",
    "transaction_id": "42",
}


@pytest.fixture(scope="module")
def keys() -> SandboxKeys:
    return SandboxKeys.generate(datetime.now(UTC))


def reader(keys: SandboxKeys, **changed: str) -> WeChatPushes:
    facts = {
        "app_id": keys.app_id,
        "token": keys.push_token,
        "encoding_aes_key": keys.push_aes_key,
    }
    return WeChatPushes(**{**facts, **changed})


def push(keys: SandboxKeys, message: Any = MESSAGE) -> tuple[dict[str, str], bytes]:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    sealed = encrypted(keys, raw)
    return signed(keys, sealed), json.dumps({"ToUserName": "gh", "Encrypt": sealed}).encode()


def refused(pushes: WeChatPushes, query: dict[str, str], body: bytes) -> str:
    with pytest.raises(NotificationRefusedError) as raised:
        pushes.read(query, body)
    return raised.value.reason


def test_a_true_push_is_read(keys: SandboxKeys) -> None:
    pushed = reader(keys).read(*push(keys))
    assert pushed.event == EVENT
    assert pushed.number == MESSAGE["merchant_trade_no"]
    assert pushed.transaction_id == "42"


def test_what_is_missing_or_of_another_kind_is_empty(keys: SandboxKeys) -> None:
    pushed = reader(keys).read(*push(keys, {"Event": 3, "merchant_trade_no": ["a"]}))
    assert (pushed.event, pushed.number, pushed.transaction_id) == ("", "", "")


def test_a_forged_push_is_refused(keys: SandboxKeys) -> None:
    query, body = push(keys)
    pushes = reader(keys)
    for name in ("msg_signature", "timestamp", "nonce"):
        assert refused(pushes, query | {name: "0"}, body) == "signature"
        assert refused(pushes, {k: v for k, v in query.items() if k != name}, body) == "signature"
    other, _ = push(keys, MESSAGE | {"merchant_trade_no": "pay_2"})
    assert refused(pushes, other, body) == "signature"
    assert refused(reader(keys, token="another"), query, body) == "signature"


def test_the_plain_signature_is_not_enough(keys: SandboxKeys) -> None:
    """It does not cover the body: whoever has seen one push could send any other."""
    query, body = push(keys)
    replaced = query | {"msg_signature": query["signature"]}
    assert refused(reader(keys), replaced, body) == "signature"
    plain = json.dumps(MESSAGE).encode()
    assert refused(reader(keys), query, plain) == "body"


def test_a_push_for_another_app_is_refused(keys: SandboxKeys) -> None:
    query, body = push(keys)
    assert refused(reader(keys, app_id="wx_other"), query, body) == "app"


def test_another_key_opens_nothing(keys: SandboxKeys) -> None:
    query, body = push(keys)
    other = base64.b64encode(bytes(32)).decode().removesuffix("=")
    assert refused(reader(keys, encoding_aes_key=other), query, body) in {"ciphertext", "app"}


@pytest.mark.parametrize("message", [b"", b"no", b"[]", b'{"a":1,"a":2}'])
def test_a_message_that_is_no_object_is_refused(keys: SandboxKeys, message: bytes) -> None:
    assert refused(reader(keys), *push(keys, message)) == "body"


@given(st.binary(max_size=200))
def test_no_sealed_bytes_ever_break_it(keys: SandboxKeys, raw: bytes) -> None:
    sealed = base64.b64encode(raw).decode()
    body = json.dumps({"Encrypt": sealed}).encode()
    assert refused(reader(keys), signed(keys, sealed), body) in {"ciphertext", "app", "body"}


@given(st.binary(max_size=200))
def test_no_body_ever_breaks_it(keys: SandboxKeys, raw: bytes) -> None:
    assert refused(reader(keys), signed(keys, "x"), raw) in {"body", "signature"}


def test_the_address_is_proved_by_an_echo(keys: SandboxKeys) -> None:
    query = signed(keys, "x") | {"echostr": "5927782489442352469"}
    assert reader(keys).echo(query) == "5927782489442352469"
    for echostr in ("a\r\nb", "收", "a" * 300):
        with pytest.raises(NotificationRefusedError):
            reader(keys).echo(query | {"echostr": echostr})
    for wrong in ({"signature": "0"}, {"nonce": "0"}):
        with pytest.raises(NotificationRefusedError):
            reader(keys).echo(query | wrong)


def test_the_signature_is_the_sha1_of_the_sorted_parts(keys: SandboxKeys) -> None:
    """As WeChat's own page computes it, written down a second time."""
    query = {"timestamp": "1409735669", "nonce": "xxxxxx", "echostr": "e"}
    text = "".join(sorted([keys.push_token, "1409735669", "xxxxxx"]))
    query["signature"] = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    assert reader(keys).echo(query) == "e"
