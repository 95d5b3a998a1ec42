"""A code for an openid, and the refusals, all with status 200."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from local.sandbox import SandboxKeys, build, serve
from tests.sandbox.shop import Clock, Shop


def login(shop: Shop, code: str, **changed: str) -> dict[str, Any]:
    asked = {
        "appid": shop.keys.app_id,
        "secret": shop.keys.app_secret,
        "js_code": code,
        "grant_type": "authorization_code",
    } | changed
    reply = shop.send("GET", f"/sns/jscode2session?{urlencode(asked)}", b"", {})
    assert reply.status == 200
    told: dict[str, Any] = json.loads(reply.body)
    return told


def test_one_openid_per_code(shop: Shop) -> None:
    first = login(shop, "小明")
    assert re.fullmatch(r"o[0-9A-Za-z_-]{27}", first["openid"])
    assert login(shop, "小明")["openid"] == first["openid"]
    assert login(shop, "小红")["openid"] != first["openid"]
    assert "errcode" not in first


def test_an_openid_outlives_a_restart(shop: Shop, keys: SandboxKeys, clock: Clock) -> None:
    server, address = serve(build(keys, now=clock))
    other = Shop(keys, address, clock)
    assert login(other, "alice")["openid"] == login(shop, "alice")["openid"]
    other.pool.clear()
    server.stop()


@pytest.mark.parametrize(
    ("code", "changed", "errcode"),
    [
        ("bad", {}, 40029),
        ("bad-1", {}, 40029),
        ("used-1", {}, 40163),
        ("busy-1", {}, -1),
        ("", {}, 41008),
        ("alice", {"appid": "wx1"}, 40013),
        ("alice", {"secret": "guess"}, 40125),
        ("alice", {"grant_type": "client_credential"}, 40002),
    ],
)
def test_a_refusal_has_a_number(
    shop: Shop, code: str, changed: dict[str, str], errcode: int
) -> None:
    told = login(shop, code, **changed)
    assert told["errcode"] == errcode
    assert "openid" not in told


def test_a_refusal_has_a_trace(shop: Shop) -> None:
    words = login(shop, "bad")["errmsg"]
    assert re.fullmatch(r"invalid code, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}", words)
