"""How a mistake is planted in the real code, and pulled out again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Plant = Callable[[ExitStack], None]


@dataclass(frozen=True)
class Bug:
    """A mistake, and how to plant it."""

    name: str
    plant: Plant
    verb: str | None = None  # whose crash points show it, where seeds seldom come there


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Plant a bug, and pull it out again."""
    with ExitStack() as roots:
        bug.plant(roots)
        yield


def patch(roots: ExitStack, owner: type | ModuleType, name: str, mistaken: Any) -> Any:
    """Put something mistaken in the place of what is right, and return what was right."""
    right = getattr(owner, name)
    setattr(owner, name, mistaken)
    roots.callback(setattr, owner, name, right)
    return right
