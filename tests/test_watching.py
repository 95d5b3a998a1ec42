"""Alarms, dashboard, promises and documents say the same, and speak only of what is told."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.watching.__main__ import DECLARATION, written
from local.watching.alarm import TOPIC, Both
from local.watching.alarms import alarms
from local.watching.sections import EXPLAINED
from tests.test_metrics import METRICS, anchor

DOCS = Path(__file__).parent.parent / "docs"
SLO, BOOK = (DOCS / "slo.md").read_text(), (DOCS / "operations.md").read_text()
DECLARED: dict[str, Any] = json.loads(DECLARATION.read_text())
RESOURCES: dict[str, Any] = DECLARED["Resources"]
PREFIX = "shoukuan-${Stage}-"
ALARMS: dict[str, Any] = {
    one["Properties"]["AlarmName"]["Fn::Sub"].removeprefix(PREFIX): one
    for one in RESOURCES.values()
    if one["Type"] in {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
}
BODY: list[dict[str, Any]] = json.loads(
    RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
)["widgets"]
GRAPHS = [one["properties"] for one in BODY if one["type"] == "metric"]

Dimensions = Mapping[str, str]


def test_what_is_deployed_is_what_the_tables_say() -> None:
    assert written(json.loads(DECLARATION.read_text())) == DECLARED, "make watching"


def test_a_table_that_says_less_takes_its_alarm_away() -> None:
    declared = json.loads(DECLARATION.read_text())
    stray = {"Type": "AWS::CloudWatch::Alarm", "Metadata": {"shoukuan:watching": True}}
    declared["Resources"]["StrayAlarm"] = {**stray, "Properties": {}}
    assert written(declared) == DECLARED


def watched(properties: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "MetricName" in properties:
        yield properties
    for query in properties.get("Metrics", ()):
        if "MetricStat" in query:
            yield query["MetricStat"]["Metric"]


def shown() -> Iterator[tuple[str, Dimensions]]:
    """Return each of our metrics in a graph, with its dimensions; a search has them empty."""
    for graph in GRAPHS:
        for row in graph["metrics"]:
            head = row[0]
            if isinstance(head, dict):
                found = re.fullmatch(
                    r"SEARCH\('\{Shoukuan,service((?:,\w+)*)\} MetricName=\"(\w+)\"', '\w+', 300\)",
                    head["expression"],
                )
                assert found is not None, head
                names = found[1].split(",")[1:]
                assert set(names) == set(METRICS[found[2]]), "else it finds nothing"
                yield found[2], {}
            elif head == "Shoukuan":
                pairs = [part for part in row[2:] if isinstance(part, str)]
                yield row[1], dict(zip(pairs[::2], pairs[1::2], strict=True))


def assert_told(metric: str, dimensions: Dimensions) -> None:
    """A metric under other dimensions than it is told is another metric, which nobody tells."""
    assert dimensions.get("service") == "shoukuan"
    rest = {name: value for name, value in dimensions.items() if name != "service"}
    assert set(rest) == set(METRICS[metric]), metric
    for name, value in rest.items():
        assert value in METRICS[metric][name], f"{metric}: {value}"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_listens_to_what_is_told_and_tells_somebody(name: str) -> None:
    properties = ALARMS[name]["Properties"]
    assert properties["AlarmActions"] == properties["OKActions"] == TOPIC
    parts = {part for one in alarms() if isinstance(one, Both) for part in one.alarms}
    assert (properties.get("ActionsEnabled") is False) == (name in parts), "told twice, or never"
    for metric in watched(properties):
        if metric["Namespace"] == "Shoukuan":
            dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            assert_told(metric["MetricName"], dimensions)
    if queries := properties.get("Metrics"):
        ids = [query["Id"] for query in queries]
        assert len(set(ids)) == len(ids) <= 10, "so many metrics an alarm may read"
        (told,) = [query for query in queries if query["ReturnData"]]
        used = set(re.findall(r"\b[a-z][a-z0-9]*\b", told["Expression"]))
        assert used == set(ids) - {told["Id"]}
        assert len({query["MetricStat"]["Period"] for query in queries if query is not told}) == 1
    if rule := properties.get("AlarmRule"):
        named = re.findall(r'ALARM\("shoukuan-\$\{Stage\}-([a-z0-9-]+)"\)', rule["Fn::Sub"])
        assert set(named) <= set(ALARMS)
        made_before = {
            RESOURCES[one]["Properties"]["AlarmName"]["Fn::Sub"] for one in depends(name)
        }
        assert made_before == {f"{PREFIX}{one}" for one in named}


def depends(name: str) -> list[str]:
    return list(ALARMS[name]["DependsOn"])


def test_every_metric_is_shown_or_explained_and_none_that_nobody_tells() -> None:
    found = set()
    for metric, dimensions in shown():
        if dimensions:
            assert_told(metric, dimensions)
        found.add(metric)
    assert found | set(EXPLAINED) == set(METRICS)
    assert not found & set(EXPLAINED)


def test_the_dashboard_is_built_as_cloudwatch_wants_it() -> None:
    assert len(BODY) <= 500
    taken: set[tuple[int, int]] = set()
    for one in BODY:
        assert set(one) == {"type", "x", "y", "width", "height", "properties"}
        assert 0 <= one["x"] <= one["x"] + one["width"] <= 24
        spots = {
            (x, y)
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        }
        assert not taken & spots, "one graph upon another"
        taken |= spots
    for graph in GRAPHS:
        assert graph["view"] == "timeSeries"
        assert graph["region"] == "${AWS::Region}"
        assert graph["metrics"]
        ids = [row[0]["id"] for row in graph["metrics"] if isinstance(row[0], dict)]
        assert len(ids) == len(set(ids))
        assert all(re.fullmatch(r"[a-z][A-Za-z0-9_]{0,254}", one) for one in ids)
        for row in graph["metrics"]:
            texts = [part for part in row if isinstance(part, str)]
            if texts:
                assert len(texts) % 2 == 0, "a dimension without a value"
                assert texts == row[: len(texts)], "how it is drawn comes last"
                assert len(row) - len(texts) <= 1


def test_a_dashboard_names_only_what_is_in_the_template() -> None:
    named = set(re.findall(r"\$\{([^}]+)\}", json.dumps(BODY)))
    functions = {name for name in named if name not in RESOURCES and "::" not in name}
    assert functions - {"Stage"} == {
        *("APIHandler", "BookQueued", "RunCommands", "HearEvents", "RunSettlements"),
        *("RunReconciliations", "ReconcileClosedDays"),
    }, "cfn-lint looks for these in the whole template"


def promises() -> dict[str, str]:
    sections = re.split(r"^## ", SLO, flags=re.MULTILINE)[1:]
    return {section.partition("\n")[0]: section for section in sections}


@pytest.mark.parametrize("promise", promises())
def test_a_promise_has_an_indicator_alarms_that_exist_and_a_run_book(promise: str) -> None:
    section = promises()[promise]
    assert f"](#{anchor(promise)})" in SLO.partition("\n## ")[0], "not in the table"
    (indicator,) = re.findall(r"^- \*\*Indicator\*\*: (.*)$", section, re.MULTILINE)
    told = set(re.findall(r"`([A-Z][A-Za-z]+)(?:\{[^}]*\})?`", indicator))
    assert told
    assert told - set(METRICS) <= {"ApproximateNumberOfMessagesVisible"}
    (line,) = re.findall(r"^- \*\*Alarms\*\*: (.*)$", section, re.MULTILINE)
    names = set(re.findall(r"`([a-z0-9-]+)`", line))
    assert names
    assert names <= set(ALARMS), names - set(ALARMS)
    assert re.search(r"^- \*\*Do\*\*: \[.*\]\(operations\.md#", section, re.MULTILINE)


def test_every_alarm_is_in_the_documents() -> None:
    table = BOOK.partition("\n## Alarms\n")[2]
    written_down = set(re.findall(r"`([a-z0-9-]+)`", SLO + table))
    assert set(ALARMS) - written_down == set()


def test_every_alarm_says_where_it_is_written() -> None:
    for name, alarm in ALARMS.items():
        says = alarm["Properties"]["AlarmDescription"]
        assert "docs/" in says or "run" in says, name
