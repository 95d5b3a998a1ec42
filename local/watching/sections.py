"""What the dashboard shows, section by section."""

from collections.abc import Mapping, Sequence

from chalicelib.edge.http import MISSED_MILLISECONDS
from local.watching.alarms import API, BUDGETS, QUEUES, SORTERS, TABLES, WORKERS
from local.watching.metric import aws, ours
from local.watching.widget import Drawn, Widget, each, every, percentiles

EXPLAINED: Mapping[str, str] = {}
"""Metrics that are told and not shown, and why."""


def queues(metric: str, suffix: str = "") -> list[Drawn]:
    """Draw one of SQS's metrics for every queue."""
    return [
        aws("SQS", metric, QueueName=f"shoukuan-${{Stage}}-{queue}{suffix}").drawn(label=queue)
        for queue in QUEUES
    ]


SECTIONS: Mapping[str, Sequence[Widget]] = {
    "Money": (
        Widget(
            "Moved: commits",
            each(
                "Committed",
                "event",
                [
                    *("payment.captured", "order.released", "order.part_released"),
                    *("refund.paid", "payout.paid"),
                ],
            ),
        ),
        Widget(
            "Not as it should be",
            [
                *each("Committed", "event", ["payment.parked", "payment.captured_late"]),
                *each("Committed", "event", ["refund.abnormal", "payout.failed"]),
                ours("UnexplainedFen").drawn(stat="Maximum", label="unexplained fen"),
                ours("OpenDiscrepancies").drawn(stat="Maximum", label="open differences"),
                ours("ReconciliationRefused").drawn(label="days refused"),
            ],
        ),
        Widget("Needs a person", every("AlarmRaised", "alarm")),
        Widget("A day, reconciled: lines", every("ReconciledLines", "kind", "outcome")),
        Widget(
            "Words about money",
            [*every("RefundWord", "word", "status"), *every("PayoutWord", "word", "state")],
        ),
        Widget(
            "Refunds and settlements",
            [
                ours("RefundTakenSeconds").drawn(stat="p90", label="refund taken, s, p90"),
                *every("RefundDelayed", "delay"),
                *every("MerchantSettled", "outcome"),
            ],
        ),
    ),
    "Notifications": (
        Widget(
            "Booked",
            every("NotificationBooked", "provider", "booking"),
        ),
        Widget(
            "Refused, queued, ignored",
            [
                *every("NotificationRefused", "provider", "reason"),
                *every("NotificationQueued", "provider"),
                *every("NotificationIgnored", "provider"),
            ],
        ),
        Widget(
            "Answered in",
            percentiles("RequestMilliseconds", route_class="notification"),
            limit=MISSED_MILLISECONDS["notification"],
            unit="ms",
        ),
    ),
    "API": (
        Widget(
            "Answered in, by class",
            [
                one
                for kind in ("money", "write", "read")
                for one in percentiles("RequestMilliseconds", route_class=kind)
            ],
            limit=MISSED_MILLISECONDS["money"],
            unit="ms",
        ),
        Widget("Money and notifications, p99", every("VerbMilliseconds", "verb", statistic="p99")),
        Widget(
            "Share that missed its promise",
            each("RequestMissed", "route_class", sorted(MISSED_MILLISECONDS), stat="Average"),
            limit=max(budget for _, budget in BUDGETS.values()),
        ),
        Widget(
            "Refused by code, and limits that could not be counted",
            [*every("Refused", "code"), *every("LimitUncounted", "limit")],
        ),
        Widget(
            "API Gateway",
            [
                aws("ApiGateway", name, ApiName="shoukuan", Stage="api").drawn(stat=stat)
                for name, stat in (
                    *(("Count", "Sum"), ("4XXError", "Sum"), ("5XXError", "Sum")),
                    ("Latency", "p99"),
                )
            ],
        ),
        Widget(
            "Functions: errors and throttles",
            [
                aws("Lambda", metric, FunctionName=f"${{{name}}}").drawn(label=f"{name} {metric}")
                for metric in ("Errors", "Throttles")
                for name in (API, *WORKERS, *SORTERS)
            ],
        ),
    ),
    "Database": (
        Widget("Commits: attempts", percentiles("CommitAttempts"), unit="attempts"),
        Widget("Commits: time", percentiles("CommitMilliseconds"), unit="ms"),
        Widget(
            "Commits: why again",
            [
                ours(f"Commit{why}").drawn(label=why.lower())
                for why in ("Conflicts", "Throttles", "Silences", "Exhausted")
            ],
        ),
        Widget(
            "The list: commit to number",
            percentiles("NumberingMilliseconds"),
            limit=5000,
            unit="ms",
        ),
        Widget(
            "The list: oldest row, overtaken",
            [
                ours("OldestRowSeconds").drawn(stat="Maximum", label="oldest row, s"),
                ours("SequencerOvertaken").drawn(label="overtaken"),
            ],
        ),
        Widget(
            "DynamoDB: throttles",
            [
                aws("DynamoDB", event, TableName=f"${{{table}}}").drawn(label=f"{table} {event}")
                for table in TABLES
                for event in ("ReadThrottleEvents", "WriteThrottleEvents")
            ],
        ),
    ),
    "Queues": (
        Widget("Waiting", queues("ApproximateNumberOfMessagesVisible"), statistic="Maximum"),
        Widget("Oldest, s", queues("ApproximateAgeOfOldestMessage"), statistic="Maximum"),
        Widget(
            "Dead letters",
            queues("ApproximateNumberOfMessagesVisible", "-dead"),
            statistic="Maximum",
        ),
        Widget(
            "Handled in, p99",
            every("MessageMilliseconds", "queue", statistic="p99"),
            unit="ms",
        ),
        Widget(
            "From sent to handled, p99",
            every("MessageAgeMilliseconds", "queue", statistic="p99"),
            unit="ms",
        ),
        Widget("Failed, by code", every("MessageFailed", "code")),
    ),
    "Provider": (
        Widget("Fates", every("ProviderCall", "provider", "fate")),
        Widget(
            "Calls took",
            [
                *percentiles("ProviderMilliseconds", provider="wechatpay"),
                *percentiles("ProviderMilliseconds", provider="wechat"),
            ],
            unit="ms",
        ),
        Widget(
            "What came of the rest",
            [
                *every("OrderClosing", "outcome"),
                *every("ReceiptHeard", "received"),
                *every("Complaint", "taken"),
                *every("ComplaintAnswer", "answered"),
            ],
        ),
    ),
    "Jobs and health": (
        Widget("Runs", every("JobRun", "job", "outcome")),
        Widget("Checks that stand badly", each("ChecksStanding", "state", ["warning", "failing"])),
        Widget("Each check: 0 ok, 1 warning, 2 failing", every("CheckState", "check")),
        Widget("Checks without an answer", every("CheckUnreachable", "check")),
        Widget("All commits", every("Committed", "event")),
    ),
}
