"""Frozen, strict values: what is true of an item at one instant."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A value that never changes; a change makes a new one, validated."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    def evolve(self, **changes: Any) -> Self:
        """Return a validated copy with some fields changed."""
        return type(self).model_validate(
            {name: getattr(self, name) for name in type(self).model_fields} | changes
        )
