"""Frozen, strict values: what is true of an item at one instant."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A value that never changes; a change makes a new one, validated."""

    # Built when first used: a process starts with many kinds of record, and reads a few of them.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    def evolve(self, **changes: Any) -> Self:
        """Return a validated copy with some fields changed."""
        return type(self).model_validate(
            {name: getattr(self, name) for name in type(self).model_fields} | changes
        )
