"""What somebody tries who has read how others were broken into."""

import base64
import csv
import hashlib
import hmac
import io
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from chalicelib.books.model import MerchantsBalances, Statement, StatementLine
from chalicelib.books.rules import csv_of
from chalicelib.edge.auth import session_key
from chalicelib.kernel.ids import MemberId, MerchantId
from chalicelib.kernel.money import fen
from tests.edge.calls import listening
from tests.fakes.clock import START
from tests.fakes.premises import SANDBOX, SESSION_KEY, Reply, premises, sandbox_keys
from tests.security.world import World

EVIL = "https://evil.example"
OUR_KEY_ID, _ = session_key(SESSION_KEY)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with listening(), premises() as opened:
        yield World(opened)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with listening():
        yield


def spelled(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def made(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """Make a token as no library would: any header, signed by HMAC or not at all."""
    signed = f"{spelled(json.dumps(header).encode())}.{spelled(json.dumps(claims).encode())}"
    hashes = {"HS384": "sha384", "HS512": "sha512"}
    algorithm = hashes.get(str(header.get("alg")), "sha256")
    mac = hmac.digest(secret, signed.encode(), algorithm) if secret is not None else b""
    return f"{signed}.{spelled(mac)}"


@cache
def issuers_key() -> RSAKey:
    return RSAKey.import_key(sandbox_keys().oidc_private_key)


def public_keys() -> Iterator[bytes]:
    """Spell the issuer's public key in every way that somebody may take for a secret."""
    key = issuers_key()
    yield key.as_pem(private=False)
    yield key.as_pem(private=False).strip()
    yield key.as_der(private=False)
    yield json.dumps(key.as_dict(private=False)).encode()
    yield json.dumps(key.as_dict(private=False), separators=(",", ":"), sort_keys=True).encode()
    yield str(key.as_dict(private=False)["n"]).encode()


def forged(now: int) -> Iterator[str]:
    times = {"iat": now, "exp": now + 600}
    ours = {"iss": "shoukuan", "aud": "shoukuan-member", "sub": MemberId.derive("x"), **times}
    theirs = {
        "iss": f"{SANDBOX}/oidc",
        "aud": "shoukuan",
        "sub": "op",
        "scope": "operator",
        **times,
    }
    for claims in (ours, theirs):
        for name in ("none", "None", "NONE", "nOnE", "", None):
            yield made({"alg": name}, claims)
            yield made({"alg": name, "kid": issuers_key().thumbprint()}, claims)
            yield made({"alg": name}, claims, b"")
        for secret in (b"", b"\0", hashlib.sha256(b"").digest(), *public_keys()):
            for algorithm in ("HS256", "HS384", "HS512", "RS256"):
                for key_id in (issuers_key().thumbprint(), OUR_KEY_ID, "../../dev/null"):
                    yield made({"alg": algorithm, "kid": key_id}, claims, secret)
        yield made({"typ": "JWT", "kid": OUR_KEY_ID}, claims, SESSION_KEY.encode())
    for odd in ("HS384", "HS512", "hs256", ["HS256"], {"HS256": 1}):
        yield made({"alg": odd, "kid": OUR_KEY_ID}, ours, SESSION_KEY.encode())
    # Signed as it should be, but by our own key for shoppers.
    yield made({"alg": "HS256", "kid": OUR_KEY_ID}, theirs, SESSION_KEY.encode())
    header = {"alg": "HS256", "kid": OUR_KEY_ID, "crit": ["b64"], "b64": False}
    yield made(header, ours, SESSION_KEY.encode())


def test_no_token_of_another_making_comes_in(world: World) -> None:
    now = int(world.premises.clock.at.timestamp())
    claims = {"iss": "shoukuan", "aud": "shoukuan-member", "sub": MemberId.derive("x")}
    good = made(
        {"alg": "HS256", "kid": OUR_KEY_ID}, claims | {"exp": now + 600}, SESSION_KEY.encode()
    )
    ask = world.premises.ask
    assert ask("GET", "/v1/orders", token=good).status == 200, "what is forged here can be good"
    let_in = [
        token
        for token in forged(now)
        for target in ("/v1/orders", "/v1/health/report")
        if ask("GET", target, token=token).status != 401
    ]
    assert let_in == []


def test_no_claim_leads_us_anywhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    send = world.premises.wire.send

    def heard(method: str, url: str, *rest: Any) -> Any:
        called.append(url)
        return send(method, url, *rest)

    monkeypatch.setattr(world.premises.wire, "send", heard)
    now = int(world.premises.clock.at.timestamp())
    for name in ("jku", "x5u", "kid", "iss"):
        world.premises.clock.move(seconds=60)  # so that an unknown key is asked after each time
        header = {"alg": "RS256", "kid": "unknown", name: f"{EVIL}/keys"}
        token = made(header, {"iss": EVIL, "exp": now + 600}, b"x")
        assert world.premises.ask("GET", "/v1/orders", token=token).status == 401
    assert called, "nobody was asked at all"
    assert [url for url in called if not url.startswith(f"{SANDBOX}/oidc/")] == []


@pytest.mark.parametrize(
    ("role", "path", "extra"),
    [
        ("shopper", "/v1/orders", {"price": {"amount": 1}}),
        ("shopper", "/v1/orders", {"total": {"amount": 1}}),
        ("shopper", "/v1/orders", {"state": "paid"}),
        ("shopper", "/v1/orders", {"member_id": MemberId.derive("y")}),
        ("shopper", "/v1/orders/{unpaid}/payments", {"amount": {"amount": 1}}),
        ("shopper", "/v1/orders/{unpaid}/payments", {"openid": "another"}),
        ("merchant", "/v1/products", {"merchant_id": MerchantId.derive("y")}),
        ("merchant", "/v1/orders/{paid}/refunds", {"payee": "me"}),
        ("operator", "/v1/merchants", {"id": MerchantId.derive("y")}),
        ("operator", "/v1/merchants", {"__proto__": {"operator": True}}),
        (None, "/v1/sessions", {"member_id": MemberId.derive("y")}),
        (None, "/v1/sessions", {"scope": "operator"}),
    ],
)
def test_nobody_sets_what_is_not_theirs_to_set(
    world: World, role: str | None, path: str, extra: dict[str, Any]
) -> None:
    good: dict[str, dict[str, Any]] = {
        "/v1/orders": {
            "merchant_id": world.merchant_id,
            "lines": [{"product_id": world.product_id, "quantity": 1}],
        },
        "/v1/orders/{unpaid}/payments": {"provider": "wechatpay"},
        "/v1/products": {"title": "茶", "price": {"amount": 1}, "stock": 1},
        "/v1/orders/{paid}/refunds": {"amount": {"amount": 1}, "reason": "少发"},
        "/v1/merchants": {"name": "丁"},
        "/v1/sessions": {"provider": "wechat", "code": "somebody"},
    }
    target = path.format(unpaid=world.unpaid, paid=world.paid)
    token = world.tokens[role] if role else None
    reply = world.premises.ask("POST", target, good[path] | extra, token=token)
    assert (reply.status, reply.code) == (400, "invalid_body")
    (name,) = extra
    assert [error["field"] for error in reply.body["errors"]] == [name]
    assert world.premises.ask("POST", target, good[path], token=token).status == 201


def test_a_cursor_of_anothers_list_opens_nothing(world: World) -> None:
    first = world.as_("shopper", "GET", "/v1/orders?limit=1")
    given = first["next"]
    raw = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
    version, kind, place = json.loads(raw)
    own = {order["id"] for order in world.as_("shopper", "GET", "/v1/orders")["items"]}
    places = (
        place,
        place.replace(world.unpaid, world.paid),
        "",
        "0",
        "~",
        "../",
        "\x00",
        world.paid,
    )
    cursors = [given, given[:-1], given + "A", given.swapcase()]
    cursors += [spelled(json.dumps([version, kind, one]).encode()) for one in places]
    cursors += [spelled(json.dumps([version, "entries", place]).encode())]
    statuses = set()
    for cursor in cursors:
        target = f"/v1/orders?cursor={cursor}"
        reply = world.premises.ask("GET", target, token=world.tokens["other shopper"])
        statuses.add(reply.status)
        shown = reply.body["items"] if reply.status == 200 else []
        assert own.isdisjoint(order["id"] for order in shown)
    assert statuses <= {200, 400}
    assert 400 in statuses


@pytest.mark.parametrize(
    "target",
    [
        "/v1/orders/../health/report",
        "/v1/orders/..%2fhealth%2freport",
        "/v1/orders/%2e%2e",
        "/v1/orders/%252e%252e%252fhealthz",
        "/v1/orders/..;/health/report",
        "/v1/orders/%00",
        "/v1/orders/%0d%0aX-Evil:%20yes",
        "/v1//orders",
        "/V1/orders",
        "/v1/orders\\..\\healthz",
        "/v1/reconciliations/..%2f..%2fetc%2fpasswd/report",
        "/v1/reconciliations/2026-11-24%2f../report",
        "/v1/reconciliations/２０２６-11-24",
        "/v1/merchants/..%2f{other}/balances",
        "/.env",
        "/.git/config",
    ],
)
def test_no_path_leads_out_of_its_route(world: World, target: str) -> None:
    path = target.replace("{other}", world.other_merchant_id)
    for role in ("merchant", "operator", "shopper"):
        reply = world.premises.ask("GET", path, token=world.tokens[role])
        assert reply.status in {400, 403, 404}, role
        assert "X-Evil" not in reply.headers


def test_a_header_sent_twice_is_no_header(world: World) -> None:
    """A server joins what was sent twice with a comma; nobody then guesses which one is meant."""
    ask, token = world.premises.ask, world.tokens["shopper"]
    other = world.tokens["other shopper"]
    for joined in (f"{token}, Bearer {other}", f"{token},{token}", f"{token}, {other}"):
        assert ask("GET", "/v1/orders", token=joined).status == 401
    body = {
        "merchant_id": world.merchant_id,
        "lines": [{"product_id": world.product_id, "quantity": 1}],
    }
    twice = ask("POST", "/v1/orders", body, token=token, key="key-a, key-b")
    assert (twice.status, twice.code) == (400, "idempotency_key_required")
    media = {"Content-Type": "application/json, text/html"}
    mixed = ask("POST", "/v1/orders", body, token=token, headers=media)
    assert (mixed.status, mixed.code) == (415, "unsupported_media_type")


def test_every_answer_says_that_it_is_nothing_else(world: World) -> None:
    ask, shopper, operator = world.premises.ask, world.tokens["shopper"], world.tokens["operator"]
    report = f"/v1/reconciliations/{world.day}/report"
    replies: dict[str, Reply] = {
        "good": ask("GET", "/v1/orders", token=shopper),
        "refused": ask("GET", "/v1/orders"),
        "no route": ask("GET", "/<script>alert(1)</script>"),
        "no method": ask("DELETE", "/v1/orders"),
        "a page": ask("GET", f"{report}?format=html", token=operator),
        "a sheet": ask("GET", f"{report}?format=csv", token=operator),
    }
    for name, reply in replies.items():
        assert reply.headers["X-Content-Type-Options"] == "nosniff", name
        assert reply.headers["Cache-Control"] == "no-store", name
        html = reply.headers["Content-Type"].startswith("text/html")
        assert html == (name == "a page")
    policy = replies["a page"].headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert b"<script" not in replies["a page"].raw


def test_no_cell_of_a_statement_is_a_formula() -> None:
    stood = MerchantsBalances(position=1, held=fen(0), available=fen(0), in_payout=fen(0))
    line = StatementLine(
        position=1,
        posted_at=START,
        kind='=HYPERLINK("https://evil.example")',
        key="@SUM(1)",
        order_id=None,
        held=fen(-5),
        available=fen(5),
        in_payout=fen(0),
        fee=fen(0),
    )
    statement = Statement(
        merchant_id=MerchantId.derive("x"),
        day="2026-11-24",
        opening=stood,
        closing=stood,
        fees=fen(0),
        lines=[line],
        ended=None,
    )
    rows = list(csv.DictReader(io.StringIO(csv_of(statement, first=True))))
    assert rows[1]["kind"] == '\'=HYPERLINK("https://evil.example")'
    assert rows[1]["key"] == "'@SUM(1)"
    assert rows[1]["held_fen"] == "-5", "a number stays one"
