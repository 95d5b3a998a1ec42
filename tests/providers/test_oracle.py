"""Agreement with an independent implementation (PyPI `wechatpayv3`), both ways."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpayv3 import WeChatPay as Oracle
from wechatpayv3 import WeChatPayType
from wechatpayv3.utils import (
    aes_decrypt,
    build_authorization,
    load_private_key,
    load_public_key,
    rsa_sign,
    rsa_verify,
)

from chalicelib.providers.port import Collected
from chalicelib.providers.wechatpay.keys import KeyRing
from chalicelib.providers.wechatpay.sealed import SealKeys
from chalicelib.providers.wechatpay.signing import MerchantKey
from chalicelib.providers.wechatpay.verify import verify
from tests.providers import far_side as far

AUTHORIZATION = re.compile(
    r'WECHATPAY2-SHA256-RSA2048 mchid="(\d+)",nonce_str="(\w+)",signature="([^"]+)",'
    r'timestamp="(\d+)",serial_no="(\w+)"'
)


def oracle() -> Any:
    return Oracle(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=far.MCH_ID,
        private_key=far.private_pem(far.rsa_key("merchant")),
        cert_serial_no=far.MERCHANT_SERIAL,
        apiv3_key=far.API_V3_KEY,
        appid=far.APP_ID,
        notify_url="https://shop.test/n",
        public_key=far.public_pem(far.rsa_key("wechat")),
        public_key_id=far.PUBLIC_KEY_ID,
    )


def merchant_key() -> MerchantKey:
    pem = far.private_pem(far.rsa_key("merchant"))
    return MerchantKey.load(mch_id=far.MCH_ID, serial_no=far.MERCHANT_SERIAL, pem=pem)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/v3/certificates", ""),
        ("GET", "/v3/pay/transactions/out-trade-no/a%7Cb?mchid=1&x=%E6%94%B6", ""),
        ("POST", "/v3/pay/transactions/jsapi", '{"description":"一杯拿铁"}'),
    ],
)
def test_the_oracle_verifies_our_authorization(method: str, target: str, body: str) -> None:
    ours = merchant_key().authorization(
        method=method, target=target, body=body.encode(), timestamp=1554208460, nonce="N0NCE"
    )
    parts = AUTHORIZATION.fullmatch(ours)
    assert parts is not None
    mch_id, nonce, signature, timestamp, serial = parts.groups()
    assert (mch_id, nonce, timestamp) == (far.MCH_ID, "N0NCE", "1554208460")
    assert serial == far.MERCHANT_SERIAL
    public = load_public_key(far.public_pem(far.rsa_key("merchant")))
    # The oracle verifies three lines; ours are five: the first two go where its timestamp is.
    head = f"{method}\n{target}\n{timestamp}"
    assert rsa_verify(head, nonce, body, signature, public)
    assert not rsa_verify(head, nonce, body + " ", signature, public)


def test_the_oracle_writes_the_same_authorization() -> None:
    key = load_private_key(far.private_pem(far.rsa_key("merchant")))
    theirs = build_authorization(
        "/v3/x", "POST", far.MCH_ID, far.MERCHANT_SERIAL, key, data='{"a":1}', nonce_str="N0NCE"
    )
    stamp = re.search(r'timestamp="(\d+)"', theirs)
    assert stamp is not None
    ours = merchant_key().authorization(
        method="POST",
        target="/v3/x",
        body=b'{"a":1}',
        timestamp=int(stamp.group(1)),
        nonce="N0NCE",
    )
    assert ours == theirs


def test_pay_sign_is_the_oracles() -> None:
    pay, _ = far.client(far.answer({"prepay_id": "wx201410272009395522657a690389285100"}))
    invoke = pay.prepay(far.prepay_order())
    assert invoke["package"] == "prepay_id=wx201410272009395522657a690389285100"
    assert invoke["signType"] == "RSA"
    assert invoke["timeStamp"] == str(far.NOW_SECONDS)
    parts = [invoke[name] for name in ("appId", "timeStamp", "nonceStr", "package")]
    assert invoke["paySign"] == oracle().sign(parts)


def test_a_notification_we_open_the_oracle_opens() -> None:
    headers, body = far.notification()
    theirs = oracle().callback(headers, body)
    pay, _ = far.client()
    ours = pay.read_notification(headers, body)
    assert isinstance(ours, Collected)
    assert theirs["resource"]["out_trade_no"] == ours.number
    assert theirs["resource"]["amount"]["total"] == ours.amount.amount
    assert theirs["resource"]["transaction_id"] == ours.transaction_id


@given(st.binary(max_size=300), st.from_regex(r"[!-~]{1,32}", fullmatch=True))
def test_what_the_oracle_signs_we_verify(body: bytes, nonce: str) -> None:
    text = body.decode("latin-1")
    message = f"{far.NOW_SECONDS}\n{nonce}\n{text}\n"
    key = load_private_key(far.private_pem(far.rsa_key("wechat")))
    headers = far.signed(b"", nonce=nonce) | {"Wechatpay-Signature": rsa_sign(key, message)}
    ring = KeyRing.of_public_key(far.PUBLIC_KEY_ID, far.public_pem(far.rsa_key("wechat")))
    verify(headers, text.encode(), ring=ring, now=far.NOW)


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.sampled_from(["", "transaction"]))
def test_what_is_sealed_opens_alike(plaintext: str, aad: str) -> None:
    resource = far.sealed(plaintext.encode(), aad=aad)
    theirs = aes_decrypt(resource["nonce"], resource["ciphertext"], aad, far.API_V3_KEY)
    assert SealKeys(far.API_V3_KEY).open(resource).decode() == theirs == plaintext
