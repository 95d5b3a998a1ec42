"""The account and its keys: what can't be right is refused at the start."""

import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from chalicelib.providers.wechatpay.account import InvalidAccountError
from tests.providers import far_side as far

SECRET_NAMES = ("private_key_pem", "api_v3_key", "api_v3_key_previous")


def ec_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def ec_public_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    spelled = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, spelled).decode()


def locked_pem() -> str:
    return (
        far.rsa_key("merchant")
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
        .decode()
    )


def damaged_pem() -> str:
    """Return a key whose private exponents belong to another one."""
    true, other = far.rsa_key("merchant").private_numbers(), far.rsa_key("other").private_numbers()
    numbers = rsa.RSAPrivateNumbers(
        p=true.p,
        q=true.q,
        d=other.d,
        dmp1=other.dmp1,
        dmq1=other.dmq1,
        iqmp=true.iqmp,
        public_numbers=true.public_numbers,
    )
    return far.private_pem(numbers.private_key(unsafe_skip_rsa_key_validation=True))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mch_id": "19000O9191"}, "mch_id"),
        ({"mch_id": ""}, "mch_id"),
        ({"app_id": ""}, "app_id"),
        ({"app_id": 'wx"'}, "app_id"),
        ({"serial_no": "not hex"}, "serial_no"),
        ({"api_v3_key": "too short"}, "api_v3_key is 32 bytes long, not 9"),
        ({"api_v3_key": "é" * 32}, "api_v3_key is ASCII"),
        ({"api_v3_key": "a" * 33}, "not 33"),
        ({"api_v3_key_previous": ""}, "api_v3_key_previous is 32 bytes long, not 0"),
        ({"public_key_id": None}, "go together"),
        ({"public_key_pem": None}, "go together"),
        ({"public_key_id": "0119"}, "public_key_id"),
        ({"public_key_pem": "no key"}, "public_key_pem is no PEM"),
        ({"public_key_pem": ec_public_pem()}, "public_key_pem is no RSA"),
        ({"private_key_pem": ""}, "private_key_pem is no unencrypted PEM"),
        ({"private_key_pem": "\ud800"}, "private_key_pem is no unencrypted PEM"),
        ({"private_key_pem": locked_pem()}, "private_key_pem is no unencrypted PEM"),
        ({"private_key_pem": ec_pem()}, "private_key_pem is no RSA"),
        ({"private_key_pem": damaged_pem()}, "private_key_pem is damaged"),
        ({"base_url": "api.mch.weixin.qq.com"}, "not an address"),
        ({"base_url": "https://"}, "no host"),
        ({"fallback_url": "https://x/?a=1"}, "more than an address"),
        ({"notify_url": "https://x/n?a=1"}, "more than an address"),
        ({"notify_url": "https://x/" + "n" * 250}, "notify_url is at most 255"),
    ],
)
def test_what_cannot_work_is_refused_at_the_start(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidAccountError, match=sentence) as caught:
        far.client(**changes)
    for name in SECRET_NAMES:
        if changes.get(name):
            assert changes[name] not in str(caught.value)


def test_a_short_key_is_refused() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - on purpose
    with pytest.raises(InvalidAccountError, match="fewer than 2048 bits"):
        far.client(private_key_pem=far.private_pem(key))


def test_an_account_shows_no_secret_and_can_be_copied() -> None:
    account = far.account(api_v3_key_previous=far.API_V3_KEY_OLD)
    for name in SECRET_NAMES:
        assert getattr(account, name) not in repr(account)
    assert pickle.loads(pickle.dumps(account)) == account  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("fallback", "hosts"),
    [(None, ("https://pay.test",)), (far.FALLBACK, ("https://pay.test", far.FALLBACK))],
)
def test_hosts_come_in_order(fallback: str | None, hosts: tuple[str, ...]) -> None:
    assert far.account(base_url="https://pay.test/", fallback_url=fallback).hosts == hosts
