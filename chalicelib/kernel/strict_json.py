"""JSON about which no two parsers can disagree.

One object, in UTF-8, no name twice, whole numbers only, no lone surrogate, of bounded size and
depth. What breaks a rule is refused, whatever a laxer parser would have made of it.
"""

import json
import re
from typing import Any, Never

DEPTH_MAX = 32
_DIGITS_MAX = 20

# Possessive, and an unclosed text runs to the end: linear in whatever is sent.
_TEXT_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class NotStrictJsonError(ValueError):
    """Not JSON as we accept it; the sentence says which rule, never what was sent."""


def read_object(raw: bytes, *, bytes_max: int, fractions: bool = False) -> dict[str, Any]:
    """Read one object, or raise `NotStrictJsonError`.

    With `fractions` a number may have some: for readers that refuse them by name afterwards.
    """
    if len(raw) > bytes_max:
        raise NotStrictJsonError("longer than we read")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise NotStrictJsonError("not UTF-8") from None
    _refuse_depth(text)
    try:
        value = (_LENIENT if fractions else _DECODER).decode(text)
    except json.JSONDecodeError:
        raise NotStrictJsonError("not JSON") from None
    if not isinstance(value, dict):
        raise NotStrictJsonError("not an object")
    if _SURROGATE.search(text):
        _refuse_lone_surrogates(value)
    return value


def _refuse_depth(text: str) -> None:
    """Count before parsing: the parser would recurse."""
    if text.count("{") + text.count("[") <= DEPTH_MAX:
        return
    depth = 0
    for token in _TEXT_OR_BRACKET.finditer(text):
        first = text[token.start()]
        if first in "{[":
            depth += 1
        elif first in "}]":
            depth -= 1
        if depth > DEPTH_MAX:
            raise NotStrictJsonError("nested too deep")


def _refuse_lone_surrogates(value: dict[str, Any]) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotStrictJsonError("half a character") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NotStrictJsonError("a name occurs twice")
    return fields


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS_MAX:
        raise NotStrictJsonError("a number too long")
    return int(digits)


def _refuse_number(_: str) -> Never:
    raise NotStrictJsonError("not a whole number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_repeats,
    parse_int=_whole,
    parse_float=_refuse_number,
    parse_constant=_refuse_number,
)
_LENIENT = json.JSONDecoder(
    object_pairs_hook=_without_repeats,
    parse_int=_whole,
    parse_constant=_refuse_number,
)
