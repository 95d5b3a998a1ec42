"""Every alarm that is made of tables; those that listen to one message stand beside their queues.

Which promise each guards, and what to do, is written in docs/slo.md and docs/operations.md.
"""

from collections.abc import Iterator

from local.watching.alarm import Alarm, Both
from local.watching.metric import Metric, aws, ours

_SLO, _BOOK = "docs/slo.md", "docs/operations.md"

QUEUES = {
    "bookings": "BookingsQueue",
    "commands": "CommandsQueue",
    "events": "EventsQueue",
    "settlements": "SettlementsQueue",
    "reconciliations": "ReconciliationsQueue",
}
WORKERS = ("BookQueued", "RunCommands", "HearEvents", "RunSettlements")
SORTERS = ("RunReconciliations", "ReconcileClosedDays")
API, BELL = "APIHandler", "SequenceWhenRung"
NOTIFICATIONS = "NotificationsHandler"
TABLES = ("MainTable", "LogTable")
CALLS = ("TransactWriteItems", "Query", "GetItem", "BatchGetItem")

BUDGETS = {"notification": ("notifications", 0.001), "money": ("money-verbs", 0.005)}
"""Of each class of routes: its alarms' name, and the share of answers that may miss."""

_BURNS = {
    "fast": (14.4, ("1h", 3600), ("5m", 300)),  # a fiftieth of a month's budget in an hour
    "slow": (6.0, ("6h", 21_600), ("30m", 1800)),  # a twentieth in six
}
_MISSED_MIN = 3
"""One cold start in a quiet night is not worth a person's sleep."""


def alarms() -> Iterator[Alarm | Both]:
    """Return every alarm of the tables."""
    for route_class in BUDGETS:
        yield from _burns(route_class)
    yield from _promises()
    yield from _checks()
    yield from _queues()
    yield from _functions()
    yield from _storage()
    yield from _outside()


def _burns(route_class: str) -> Iterator[Alarm | Both]:
    name, budget = BUDGETS[route_class]
    missed = ours("RequestMissed", route_class=route_class)
    for speed, (times, *windows) in _BURNS.items():
        parts = [f"{name}-{window}" for window, _ in windows]
        for part, (_, seconds) in zip(parts, windows, strict=True):
            yield Alarm(
                part,
                f"Part of {name}-burn-{speed}, which tells: {_SLO}.",
                {"bad": (missed, "Sum"), "all": (missed, "SampleCount")},
                round(times * budget, 6),
                expression=f"IF(bad >= {_MISSED_MIN}, bad / all, 0)",
                period=seconds,
                part=True,
            )
        says = f"Answers miss their promise {times:g} times as often as they may: {_SLO}."
        yield Both(f"{name}-burn-{speed}", says, parts)


def _promises() -> Iterator[Alarm]:
    yield Alarm(
        "numbering-late",
        f"Commits wait over 5 s for their number: {_SLO}.",
        ours("NumberingMilliseconds"),
        5000,
        statistic="p99",
        of=(2, 3),
    )
    yield Alarm(
        "refunds-late",
        f"The provider took refunds over 10 minutes after they were accepted: {_SLO}.",
        ours("RefundTakenSeconds"),
        600,
        statistic="p90",
        period=900,
    )
    yield Alarm(
        "dead-letters-unattended",
        f"Dead letters lie there for four hours: {_BOOK}, dead letters.",
        {queue: (_dead(resource), "Maximum") for queue, resource in QUEUES.items()},
        0,
        expression=" + ".join(f"FILL({queue}, 0)" for queue in QUEUES),
        period=3600,
        of=(4, 4),
    )


def _checks() -> Iterator[Alarm]:
    for name, check, says in (
        ("refunds-stuck", "refunds_stuck", "A refund is under way for over an hour"),
        ("payouts-stuck", "payouts", "A payout is under way for longer than it should"),
        ("reconciliation-late", "reconciliation", "A closed day is not reconciled by noon"),
    ):
        watched = ours("CheckState", check=check)
        yield Alarm(
            name, f"{says}: {_SLO}.", watched, 0, statistic="Maximum", period=600, of=(3, 3)
        )
    yield Alarm(
        "health-failing",
        f"A check of the report is failing, or nobody looks: make doctor, {_BOOK}, what is stuck.",
        ours("ChecksStanding", state="failing"),
        0,
        statistic="Maximum",
        period=600,
        of=(2, 2),
        missing="breaching",
    )


def _dead(resource: str) -> Metric:
    name = {"Fn::GetAtt": [f"{resource}DeadLetters", "QueueName"]}
    return aws("SQS", "ApproximateNumberOfMessagesVisible", QueueName=name)


def _queues() -> Iterator[Alarm]:
    for queue, resource in QUEUES.items():
        seconds = 3600 if queue == "reconciliations" else 600
        yield Alarm(
            f"{queue}-waiting",
            f"The oldest message of {queue} waits for over {seconds} s: {_BOOK}, a queue waits.",
            aws(
                "SQS",
                "ApproximateAgeOfOldestMessage",
                QueueName={"Fn::GetAtt": [resource, "QueueName"]},
            ),
            seconds,
            statistic="Maximum",
            of=(3, 3),
        )


