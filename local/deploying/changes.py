"""A change set, as people read it: what is added, changed, replaced, removed, adopted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What becomes of a resource."""

    ADDED = "added"
    ADOPTED = "adopted"  # it was here before the stack: kept from an earlier one
    CHANGED = "changed"
    REPLACED = "replaced"
    MAYBE_REPLACED = "maybe replaced"  # CloudFormation knows only when it is done
    REMOVED = "removed"


_HOLDS_DATA = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue"}
_NAMED_MAX = 3
_ENDS_IT = {Kind.REPLACED, Kind.MAYBE_REPLACED, Kind.REMOVED}
_REPLACEMENTS = {"True": Kind.REPLACED, "Conditional": Kind.MAYBE_REPLACED}


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one resource, and because of which properties."""

    kind: Kind
    logical_id: str
    type: str
    because: tuple[str, ...] = ()

    @property
    def endangers_data(self) -> bool:
        """Tell whether something that holds data would be another one, or none."""
        return self.type in _HOLDS_DATA and self.kind in _ENDS_IT


def changes_of(described: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Read the changes that CloudFormation describes."""
    found = [_read(one["ResourceChange"]) for one in described if one.get("Type") == "Resource"]
    return sorted(found, key=lambda change: (list(Kind).index(change.kind), change.logical_id))


def rendered(changes: Sequence[Change]) -> list[str]:
    """Spell changes for people: data that is at risk first, and what is alike in one line."""
    risks = [f"  ! {_spelt(change)}" for change in changes if change.endangers_data]
    alike: dict[tuple[Kind, str, tuple[str, ...]], list[str]] = {}
    for change in changes:
        if not change.endangers_data:
            kind, reasons = change.kind, change.because
            alike.setdefault((kind, change.type, reasons), []).append(change.logical_id)
    return risks + [
        f"    {kind:14} {len(names):3} {type_}{_reasons(because)}: {_few(names)}"
        for (kind, type_, because), names in alike.items()
    ]


def _read(change: Mapping[str, Any]) -> Change:
    match change["Action"]:
        case "Add":
            kind = Kind.ADDED
        case "Import":
            kind = Kind.ADOPTED
        case "Remove":
            kind = Kind.REMOVED
        case _:
            kind = _REPLACEMENTS.get(str(change.get("Replacement")), Kind.CHANGED)
    because = {
        str(detail["Target"].get("Name") or detail["Target"]["Attribute"])
        for detail in change.get("Details", [])
    }
    return Change(kind, change["LogicalResourceId"], change["ResourceType"], tuple(sorted(because)))


def _spelt(change: Change) -> str:
    return f"{change.kind:14} {change.logical_id}, {change.type}{_reasons(change.because)}"


def _reasons(because: Sequence[str]) -> str:
    return f" ({', '.join(because)})" if because else ""


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_MAX
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
