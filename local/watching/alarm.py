"""An alarm as CloudFormation: over one metric, over several by arithmetic, or over other alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.watching.metric import Metric

Resource = dict[str, Any]

TOPIC = {
    "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}],
}
"""Whom alarms tell: nobody until the stack is given a topic."""

ABOVE, BELOW = "GreaterThanThreshold", "LessThanThreshold"


@dataclass(frozen=True, slots=True)
class Alarm:
    """What rings when; `says` begins with what is wrong and ends with where it is written."""

    name: str
    says: str
    watched: Metric | Mapping[str, tuple[Metric, str]]  # by id, each with its statistic
    threshold: float
    statistic: str = "Sum"
    expression: str = ""  # over the ids
    comparison: str = ABOVE
    period: int = 300
    of: tuple[int, int] = (1, 1)  # so many periods of so many
    missing: str = "notBreaching"
    part: bool = False  # tells nobody: another alarm is made of it

    def resource(self) -> Resource:
        """Spell it."""
        hit, periods = self.of
        return {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": named(self.name),
                "AlarmDescription": self.says,
                **self._watching(),
                "EvaluationPeriods": periods,
                "DatapointsToAlarm": hit,
                "Threshold": self.threshold,
                "ComparisonOperator": self.comparison,
                "TreatMissingData": self.missing,
                **({"ActionsEnabled": False} if self.part else {}),
                "AlarmActions": TOPIC,
                "OKActions": TOPIC,
            },
        }

    def _watching(self) -> Resource:
        if isinstance(self.watched, Metric):
            statistic = "Statistic" if self.statistic.isalpha() else "ExtendedStatistic"
            return {
                **self.watched.declared(),
                statistic: self.statistic,
                "Period": self.period,
            }
        queries: list[Resource] = [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": metric.declared(),
                    "Period": self.period,
                    "Stat": statistic,
                },
                "ReturnData": False,
            }
            for name, (metric, statistic) in self.watched.items()
        ]
        told = {"Id": "told", "Expression": self.expression, "ReturnData": True}
        return {"Metrics": [*queries, told]}


@dataclass(frozen=True, slots=True)
class Both:
    """Rings while all of some alarms do."""

    name: str
    says: str
    alarms: Sequence[str]

    def resource(self) -> Resource:
        """Spell it."""
        rule = " AND ".join(f'ALARM("shoukuan-${{Stage}}-{name}")' for name in self.alarms)
        return {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "DependsOn": [logical_id(name) for name in self.alarms],
            "Properties": {
                "AlarmName": named(self.name),
                "AlarmDescription": self.says,
                "AlarmRule": {"Fn::Sub": rule},
                "AlarmActions": TOPIC,
                "OKActions": TOPIC,
            },
        }


def named(name: str) -> Resource:
    """Return an alarm's name in each stage."""
    return {"Fn::Sub": f"shoukuan-${{Stage}}-{name}"}


def logical_id(name: str) -> str:
    """Return an alarm's name in the template."""
    return "".join(word.capitalize() for word in name.split("-")) + "Alarm"
