"""How an item is spelled as JSON in PostgreSQL, which holds all but U+0000.

U+0000 and U+0001 are spelled as U+0001 and a second character: each text has one spelling, and two
spellings stand in the order of their texts, so that equal stays equal and sorted stays sorted.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Never

from chalicelib.storage.values import Item, Value

_SPELLED = str.maketrans({"\x00": "\x01\x01", "\x01": "\x01\x02"})


def spelled(text: str) -> str:
    """Spell a text so that PostgreSQL holds it; half a character (a lone surrogate) is a bug."""
    text.encode()
    return text.translate(_SPELLED) if "\x00" in text or "\x01" in text else text


def read(text: str) -> str:
    """Read a text as it was before it was spelled."""
    if "\x01" not in text:
        return text
    return text.replace("\x01\x01", "\x00").replace("\x01\x02", "\x01")


def to_json(value: Value) -> str:
    """Spell a value as JSON."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def item_from_json(text: str) -> Item:
    """Read an item that PostgreSQL returned."""
    item = json.loads(text, parse_float=_refuse)
    assert isinstance(item, dict)
    return _read(item) if "\\u0001" in text else item


def _plain(value: Value) -> Any:
    match value:
        case str():
            return spelled(value)
        case bool() | int() | None:
            return value
        case Mapping():
            return {spelled(name): _plain(part) for name, part in value.items()}
        case Sequence():
            return [_plain(part) for part in value]
        case _:
            raise AssertionError(f"{type(value).__name__} has no place in an item")


def _read(value: Any) -> Any:
    match value:
        case str():
            return read(value)
        case dict():
            return {read(name): _read(part) for name, part in value.items()}
        case list():
            return [_read(part) for part in value]
        case _:
            return value


def _refuse(_: str) -> Never:
    raise AssertionError("an item of ours never holds a fraction")
