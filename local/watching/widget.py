"""The dashboard's parts: a graph, and how a metric is drawn in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.watching.metric import ours

PERIOD = 300
P50_P99 = ("p50", "p99")

Drawn = list[Any]


@dataclass(frozen=True, slots=True)
class Widget:
    """A graph of some series; three stand side by side."""

    title: str
    series: Sequence[Drawn]
    view: str = "timeSeries"
    statistic: str = "Sum"
    stacked: bool = False
    limit: float | None = None  # a line that should not be crossed
    unit: str = ""

    def properties(self) -> dict[str, Any]:
        """Spell it."""
        lines = [{"label": "promised", "value": self.limit}] if self.limit is not None else []
        return {
            "title": self.title,
            "view": self.view,
            "stacked": self.stacked,
            "region": "${AWS::Region}",
            "stat": self.statistic,
            "period": PERIOD,
            "metrics": list(self.series),
            **({"annotations": {"horizontal": lines}} if lines else {}),
            **({"yAxis": {"left": {"label": self.unit, "min": 0}}} if self.unit else {}),
        }


def each(metric: str, dimension: str, values: Sequence[str], **how: Any) -> list[Drawn]:
    """Draw a metric once for each value of its dimension."""
    return [ours(metric, **{dimension: one}).drawn(label=one, **how) for one in values]


def percentiles(metric: str, **dimensions: str) -> list[Drawn]:
    """Draw how long the middle one and the slowest of a hundred took."""
    label = " ".join(dimensions.values())
    drawn = ours(metric, **dimensions).drawn
    return [drawn(stat=stat, label=f"{label} {stat}".strip()) for stat in P50_P99]


def every(metric: str, *dimensions: str, statistic: str = "Sum") -> list[Drawn]:
    """Draw whatever values a metric's dimensions have."""
    schema = ",".join(["Shoukuan", "service", *dimensions])
    search = f"SEARCH('{{{schema}}} MetricName=\"{metric}\"', '{statistic}', {PERIOD})"
    return [[{"expression": search, "id": f"every_{metric.lower()}"}]]
