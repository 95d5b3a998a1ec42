"""Strict JSON: what is refused, and that nothing else is raised."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.kernel.strict_json import DEPTH_MAX, NotStrictJsonError, read_object

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'{"a":"\xff"}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":1,"\\u0061":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":1E400}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":' + b"9" * 21 + b"}",
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\\ud800"}',
        b'{"\\uDFFF":1}',
        b'{"a":"\n"}',
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"a":' + b"[" * 60_000,
        b'{"a":"' + b"x" * 65_536 + b'"}',
    ],
)
def test_what_parsers_disagree_about_is_refused(raw: bytes) -> None:
    with pytest.raises(NotStrictJsonError):
        read_object(raw, bytes_max=65_536)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' {"a" : -1} ', {"a": -1}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a":"收款"}'.encode(), {"a": "收款"}),
        (b'{"a":"' + b"[{" * 100 + b'"}', {"a": "[{" * 100}),
        (b'{"a":"\\"' + b"[" * 100 + b'"}', {"a": '"' + "[" * 100}),
        (b'{"a":[' + b"{}," * 99 + b"{}]}", {"a": [{}] * 100}),
    ],
)
def test_honest_json_is_read(raw: bytes, value: object) -> None:
    assert read_object(raw, bytes_max=65_536) == value


@pytest.mark.parametrize(("depth", "readable"), [(DEPTH_MAX, True), (DEPTH_MAX + 1, False)])
def test_the_depth_is_bounded_exactly(depth: int, *, readable: bool) -> None:
    raw = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    try:
        read_object(raw, bytes_max=65_536)
    except NotStrictJsonError:
        assert not readable
    else:
        assert readable


@pytest.mark.parametrize("unit", [b'\\"', b'"', b"[]", b'"\\', b"\\", b'{"', b'["a\\"",'])
def test_reading_is_linear_in_what_is_sent(unit: bytes) -> None:
    raw = b'{"a":' + b"[" * DEPTH_MAX + b'"' + unit * (1_000_000 // len(unit))
    started = time.monotonic()
    with pytest.raises(NotStrictJsonError):
        read_object(raw, bytes_max=2_000_000)
    assert time.monotonic() - started < 2


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON_VALUES, max_size=4))
def test_what_json_writes_is_read_back(value: dict[str, object]) -> None:
    for ensure_ascii in (True, False):
        raw = json.dumps(value, ensure_ascii=ensure_ascii).encode()
        assert read_object(raw, bytes_max=1 << 20) == value


@given(st.binary(max_size=200) | st.text('{}[]",:\\u0d8 1e.-', max_size=80).map(str.encode))
def test_anything_is_read_or_refused(raw: bytes) -> None:
    try:
        value = read_object(raw, bytes_max=150)
    except NotStrictJsonError:
        return
    assert json.loads(raw) == value
