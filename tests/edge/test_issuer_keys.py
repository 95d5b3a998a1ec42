"""The issuer's keys: whoever publishes what, callers we can know are known, and nobody else."""

import base64
import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from chalicelib.edge.auth import Authenticator, Issuer, Sessions
from chalicelib.edge.callers import Scope, UnauthenticatedError
from chalicelib.edge.oidc import IssuerKeys, IssuerUnreachableError
from tests.fakes.clock import StoppedClock

ISSUER = "http://127.0.0.1:8010/oidc"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
KEYS: dict[str, Key] = {"rsa": RSA, "ec": EC, "ed": ED}
PUBLIC: list[Any] = [key.as_dict(private=False) for key in KEYS.values()]
DISCOVERY: Any = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}


class Desk:
    """The issuer's two documents, as we please."""

    def __init__(self, keys: Any = None, discovery: Any = None) -> None:
        self.keys = {"keys": PUBLIC} if keys is None else keys
        self.discovery = DISCOVERY if discovery is None else discovery
        self.asked = 0
        self.away = False

    def __call__(self, address: str) -> bytes:
        self.asked += 1
        if self.away:
            raise OSError("away")
        found = self.discovery if address.endswith("/openid-configuration") else self.keys
        return found if isinstance(found, bytes) else json.dumps(found).encode()


class Gate:
    """An authenticator, its clock, and the desk it asks."""

    def __init__(self, desk: Desk | None = None) -> None:
        self.desk = desk or Desk()
        self.clock = StoppedClock()
        self.keys = IssuerKeys(ISSUER, fetch=self.desk, clock=self.clock)
        self.authenticator = Authenticator(
            sessions=Sessions("k" * 32, clock=self.clock, ttl_seconds=60),
            issuer=Issuer(ISSUER, "shoukuan", keys=self.keys, clock=self.clock),
        )

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock.at.timestamp())
        told = {"iss": ISSUER, "aud": "shoukuan", "sub": "ops", "scope": "operator"}
        return told | {"iat": now, "exp": now + 600} | changes

    def enters(self, token: str) -> str:
        """Tell how a caller fares: in, out, or to come again."""
        try:
            caller = self.authenticator.caller({"authorization": f"Bearer {token}"})
        except UnauthenticatedError:
            return "out"
        except IssuerUnreachableError:
            return "again"
        assert caller.scopes == {Scope.OPERATOR}
        return "in"

    def token(self, kid: str = "rsa", alg: str = "RS256", **header: Any) -> str:
        key = KEYS.get(kid, RSA)
        header = {"alg": alg, "kid": kid} | header
        return jwt.encode(header, self.claims(), key, algorithms=[alg])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    ("kid", "alg", "fares"),
    [
        ("rsa", "RS256", "in"),
        ("ec", "ES256", "in"),
        ("ed", "EdDSA", "in"),
        ("ed", "Ed25519", "in"),
        ("rsa", "PS256", "out"),
        ("rsa", "RS512", "out"),
    ],
)
def test_the_algorithms_are_these_and_no_others(kid: str, alg: str, fares: str) -> None:
    assert Gate().enters(Gate().token(kid, alg)) == fares


@pytest.mark.parametrize(
    "stranger",
    [
        {"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AA"},
        {"kty": "EC", "kid": "odd", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "oct", "kid": "rsa", "k": "a" * 43},
        {"kty": "RSA", "kid": "half"},
        {"kty": ["RSA"], "kid": "rsa"},
        {"kty": "RSA", "kid": 5, "n": PUBLIC[0]["n"], "e": PUBLIC[0]["e"]},
        PUBLIC[0] | {"use": "enc"},
        5,
        None,
    ],
)
def test_a_key_that_we_cannot_read_shuts_nobody_out(stranger: Any) -> None:
    gate = Gate(Desk(keys={"keys": [stranger, *PUBLIC]}))
    assert gate.enters(gate.token()) == "in"


def test_a_key_for_secrets_signs_nothing() -> None:
    gate = Gate(Desk(keys={"keys": [PUBLIC[0] | {"use": "enc"}, *PUBLIC[1:]]}))
    assert gate.enters(gate.token()) == "out"


@pytest.mark.parametrize(
    "keys", [[], {}, {"keys": []}, {"keys": 5}, {"keys": [5]}, b"", b"\xff", b"[" * 9000, b"{} "]
)
def test_keys_that_nobody_can_read_let_nobody_in(keys: Any) -> None:
    gate = Gate(Desk(keys=keys))
    assert gate.enters(gate.token()) == "again"


