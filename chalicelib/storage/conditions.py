"""Conditions and changes as values of our own. They cannot express arithmetic.

DynamoDB's conditions have none, and emulators silently mis-evaluate an attempt; so what is
conditioned is stored (a remainder), never computed. Each value renders to a DynamoDB expression;
a fake evaluates the same values in memory, and one contract suite holds the two together.

Attributes are top-level names. A comparison with a missing attribute is false.
"""

import re
from dataclasses import dataclass

from chalicelib.storage.values import Scalar, Value, Wire, to_wire

_IN_VALUES_MAX = 100
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,40}$")


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute has this value."""

    attribute: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The stored number is this or more: a remainder suffices."""

    attribute: str
    value: int


@dataclass(frozen=True, slots=True)
class AtMost:
    """The stored number is this or less."""

    attribute: str
    value: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """The attribute has one of these values."""

    attribute: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Present:
    """The attribute is there."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The attribute, or the whole item, is not there."""

    attribute: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part at least holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = Equals | AtLeast | AtMost | OneOf | Present | Missing | AllOf | AnyOf | Not

ITEM_ABSENT = Missing("pk")
ITEM_PRESENT = Present("pk")


def all_of(*parts: Condition) -> Condition:
    """Join conditions that must all hold."""
    return parts[0] if len(parts) == 1 else AllOf(parts)


@dataclass(frozen=True, slots=True)
class Set:
    """Give the attribute this value."""

    attribute: str
    value: Value


@dataclass(frozen=True, slots=True)
class Add:
    """Add to the stored number; a missing one counts from zero."""

    attribute: str
    amount: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Take the attribute away."""

    attribute: str


Change = Set | Add | Remove


class Expression:
    """One rendering: names and values get placeholders as they are met."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: Wire = {}

    def condition(self, condition: Condition) -> str:
        """Render a condition."""
        match condition:
            case Equals(attribute, value):
                return f"{self._name(attribute)} = {self._value(value)}"
            case AtLeast(attribute, value):
                return f"{self._name(attribute)} >= {self._value(value)}"
            case AtMost(attribute, value):
                return f"{self._name(attribute)} <= {self._value(value)}"
            case OneOf(attribute, values):
                assert 0 < len(values) <= _IN_VALUES_MAX, "IN takes 1 to 100 values"
                listed = ", ".join(self._value(value) for value in values)
                return f"{self._name(attribute)} IN ({listed})"
            case Present(attribute):
                return f"attribute_exists({self._name(attribute)})"
            case Missing(attribute):
                return f"attribute_not_exists({self._name(attribute)})"
            case AllOf(parts):
                return self._joined(" AND ", parts)
            case AnyOf(parts):
                return self._joined(" OR ", parts)
            case Not(part):
                return f"NOT ({self.condition(part)})"

    def update(self, changes: tuple[Change, ...]) -> str:
        """Render changes as an update expression."""
        attributes = [change.attribute for change in changes]
        assert len(set(attributes)) == len(attributes), "one change an attribute"
        clauses: dict[str, list[str]] = {"SET": [], "ADD": [], "REMOVE": []}
        for change in changes:
            match change:
                case Set(attribute, value):
                    clauses["SET"].append(f"{self._name(attribute)} = {self._value(value)}")
                case Add(attribute, amount):
                    clauses["ADD"].append(f"{self._name(attribute)} {self._value(amount)}")
                case Remove(attribute):
                    clauses["REMOVE"].append(self._name(attribute))
        return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts)

    def parameters(self) -> Wire:
        """Return the placeholders for the request."""
        parameters: Wire = {}
        if self._names:
            parameters["ExpressionAttributeNames"] = {
                placeholder: name for name, placeholder in self._names.items()
            }
        if self._values:
            parameters["ExpressionAttributeValues"] = self._values
        return parameters

    def _joined(self, word: str, parts: tuple[Condition, ...]) -> str:
        assert parts, "a conjunction of nothing is a slip"
        if len(parts) == 1:  # DynamoDB refuses redundant parentheses
            return self.condition(parts[0])
        return word.join(f"({self.condition(part)})" for part in parts)

    def _name(self, attribute: str) -> str:
        assert _NAME.match(attribute), "attribute names are plain"
        return self._names.setdefault(attribute, f"#{len(self._names)}")

    def _value(self, value: Value) -> str:
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = to_wire(value)
        return placeholder
