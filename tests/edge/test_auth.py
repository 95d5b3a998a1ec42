"""Who is let in: each token by its own verifier, and none by another's."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from chalicelib.edge.auth import Authenticator, Issuer, Sessions
from chalicelib.edge.callers import Scope, UnauthenticatedError
from chalicelib.edge.oidc import IssuerKeys, IssuerUnreachableError
from chalicelib.kernel.ids import MemberId, MerchantId
from tests.fakes.clock import StoppedClock

ISSUER, KEY = "https://issuer.example", "k" * 32
RSA = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
MEMBER, MERCHANT = MemberId.derive("a"), MerchantId.derive("m")


class Shelf:
    """The issuer's documents, and how often they were asked for."""

    def __init__(self) -> None:
        self.keys: list[RSAKey] = [RSA]
        self.asked: list[str] = []
        self.away = False

    def __call__(self, address: str) -> bytes:
        self.asked.append(address)
        if self.away:
            raise OSError("away")
        if address.endswith("openid-configuration"):
            document: Any = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}
        else:
            document = KeySet(list(self.keys)).as_dict(private=False)
        return json.dumps(document).encode()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def authenticator(clock: StoppedClock, shelf: Shelf) -> Authenticator:
    keys = IssuerKeys(ISSUER, fetch=shelf, clock=clock)
    return Authenticator(
        sessions=Sessions(KEY, clock=clock, ttl_seconds=3600),
        issuer=Issuer(ISSUER, "shoukuan", keys=keys, clock=clock),
    )


def claims(clock: StoppedClock, **changes: Any) -> dict[str, Any]:
    now = int(clock.at.timestamp())
    told = {
        "iss": ISSUER,
        "aud": "shoukuan",
        "sub": "merchant-7",
        "scope": "merchant",
        "merchant_id": MERCHANT,
        "iat": now,
        "exp": now + 600,
    } | changes
    return {name: value for name, value in told.items() if value is not None}


def issued(told: dict[str, Any], key: RSAKey = RSA, **header: Any) -> dict[str, str]:
    return bearer(jwt.encode({"alg": "RS256", "kid": "one"} | header, told, key))


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def signed_by_hand(told: dict[str, Any], secret: bytes) -> str:
    """Sign with HMAC and any bytes at all, which the library would refuse to do."""
    parts = [{"alg": "HS256", "kid": "one"}, told]
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    mac = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def refused(authenticator: Authenticator, headers: dict[str, str]) -> None:
    with pytest.raises(UnauthenticatedError):
        authenticator.caller(headers)


def test_a_shopper_comes_in_by_a_session(authenticator: Authenticator) -> None:
    token, _ = authenticator.sessions.open(MEMBER)
    caller = authenticator.caller(bearer(token))
    assert (caller.member_id, caller.scopes) == (MEMBER, frozenset({Scope.MEMBER}))


def test_a_session_that_names_no_key_is_one_of_ours_still(authenticator: Authenticator) -> None:
    """Those that were opened before keys had names end by themselves."""
    token, _ = authenticator.sessions.open(MEMBER)
    told = jwt.decode(token, OctKey.import_key(KEY)).claims
    old = jwt.encode({"alg": "HS256"}, told, OctKey.import_key(KEY))
    assert authenticator.caller(bearer(old)).member_id == MEMBER
    refused(authenticator, bearer(jwt.encode({"alg": "HS256"}, told, OctKey.import_key("y" * 32))))


def test_a_merchant_comes_in_by_the_issuers_token(
    authenticator: Authenticator, clock: StoppedClock
) -> None:
    caller = authenticator.caller(issued(claims(clock)))
    assert (caller.own_merchant_id, caller.scopes) == (MERCHANT, frozenset({Scope.MERCHANT}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1},
        {"exp": True},
        {"iat": 1 << 40},
        {"nbf": 1 << 40},
        {"merchant_id": None},
        {"merchant_id": "mer_1"},
        {"merchant_id": MEMBER},
    ],
)
def test_a_claim_that_is_not_right_lets_nobody_in(
    authenticator: Authenticator, clock: StoppedClock, changes: dict[str, Any]
) -> None:
    refused(authenticator, issued(claims(clock, **changes)))


