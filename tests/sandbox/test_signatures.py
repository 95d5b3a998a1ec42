"""Who asks is checked to the byte; every answer but a 401 is signed, by the key asked for."""

from collections.abc import Callable
from itertools import permutations

import pytest

from local.sandbox import SandboxKeys
from tests.sandbox.shop import (
    JSAPI,
    NUMBER,
    Clock,
    Headers,
    Shop,
    authorization,
    is_signed,
)

CERTIFICATES = "/v3/certificates"


def test_the_pairs_of_an_authorization_come_in_any_order(shop: Shop) -> None:
    for order in list(permutations(range(5)))[::17]:
        pairs = list(shop.claims("GET", CERTIFICATES, b"").items())
        header = authorization(dict(pairs[place] for place in order))
        assert shop.call("GET", CERTIFICATES, headers={"Authorization": header}).status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mchid", "1900000000"),
        ("serial_no", "00"),
        ("signature", ""),
        ("signature", "bm8="),
        ("signature", "not base64"),
        ("timestamp", "1"),
        ("timestamp", "now"),
        ("nonce_str", "another"),
    ],
)
def test_a_changed_pair_is_refused_unsigned(shop: Shop, name: str, value: str) -> None:
    claims = shop.claims("GET", CERTIFICATES, b"") | {name: value}
    reply = shop.call("GET", CERTIFICATES, headers={"Authorization": authorization(claims)})
    assert (reply.status, reply.code) == (401, "SIGN_ERROR")
    assert not {name for name in reply.headers if name.startswith("wechatpay-")}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        "WECHATPAY2-SHA256-RSA2048",
        'WECHATPAY2-SHA256-RSA2048 mchid="1"',
        'WECHATPAY2-SHA256-RSA2048 mchid="1",mchid="1",nonce_str="",timestamp="1",signature=""',
    ],
)
def test_a_malformed_authorization_is_refused(shop: Shop, header: str) -> None:
    reply = shop.call("GET", CERTIFICATES, headers={"Authorization": header})
    assert (reply.status, reply.code) == (401, "SIGN_ERROR")


def test_another_scheme_is_refused(shop: Shop) -> None:
    claims = shop.claims("GET", CERTIFICATES, b"")
    header = authorization(claims, "WECHATPAY-BRAND-SHA256-RSA2048")
    assert shop.call("GET", CERTIFICATES, headers={"Authorization": header}).status == 401


@pytest.mark.parametrize(
    ("age_seconds", "status"), [(0, 200), (299, 200), (-299, 200), (300, 401), (-300, 401)]
)
def test_a_request_is_good_for_five_minutes(
    shop: Shop, clock: Clock, age_seconds: int, status: int
) -> None:
    at = int(clock().timestamp()) - age_seconds
    header = authorization(shop.claims("GET", CERTIFICATES, b"", timestamp=at))
    assert shop.call("GET", CERTIFICATES, headers={"Authorization": header}).status == status


def test_the_signature_covers_method_query_and_body(shop: Shop) -> None:
    path = f"/v3/pay/transactions/out-trade-no/{NUMBER}"
    good = shop.claims("GET", f"{path}?mchid={shop.keys.mch_id}", b"")
    other = shop.call("GET", f"{path}?mchid=1", headers={"Authorization": authorization(good)})
    assert other.status == 401
    posted = shop.claims("POST", JSAPI, b"{}")
    reply = shop.call("POST", JSAPI, b"{ }", headers={"Authorization": authorization(posted)})
    assert reply.status == 401


def test_percent_encoding_is_signed_as_sent(shop: Shop) -> None:
    shop.prepaid("a|b*c-1")
    assert shop.query("a%7Cb%2Ac-1").json["out_trade_no"] == "a|b*c-1"


ANSWERS: list[tuple[int, Callable[[Shop], tuple[str, str, object]]]] = [
    (200, lambda _: ("GET", CERTIFICATES, None)),
    (204, lambda shop: ("POST", close_path(NUMBER), {"mchid": shop.keys.mch_id})),
    (400, lambda shop: ("POST", JSAPI, {"mchid": shop.keys.mch_id})),
    (404, lambda shop: ("POST", close_path("unknown"), {"mchid": shop.keys.mch_id})),
    (404, lambda _: ("GET", "/v3/nothing", None)),
    (405, lambda _: ("GET", JSAPI, None)),
]


def close_path(number: str) -> str:
    return f"/v3/pay/transactions/out-trade-no/{number}/close"


@pytest.mark.parametrize("by", ["public key", "certificate", "default"])
@pytest.mark.parametrize(("status", "asked"), ANSWERS)
def test_answers_are_signed_by_the_key_asked_for(
    shop: Shop, by: str, status: int, asked: Callable[[Shop], tuple[str, str, object]]
) -> None:
    shop.prepaid()
    certificate = shop.keys.platform[-1].serial_no
    serials = {"public key": shop.keys.public_key_id, "certificate": certificate, "default": ""}
    reply = shop.call(*asked(shop), headers={"Wechatpay-Serial": serials[by]})
    assert reply.status == status
    assert is_signed(shop.keys, reply.headers, reply.body)
    assert reply.headers["wechatpay-serial"] == (serials[by] or certificate)
    assert reply.headers["request-id"]


def test_an_unknown_serial_is_refused_under_the_certificate(shop: Shop) -> None:
    reply = shop.call("GET", CERTIFICATES, headers={"Wechatpay-Serial": "PUB_KEY_ID_0"})
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")
    assert reply.headers["wechatpay-serial"] == shop.keys.platform[-1].serial_no


@pytest.mark.parametrize("missing", ["Accept", "User-Agent"])
def test_accept_and_user_agent_are_asked_for(shop: Shop, missing: str) -> None:
    assert shop.call("GET", CERTIFICATES, headers={missing: ""}).status == 400


def test_a_body_is_said_to_be_json(shop: Shop) -> None:
    plain: Headers = {"Content-Type": "text/plain"}
    assert shop.call("POST", JSAPI, shop.form(), headers=plain).code == "PARAM_ERROR"


def test_keys_don_t_change_when_a_certificate_is_added(shop: Shop, keys: SandboxKeys) -> None:
    old = keys.platform[-1].serial_no
    new = shop.control("rotate").json["serial_no"]
    listed = [each["serial_no"] for each in shop.call("GET", CERTIFICATES).json["data"]]
    assert listed == [old, new]
    by_old = shop.call("GET", CERTIFICATES, headers={"Wechatpay-Serial": old})
    assert is_signed(keys, by_old.headers, by_old.body)
    assert shop.call("GET", CERTIFICATES, headers={"Wechatpay-Serial": ""}).headers[
        "wechatpay-serial"
    ] == (new)


def test_a_merchant_with_the_public_key_alone_has_no_certificates(shop: Shop) -> None:
    shop.control("settings", certificates_listed=False)
    reply = shop.call("GET", CERTIFICATES)
    assert (reply.status, reply.code) == (404, "RESOURCE_NOT_EXISTS")
