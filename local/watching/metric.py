"""A metric by its name and dimensions, spelled as alarms and as widgets want it."""

from dataclasses import dataclass
from typing import Any

from chalicelib.edge.metrics import NAMESPACE, SERVICE

Dimensions = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """One time series: ours where no namespace is named."""

    name: str
    dimensions: Dimensions = ()
    namespace: str = NAMESPACE

    @property
    def all_dimensions(self) -> Dimensions:
        """Return its dimensions; ours have the service besides."""
        ours = (("service", SERVICE),) if self.namespace == NAMESPACE else ()
        return (*ours, *self.dimensions)

    def declared(self) -> dict[str, Any]:
        """Spell it for an alarm."""
        dimensions = [{"Name": name, "Value": value} for name, value in self.all_dimensions]
        return {
            "Namespace": self.namespace,
            "MetricName": self.name,
            **({"Dimensions": dimensions} if dimensions else {}),
        }

    def drawn(self, **how: Any) -> list[Any]:
        """Spell it for a widget."""
        dimensions = [part for pair in self.all_dimensions for part in pair]
        return [self.namespace, self.name, *dimensions, *([how] if how else [])]


def ours(name: str, **dimensions: str) -> Metric:
    """Return a metric of the house."""
    return Metric(name, tuple(dimensions.items()))


def aws(service: str, name: str, **dimensions: Any) -> Metric:
    """Return a metric that AWS keeps."""
    return Metric(name, tuple(dimensions.items()), f"AWS/{service}")