def _functions() -> Iterator[Alarm]:
    watched = (
        API,
        NOTIFICATIONS,
        *WORKERS,
        *SORTERS,
    )  # the bell rings one at a time, and rings again
    yield Alarm(
        "functions-throttled",
        f"Functions may not start: {_BOOK}, functions.",
        {f"f{n}": (_function("Throttles", name), "Sum") for n, name in enumerate(watched)},
        0,
        expression=" + ".join(f"FILL(f{n}, 0)" for n in range(len(watched))),
        of=(2, 3),
    )
    for name, functions, limit in (
        ("api-slow", (API,), 24_000),
        ("notifications-slow", (NOTIFICATIONS,), 8000),
        ("workers-slow", (BELL, *WORKERS), 27_000),
        ("reconciliation-slow", SORTERS, 720_000),
    ):
        ids = {f"f{n}": (_function("Duration", one), "Maximum") for n, one in enumerate(functions)}
        filled = ", ".join(f"FILL({one}, 0)" for one in ids)
        yield Alarm(
            name,
            f"A function needs {limit // 1000} s, nearly all it may have: {_BOOK}, functions.",
            ids,
            limit,
            expression=f"MAX([{filled}])",
        )
    yield from _limits()


def _limits() -> Iterator[Alarm]:
    yield Alarm(
        "bell-behind",
        f"The outbox's stream is heard over a minute late: {_BOOK}, the list is behind.",
        _function("IteratorAge", BELL),
        60_000,
        statistic="Maximum",
        of=(3, 5),
    )
    usage = aws(
        *("Usage", "ResourceCount"),
        Type="Resource",
        Resource="ConcurrentExecutions",
        Service="Lambda",
        Class="None",
    )
    yield Alarm(
        "concurrency-near-limit",
        f"Over 80% of the account's concurrent functions run: {_BOOK}, functions.",
        {"running": (usage, "Maximum")},
        80,
        expression="100 * running / SERVICE_QUOTA(running)",
        of=(2, 3),
    )


def _function(metric: str, name: str) -> Metric:
    return aws("Lambda", metric, FunctionName={"Ref": name})


def _storage() -> Iterator[Alarm]:
    events = ("ReadThrottleEvents", "WriteThrottleEvents")
    series = [(table, event) for table in TABLES for event in events]
    yield Alarm(
        "tables-throttled",
        f"DynamoDB throttles: {_BOOK}, the database is busy.",
        {
            f"t{n}": (aws("DynamoDB", event, TableName={"Ref": table}), "Sum")
            for n, (table, event) in enumerate(series)
        },
        0,
        expression=" + ".join(f"FILL(t{n}, 0)" for n in range(len(series))),
        of=(3, 5),
    )
    calls = [(table, call) for table in TABLES for call in CALLS]
    yield Alarm(
        "tables-failing",
        f"DynamoDB answers with errors of its own: {_BOOK}, the database is busy.",
        {
            f"t{n}": (
                aws("DynamoDB", "SystemErrors", TableName={"Ref": table}, Operation=call),
                "Sum",
            )
            for n, (table, call) in enumerate(calls)
        },
        5,
        expression=" + ".join(f"FILL(t{n}, 0)" for n in range(len(calls))),
        of=(2, 3),
    )
    yield Alarm(
        "commits-exhausted",
        f"Verbs end as storage_busy: {_BOOK}, the database is busy.",
        ours("CommitExhausted"),
        5,
        of=(2, 3),
    )


def _outside() -> Iterator[Alarm]:
    gateway = {"ApiName": "shoukuan", "Stage": "api"}
    yield Alarm(
        "api-failing",
        f"Over 1% of what API Gateway answers is a 5xx: {_BOOK}, the API fails.",
        aws("ApiGateway", "5XXError", **gateway),
        0.01,
        statistic="Average",
        of=(2, 3),
    )
    yield Alarm(
        "api-late",
        f"One answer in a hundred takes over 5 s: {_BOOK}, the API fails.",
        aws("ApiGateway", "Latency", **gateway),
        5000,
        statistic="p99",
        of=(3, 3),
    )
    fates = ("answered", "rejected", "unavailable", "unknown")
    lost = "FILL(unavailable, 0) + FILL(unknown, 0)"
    told = f"{lost} + FILL(answered, 0) + FILL(rejected, 0)"
    yield Alarm(
        "provider-away",
        f"Over a tenth of the calls to WeChat Pay get no answer: {_BOOK}, WeChat Pay is away.",
        {fate: (ours("ProviderCall", provider="wechatpay", fate=fate), "Sum") for fate in fates},
        0.1,
        expression=f"IF({lost} >= 5, ({lost}) / ({told}), 0)",
        of=(2, 3),
    )