@pytest.mark.parametrize(
    ("jwks_uri", "fares"),
    [
        (f"{ISSUER}/jwks", "in"),
        ("http://127.0.0.1:8010/elsewhere/jwks", "in"),
        ("https://keys.example/jwks", "in"),
        ("http://127.0.0.1:8011/jwks", "again"),
        ("http://127.0.0.1:8010@evil.example/oidc/jwks", "again"),
        ("http://keys.example/jwks", "again"),
        ("https:///jwks", "again"),
        ("file:///etc/passwd", "again"),
        ("http://[", "again"),
        (5, "again"),
        (None, "again"),
    ],
)
def test_keys_come_over_https_or_from_the_issuers_own_origin(jwks_uri: Any, fares: str) -> None:
    gate = Gate(Desk(discovery={"issuer": ISSUER, "jwks_uri": jwks_uri}))
    assert gate.enters(gate.token()) == fares


@pytest.mark.parametrize("issuer", ["https://other.example", 5, None, [ISSUER]])
def test_another_issuers_document_is_not_believed(issuer: Any) -> None:
    gate = Gate(Desk(discovery=DISCOVERY | {"issuer": issuer}))
    assert gate.enters(gate.token()) == "again"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(json_values | st.binary(max_size=60))
def test_no_keys_ever_break_it(keys: Any) -> None:
    for said in (keys, {"keys": keys}):
        raw = said if isinstance(said, bytes) else json.dumps(said, default=repr).encode()
        gate = Gate(Desk(keys=raw))
        assert gate.enters(gate.token()) == "again"


@given(st.fixed_dictionaries({}, optional={"issuer": json_values, "jwks_uri": json_values}))
def test_no_discovery_ever_breaks_it(discovery: Any) -> None:
    gate = Gate(Desk(discovery=discovery))
    assert gate.enters(gate.token()) == "again"


def test_an_issuer_away_at_the_start_is_asked_once_a_second() -> None:
    gate = Gate()
    gate.desk.away = True
    assert [gate.enters(gate.token()) for _ in range(5)] == ["again"] * 5
    assert gate.desk.asked == 1
    gate.desk.away = False
    gate.clock.move(seconds=1)
    assert gate.enters(gate.token()) == "in"


def test_an_unknown_key_is_try_again_while_the_issuer_cannot_be_asked() -> None:
    gate = Gate()
    assert gate.enters(gate.token()) == "in"
    assert gate.enters(gate.token(kid="new")) == "out"
    gate.desk.away = True
    gate.clock.move(seconds=31)
    assert gate.enters(gate.token(kid="new")) == "again"
    assert gate.enters(gate.token()) == "in"


def test_keys_at_hand_serve_a_day_and_no_longer() -> None:
    gate = Gate()
    gate.enters(gate.token())
    gate.desk.away = True
    gate.clock.move(seconds=24 * 3600 - 1)
    assert gate.enters(gate.token()) == "in"
    gate.clock.move(seconds=2)
    assert gate.enters(gate.token()) == "again"


def test_a_key_taken_back_is_forgotten_within_the_hour() -> None:
    gate = Gate()
    assert gate.enters(gate.token()) == "in"
    gate.desk.keys = {"keys": PUBLIC[1:]}
    gate.clock.move(seconds=3601)
    assert gate.enters(gate.token()) == "out"


def test_callers_with_a_known_key_never_wait_for_a_download() -> None:
    gate = Gate()
    gate.enters(gate.token())
    gate.clock.move(seconds=3601)
    asked, go_on = threading.Event(), threading.Event()

    def slowly(address: str) -> bytes:
        asked.set()
        assert go_on.wait(5)
        return gate.desk(address)

    gate.keys._fetch = slowly
    first = threading.Thread(target=gate.enters, args=(gate.token(),))
    first.start()
    assert asked.wait(5)
    assert gate.enters(gate.token()) == "in"
    go_on.set()
    first.join()
    assert gate.desk.asked == 4


odd = st.one_of(
    st.none(),
    st.integers(),
    st.sampled_from(["RS256", "ES256", "Ed25519", "HS256", "none", "RSA-OAEP", "rsa", "ec", "ed"]),
    st.lists(st.text(max_size=4), max_size=2),
)
headers = st.fixed_dictionaries(
    {"alg": odd, "kid": odd},
    optional=dict.fromkeys(("crit", "b64", "typ", "cty", "enc", "zip", "jwk", "jku", "x5c"), odd),
)


@given(headers, st.binary(max_size=40), st.binary(max_size=70), st.integers(0, 3))
def test_no_token_ever_breaks_it(
    header: dict[str, Any], payload: bytes, signature: bytes, extra_parts: int
) -> None:
    gate = Gate()
    claims = json.dumps(gate.claims()).encode()
    for body in (payload, claims):
        parts = [json.dumps(header).encode(), body, signature, *[b"x"] * extra_parts]
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        assert gate.enters(token) == "out"


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_claims_ever_break_it(payload: bytes) -> None:
    """Signed by the right key, and yet no claims of ours."""
    gate = Gate()
    assert gate.enters(jws.serialize_compact({"alg": "RS256", "kid": "rsa"}, payload, RSA)) == "out"
