"""Mutations of a genuine notification: nothing but the refusal is raised, no changed byte taken."""

import json
import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.providers.port import Collected, Heard, NotificationRefusedError
from chalicelib.providers.wechatpay.client import WeChatPay
from tests.providers import far_side as far

PAY: WeChatPay = far.client(
    certificates=[far.certificate("platform")], api_v3_key_previous=far.API_V3_KEY_OLD
)[0]
HEADERS, BODY = far.notification()
GENUINE = PAY.read_notification(HEADERS, BODY)

REASONS = dict.fromkeys(
    [
        *("stale", "signature", "serial", "headers", "body"),
        *("ciphertext", "merchant", "app", "state"),
    ]
)
ANY_TEXT = st.text(max_size=30)  # with lone surrogates, NUL, everything
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


def read(headers: dict[str, str], body: bytes) -> Heard | None:
    """Read, or nothing when refused; anything else that is raised fails the test."""
    try:
        return PAY.read_notification(headers, body)
    except NotificationRefusedError as error:
        return REASONS[error.reason]


@given(st.data())
def test_no_changed_byte_of_the_body_is_taken(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(BODY) - 1))
    replacement = data.draw(st.binary(max_size=3).filter(lambda b: b != BODY[at : at + 1]))
    changed = BODY[:at] + replacement + BODY[at + 1 :]
    if changed != BODY:
        assert read(HEADERS, changed) is None


@given(st.sampled_from(sorted(HEADERS)), st.data())
def test_no_changed_character_of_a_header_is_taken(name: str, data: st.DataObject) -> None:
    value = HEADERS[name]
    at = data.draw(st.integers(0, len(value)))
    insert = data.draw(st.text(max_size=2) | st.text(string.ascii_letters + "+/= ", max_size=2))
    cut = data.draw(st.integers(0, 2))
    changed = value[:at] + insert + value[at + cut :]
    if changed != value:
        assert read(HEADERS | {name: changed}, BODY) is None


@given(st.integers(0, len(BODY)))
def test_no_truncated_body_is_taken(length: int) -> None:
    assert read(HEADERS, BODY[:length]) == (GENUINE if length == len(BODY) else None)


@given(st.dictionaries(ANY_TEXT | st.sampled_from(sorted(HEADERS)), ANY_TEXT), st.binary())
def test_anything_at_all_is_refused(headers: dict[str, str], body: bytes) -> None:
    assert read(headers, body) is None


@given(st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_other_headers_do_not_matter(others: dict[str, str]) -> None:
    foreign = {k: v for k, v in others.items() if not k.lower().startswith("wechatpay-")}
    assert read(foreign | HEADERS, BODY) == GENUINE


@settings(max_examples=200)
@given(st.binary(max_size=200) | ANY_JSON)
def test_a_signed_body_of_any_content_is_read_or_refused(content: Any) -> None:
    body = content if isinstance(content, bytes) else _lax(content)
    read(far.signed(body), body)


@settings(max_examples=200)
@given(st.sampled_from(["id", "event_type", "resource", "summary"]), ANY_JSON)
def test_an_envelope_with_any_field_is_read_or_refused(name: str, value: Any) -> None:
    body = _lax(_read_lax(BODY) | {name: value})
    read(far.signed(body), body)


@settings(max_examples=300)
@given(
    st.sampled_from(["algorithm", "ciphertext", "nonce", "associated_data"]),
    ANY_JSON | st.text(string.ascii_letters + "=", max_size=24),
)
def test_a_seal_with_any_part_is_opened_or_refused(name: str, value: Any) -> None:
    genuine = far.sealed(far.json_bytes(far.trade()))
    body = _lax(_read_lax(BODY) | {"resource": genuine | {name: value}})
    told = read(far.signed(body), body)
    same = genuine[name] == value
    assert told == (GENUINE if same else None)


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from(sorted(far.trade())), ANY_JSON, max_size=3))
def test_a_trade_with_any_fields_is_collected_or_refused(changes: dict[str, Any]) -> None:
    body = far.envelope(far.sealed(_lax(far.trade() | changes)))
    told = read(far.signed(body), body)
    if isinstance(told, Collected):
        assert told.number.encode()
        assert told.attach or not changes.get("attach", "")
        assert told.model_dump_json()


@settings(max_examples=100)
@given(st.binary(max_size=100))
def test_any_plaintext_is_read_or_refused(plaintext: bytes) -> None:
    body = far.envelope(far.sealed(plaintext))
    assert read(far.signed(body), body) is None


def _lax(value: Any) -> bytes:
    """Write JSON as a careless sender might: escapes, NaN, fractions."""
    return json.dumps(value).encode()


def _read_lax(body: bytes) -> dict[str, Any]:
    fields = json.loads(body)
    assert isinstance(fields, dict)
    return fields
