"""Whatever a stranger sends is answered with a reason: no 5xx, no trace, nothing but JSON."""

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey
from pydantic import BaseModel, ConfigDict, Field

from chalicelib.edge.auth import Authenticator, Issuer, Sessions
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.oidc import IssuerKeys
from chalicelib.edge.pages import Page, read_cursor, write_cursor
from chalicelib.edge.texts import Text60
from chalicelib.kernel.ids import MemberId, MerchantId, ProductId
from chalicelib.kernel.money import Money
from tests.edge.calls import Reply, application, ask, listening
from tests.fakes.clock import StoppedClock

CLOCK = StoppedClock()
ISSUER = "https://issuer.example"
RSA = RSAKey.generate_key(2048, {"kid": "one"})


def published(address: str) -> bytes:
    if address.endswith("openid-configuration"):
        return json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}).encode()
    return json.dumps({"keys": [RSA.as_dict(private=False)]}).encode()


AUTHENTICATOR = Authenticator(
    sessions=Sessions("k" * 32, clock=CLOCK, ttl_seconds=3600),
    issuer=Issuer(
        ISSUER, "shoukuan", keys=IssuerKeys(ISSUER, fetch=published, clock=CLOCK), clock=CLOCK
    ),
)
TOKEN, _ = AUTHENTICATOR.sessions.open(MemberId.derive("a"))


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    product_id: ProductId
    quantity: int = Field(ge=1, le=9)


class Place(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    title: Text60
    price: Money
    lines: list[Line] = Field(min_length=1, max_length=3)


class Find(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = None


class Placed(BaseModel):
    title: str
    price: Money
    merchant_id: MerchantId


api = Api("tests.strangers", authenticator=lambda: AUTHENTICATOR)


@api.post(
    "/shops/{shop}", scopes=[Scope.MEMBER], body=Place, answer=Placed, status=201, idempotent=True
)
def place(_call: Call, shop: str, body: Place) -> Placed:
    """Place something."""
    return Placed(title=body.title, price=body.price, merchant_id=MerchantId.parse(shop))


@api.get("/shops", query=Find, answer=Page[Placed])
def find(_call: Call, query: Find) -> Page[Placed]:
    """List nothing."""
    at = read_cursor("shops", query.cursor) if query.cursor is not None else ""
    return Page[Placed](items=[], next=write_cursor("shops", at))


@api.post("/heard", raw=True, status=204)
def hear(call: Call) -> None:
    """Hear bytes."""
    assert isinstance(call.raw_body, bytes)


app = application(api)
SHOP = MerchantId.derive("m")
GOOD: dict[str, Any] = {
    "title": "茶",
    "price": {"amount": 1, "currency": "CNY"},
    "lines": [{"product_id": ProductId.derive("p"), "quantity": 1}],
}


def polite(reply: Reply, *expected: int) -> None:
    assert reply.status in expected, reply
    if reply.status >= 400:
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert (reply.body["status"], reply.body["type"]) == (
            reply.status,
            f"/problems/{reply.body['code']}",
        )
    text = json.dumps(reply.body, ensure_ascii=False).encode()
    assert b"Traceback" not in text
    assert len(text) < 100_000


def placed(
    body: str, shop: str = SHOP, *, encoded: bool = False, headers: dict[str, str] | None = None
) -> Reply:
    sent = {"authorization": f"Bearer {TOKEN}", "idempotency-key": "k"} | (headers or {})
    with listening():
        return ask(
            app, "POST", "/shops/{shop}", body, encoded=encoded, path={"shop": shop}, headers=sent
        )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=70)
    | st.sampled_from([GOOD["price"], GOOD["lines"], GOOD["lines"][0], 10**30, -1, "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
any_text = st.text(st.characters(), max_size=80)  # half characters too


def test_the_good_one_is_good() -> None:
    polite(placed(json.dumps(GOOD)), 201)


@given(name=st.sampled_from([*GOOD, "more"]), value=json_values, ascii_only=st.booleans())
def test_no_field_ever_breaks_it(name: str, value: Any, *, ascii_only: bool) -> None:
    polite(placed(json.dumps(GOOD | {name: value}, ensure_ascii=ascii_only)), 201, 400)


@given(json_values)
def test_no_line_ever_breaks_it(value: Any) -> None:
    for lines in ([value], [GOOD["lines"][0], value], [GOOD["lines"][0] | {"quantity": value}]):
        polite(placed(json.dumps(GOOD | {"lines": lines})), 201, 400)


@given(st.integers(0, 200), st.text(st.sampled_from('{}[]",:\\u0d8 e-.'), max_size=6))
def test_no_broken_json_ever_breaks_it(at: int, crumbs: str) -> None:
    good = json.dumps(GOOD)
    polite(placed(good[:at] + crumbs + good[at:]), 201, 400)
    polite(placed(good[:at] + crumbs), 201, 400)


@given(any_text)
def test_no_text_ever_breaks_it(text: str) -> None:
    polite(placed(text), 400)
    polite(placed(text, encoded=True), 400)
    polite(placed(json.dumps(GOOD), shop=text), 400)


@given(st.binary(max_size=100))
def test_no_bytes_ever_break_it(raw: bytes) -> None:
    text = base64.b64encode(raw).decode()
    polite(placed(text, encoded=True), 400)
    polite(
        placed(base64.b64encode(json.dumps(GOOD).encode() + raw).decode(), encoded=True), 201, 400
    )
    with listening():
        polite(ask(app, "POST", "/heard", text, encoded=True), 204)


header_names = st.sampled_from(
    ["authorization", "idempotency-key", "content-type", "accept", "content-length", "host", "x"]
)


@given(st.dictionaries(header_names, any_text, max_size=4))
def test_no_header_ever_breaks_it(headers: dict[str, str]) -> None:
    polite(placed(json.dumps(GOOD), headers=headers), 201, 400, 401, 415)
    with listening():
        polite(ask(app, "POST", "/heard", "{}", headers=headers), 204)


@given(st.integers(0, len(TOKEN) - 1), st.characters())
def test_no_changed_token_comes_in(at: int, character: str) -> None:
    changed = TOKEN[:at] + character + TOKEN[at + 1 :]
    if changed != TOKEN:
        polite(placed(json.dumps(GOOD), headers={"authorization": f"Bearer {changed}"}), 401)


@given(
    st.dictionaries(
        st.sampled_from(["limit", "cursor"]) | any_text, st.lists(any_text, max_size=3), max_size=3
    )
)
def test_no_query_ever_breaks_it(query: dict[str, list[str]]) -> None:
    with listening():
        polite(ask(app, "GET", "/shops", query=query), 200, 400)
