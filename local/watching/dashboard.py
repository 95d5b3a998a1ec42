"""The dashboard as CloudFormation: sections one below the other, three graphs in a row."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.watching.alarm import Resource
from local.watching.sections import SECTIONS
from local.watching.widget import Widget

COLUMNS, HEIGHT, IN_A_ROW = 24, 6, 3
_WIDTH = COLUMNS // IN_A_ROW


def resource() -> Resource:
    """Spell the dashboard; stage, region and names of functions and tables are put in by AWS."""
    body = json.dumps({"widgets": list(widgets(SECTIONS))}, separators=(",", ":"))
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": {"Fn::Sub": "shoukuan-${Stage}-${AWS::Region}"},
            "DashboardBody": {"Fn::Sub": body},
        },
    }


def widgets(sections: Mapping[str, Sequence[Widget]]) -> Iterator[dict[str, Any]]:
    """Place every graph, each section under its heading."""
    y = 0
    for heading, graphs in sections.items():
        text = {"markdown": f"## {heading}", "background": "transparent"}
        yield {"type": "text", "x": 0, "y": y, "width": COLUMNS, "height": 1, "properties": text}
        y += 1
        for number, graph in enumerate(graphs):
            row, place = divmod(number, IN_A_ROW)
            yield {
                "type": "metric",
                "x": place * _WIDTH,
                "y": y + row * HEIGHT,
                "width": _WIDTH,
                "height": HEIGHT,
                "properties": graph.properties(),
            }
        y += HEIGHT * -(-len(graphs) // IN_A_ROW)
