"""What an item may hold, and how DynamoDB spells it. Numbers are whole; Decimal never gets out."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Scalar = str | int | bool
Value = Scalar | None | Sequence["Value"] | Mapping[str, "Value"]
Item = Mapping[str, Value]
Wire = dict[str, Any]


class Key(NamedTuple):
    """Where an item lives; `table` is the logical name, `main` or `log`."""

    table: str
    pk: str
    sk: str

    def wire(self) -> Wire:
        """Spell the key for DynamoDB."""
        return {"pk": {"S": self.pk}, "sk": {"S": self.sk}}


def whole(value: object) -> int:
    """Return a stored number, which is always whole."""
    assert isinstance(value, int)
    return value


def to_wire(value: Value) -> Wire:
    """Spell one value for DynamoDB."""
    match value:
        case str():
            return {"S": value}
        case bool():  # before int: a bool is one
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": item_to_wire(value)}
        case Sequence():
            return {"L": [to_wire(part) for part in value]}
        case _:
            raise AssertionError(f"{type(value).__name__} has no place in an item")


def item_to_wire(item: Item) -> Wire:
    """Spell an item for DynamoDB."""
    return {name: to_wire(value) for name, value in item.items()}


def from_wire(wire: Mapping[str, Any]) -> Value:
    """Read one value that DynamoDB returned."""
    ((kind, raw),) = wire.items()
    match kind:
        case "S" | "BOOL":
            return raw  # type: ignore[no-any-return]
        case "N":
            return int(raw)
        case "NULL":
            return None
        case "M":
            return item_from_wire(raw)
        case "L":
            return [from_wire(part) for part in raw]
        case _:
            raise AssertionError(f"an item of ours never holds a {kind}")


def item_from_wire(wire: Mapping[str, Any]) -> dict[str, Value]:
    """Read an item that DynamoDB returned."""
    return {name: from_wire(value) for name, value in wire.items()}


def size_of(value: Value) -> int:
    """Estimate the bytes DynamoDB bills for a value: names and text as UTF-8, numbers by digits."""
    match value:
        case str():
            return len(value.encode())
        case bool() | None:
            return 1
        case int():
            return (len(str(abs(value))) + 1) // 2 + 1 + (value < 0)
        case Mapping():
            return 3 + sum(len(name.encode()) + 1 + size_of(part) for name, part in value.items())
        case Sequence():
            return 3 + sum(1 + size_of(part) for part in value)
        case _:
            raise AssertionError(f"{type(value).__name__} has no place in an item")


def item_size(key: Key, item: Item) -> int:
    """Estimate an item's billed bytes, key included."""
    parts = {"pk": key.pk, "sk": key.sk} | dict(item)
    return sum(len(name.encode()) + size_of(value) for name, value in parts.items())