def test_the_issuer_can_make_nobody_a_shopper(
    authenticator: Authenticator, clock: StoppedClock
) -> None:
    told = claims(clock, scope="member operator nonsense", sub=MEMBER)
    assert authenticator.caller(issued(told)).scopes == {Scope.OPERATOR}


def test_tokens_are_judged_by_real_time_and_end(
    authenticator: Authenticator, clock: StoppedClock
) -> None:
    session, _ = authenticator.sessions.open(MEMBER)
    headers = issued(claims(clock))
    clock.move(seconds=3600 + 31)
    refused(authenticator, bearer(session))
    refused(authenticator, headers)


def test_no_algorithm_is_mistaken_for_another(
    authenticator: Authenticator, clock: StoppedClock
) -> None:
    """The public key as a shared secret, no signature, another's key, a session as a token."""
    public = RSA.as_pem(private=False)
    session = {
        "iss": "shoukuan",
        "aud": "shoukuan-member",
        "sub": MEMBER,
        "exp": int(clock.at.timestamp()) + 600,
    }
    for told in (claims(clock), session):
        forged = signed_by_hand(told, public)
        refused(authenticator, bearer(forged))
        refused(authenticator, issued(told, OTHER))
        body = forged.split(".")[1]
        for algorithm in ("none", "None", "HS512", "RS256", None):
            header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": "one"}).encode())
            refused(authenticator, bearer(f"{header.decode().rstrip('=')}.{body}."))
    refused(authenticator, issued(session))  # a session's claims under the issuer's key


def test_a_session_of_another_house_is_none_of_ours(authenticator: Authenticator) -> None:
    other = Sessions("x" * 32, clock=StoppedClock(), ttl_seconds=3600)
    refused(authenticator, bearer(other.open(MEMBER)[0]))


def test_a_short_session_key_is_refused_early() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sessions("short", clock=StoppedClock(), ttl_seconds=60)


def test_an_unknown_key_leads_to_one_download_and_not_to_a_flood(
    authenticator: Authenticator, clock: StoppedClock, shelf: Shelf
) -> None:
    authenticator.caller(issued(claims(clock)))
    assert len(shelf.asked) == 2
    for number in range(50):
        refused(authenticator, issued(claims(clock), kid=f"strange-{number}"))
    assert len(shelf.asked) == 2
    new = RSAKey.generate_key(2048, {"kid": "new"}, private=True)
    shelf.keys = [RSA, new]
    clock.move(seconds=31)
    assert authenticator.caller(issued(claims(clock), new, kid="new"))
    assert len(shelf.asked) == 4


def test_an_issuer_out_of_reach_lets_nobody_in_but_keeps_those_it_knew(
    authenticator: Authenticator, clock: StoppedClock, shelf: Shelf
) -> None:
    shelf.away = True
    with pytest.raises(IssuerUnreachableError):
        authenticator.caller(issued(claims(clock)))
    shelf.away = False
    clock.move(seconds=1)
    headers = issued(claims(clock, exp=int(clock.at.timestamp()) + 9000))
    assert authenticator.caller(headers)
    shelf.away = True
    clock.move(seconds=3700)
    assert authenticator.caller(headers)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_no_header_ever_breaks_it(text: str) -> None:
    clock = StoppedClock()
    shelf = Shelf()
    authenticator = Authenticator(
        sessions=Sessions(KEY, clock=clock, ttl_seconds=60),
        issuer=Issuer(
            ISSUER, "shoukuan", keys=IssuerKeys(ISSUER, fetch=shelf, clock=clock), clock=clock
        ),
    )
    for value in (text, f"Bearer {text}", f"Bearer {text}.{text}.{text}", f"bearer e30.{text}."):
        refused(authenticator, {"authorization": value})


def test_a_token_costs_little(authenticator: Authenticator) -> None:
    token, _ = authenticator.sessions.open(MEMBER)
    began = time.process_time()
    for _ in range(100):
        authenticator.caller(bearer(token))
    assert time.process_time() - began < 1
