"""Which alarms may roll a deployment back: at most five, and none that rings already."""

from collections.abc import Mapping

from local.deploying.cloud import Cloud
from local.deploying.stacks import Watch

TRIGGERS_MAX = 5  # CloudFormation's limit
FIRST = (
    "OldestRowAlarm",
    "MoneyInSuspenseAlarm",
    "BookingsDeadLettersAlarm",
    "CommandsDeadLettersAlarm",
    "EventsDeadLettersAlarm",
)
"""What a bad version breaks first; whatever else a stack has comes after them, by name."""


def watch(cloud: Cloud, alarms: Mapping[str, str], minutes: int) -> tuple[Watch, list[str]]:
    """Return who watches, and which alarms ring before anything was deployed.

    One that rings would undo the very deployment that is to cure it.
    """
    if not alarms:
        return Watch(), []
    answers = cloud.client("cloudwatch").get_paginator("describe_alarms")
    ringing = {
        alarm["AlarmName"]
        for page in answers.paginate(AlarmNames=sorted(alarms.values()))
        for alarm in page["MetricAlarms"]
        if alarm["StateValue"] == "ALARM"
    }
    rank = {logical_id: place for place, logical_id in enumerate(FIRST)}
    by_rank = sorted(alarms, key=lambda logical_id: (rank.get(logical_id, len(FIRST)), logical_id))
    quiet = [alarms[logical_id] for logical_id in by_rank if alarms[logical_id] not in ringing]
    arns = [cloud.alarm_arn(name) for name in quiet[:TRIGGERS_MAX]]
    return Watch(arns, minutes), sorted(ringing)
