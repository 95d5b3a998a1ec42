"""What a verb brings to the simulator."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.stage import Stage

Verb = Callable[[], object]
Scene = Callable[[Stage], Verb]
"""Sets the scene without faults, and returns the verb as the platform calls it, again and again."""


@dataclass(frozen=True)
class Registered:
    """A verb's scene, and the use cases' methods that it runs."""

    name: str
    scene: Scene
    covers: tuple[Callable[..., object], ...]
    partner: bool = False  # played where the seller is the payee
    pairs: int | None = None  # so many pairs of crash points stand for all, which are too many

    @property
    def reconciles(self) -> bool:
        """Tell whether its days are reconciled in the end; in the seeds all are."""
        return any("reconciliation" in method.__module__ for method in self.covers)
