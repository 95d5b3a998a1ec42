"""Tokens for those who work here, verified by the issuer's published keys."""

from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.sandbox.shop import Reply, Shop

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ask(shop: Shop, headers: dict[str, str] | None = None, /, **form: str) -> Reply:
    body = urlencode({"grant_type": "client_credentials"} | form).encode()
    return shop.send("POST", "/oidc/token", body, FORM | (headers or {}))


def verified(shop: Shop, token: str) -> Any:
    keys = KeySet.import_key_set(shop.send("GET", "/oidc/jwks", b"", {}).json)
    return jwt.decode(token, keys, algorithms=["RS256"])


@pytest.mark.parametrize(
    ("client_id", "scope", "named"),
    [
        ("operator", "operator", {}),
        ("merchant:m_01", "merchant", {"merchant_id": "m_01"}),
        ("partner:par_9", "partner", {"partner_id": "par_9"}),
    ],
)
def test_a_token_says_who_and_what(
    shop: Shop, client_id: str, scope: str, named: dict[str, str]
) -> None:
    answer = ask(shop, client_id=client_id).json
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    token = verified(shop, answer["access_token"])
    issued_at = int(shop.now().timestamp())
    assert token.header["alg"] == "RS256"
    assert token.header["kid"]
    assert len(token.claims.pop("jti")) == 32
    assert (
        token.claims
        == {
            "iss": f"{shop.address}/oidc",
            "aud": "shoukuan",
            "sub": client_id,
            "scope": scope,
            "iat": issued_at,
            "exp": issued_at + 3600,
        }
        | named
    )


@pytest.mark.parametrize(
    ("text", "sub"),
    [
        ("operator:", "operator"),
        ("operator:secret", "operator"),
        ("merchant%3Am_01:secret", "merchant:m_01"),
        ("merchant:m_01", "merchant:m_01"),
        ("merchant:m_01:secret", "merchant:m_01"),
    ],
)
def test_a_client_may_be_named_by_basic(shop: Shop, text: str, sub: str) -> None:
    basic = {"Authorization": "Basic " + b64encode(text.encode()).decode()}
    assert verified(shop, ask(shop, basic).json["access_token"]).claims["sub"] == sub


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "admin"}, "invalid_client"),
        ({"client_id": "merchant:"}, "invalid_client"),
        ({"client_id": "merchant:a b"}, "invalid_client"),
        ({"client_id": "operator:x"}, "invalid_client"),
        ({}, "invalid_client"),
        ({"client_id": "operator", "grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_an_unknown_client_gets_nothing(shop: Shop, form: dict[str, str], error: str) -> None:
    reply = ask(shop, None, **form)
    assert (reply.status, reply.json) == (400, {"error": error})


@pytest.mark.parametrize("header", ["Basic", "Basic %%%", "Basic //79", "Bearer x"])
def test_a_broken_basic_is_no_client(shop: Shop, header: str) -> None:
    assert ask(shop, {"Authorization": header}).json == {"error": "invalid_client"}


def test_discovery_leads_to_keys_and_tokens(shop: Shop) -> None:
    found = shop.send("GET", "/oidc/.well-known/openid-configuration", b"", {}).json
    assert found["issuer"] == f"{shop.address}/oidc"
    assert found["token_endpoint"] == f"{shop.address}/oidc/token"
    assert found["jwks_uri"] == f"{shop.address}/oidc/jwks"
    published = shop.send("GET", "/oidc/jwks", b"", {}).json["keys"][0]
    assert not {"d", "p", "q"} & set(published)
    assert (published["use"], published["alg"]) == ("sig", "RS256")
