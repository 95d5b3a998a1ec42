"""Which alarms may roll a deployment back: at most five, and none that rings already."""

from collections.abc import Sequence

from local.deploying.cloud import Cloud
from local.deploying.stacks import Alarm, Watch

TRIGGERS_MAX = 5  # CloudFormation's limit
FIRST = (
    "NotificationsBurnFastAlarm",
    "MoneyVerbsBurnFastAlarm",
    "ApiFailingAlarm",
    "NotificationsHandlerErrorsAlarm",
    "APIHandlerErrorsAlarm",
    "OldestRowAlarm",
    "MoneyInSuspenseAlarm",
    "BookingsDeadLettersAlarm",
    "CommandsDeadLettersAlarm",
    "EventsDeadLettersAlarm",
)
"""What a bad version breaks first; whatever else a stack has comes after them, by name."""


def watch(cloud: Cloud, alarms: Sequence[Alarm], minutes: int) -> tuple[Watch, list[str]]:
    """Return who watches, and which alarms ring before anything was deployed.

    One that rings would undo the very deployment that is to cure it.
    """
    if not alarms:
        return Watch(), []
    ringing = _ringing(cloud, sorted(alarm.name for alarm in alarms))
    rank = {logical_id: place for place, logical_id in enumerate(FIRST)}
    by_rank = sorted(alarms, key=lambda one: (rank.get(one.logical_id, len(FIRST)), one.logical_id))
    quiet = [alarm for alarm in by_rank if alarm.name not in ringing][:TRIGGERS_MAX]
    return Watch({cloud.alarm_arn(one.name): one.type for one in quiet}, minutes), sorted(ringing)


def _ringing(cloud: Cloud, names: Sequence[str]) -> set[str]:
    pages = cloud.client("cloudwatch").get_paginator("describe_alarms")
    kinds = ["MetricAlarm", "CompositeAlarm"]
    return {
        alarm["AlarmName"]
        for start in range(0, len(names), 100)
        for page in pages.paginate(AlarmNames=names[start : start + 100], AlarmTypes=kinds)
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", []))
        if alarm["StateValue"] == "ALARM"
    }
