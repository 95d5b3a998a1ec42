"""Every function as it is deployed: memory, time, and how many of it run at once.

A processor comes with the memory: 1,769 MB are one. Where somebody waits for the answer, more of it
makes the cold start shorter; a sweep is in no hurry.

- *reserved* keeps so many for the function and lets no more run. The notifications have some of
  their own, so that no flood of shoppers or sweeps takes the last one from money that was paid; the
  sequencer runs once, since two of it only overtake each other.
- *at once* bounds how many batches of a queue are worked at the same time: more would only meet the
  provider's own limit, or each other at one merchant's guard.
"""

from dataclasses import dataclass

MEGABYTES_A_PROCESSOR = 1769
API, NOTIFICATIONS = "APIHandler", "NotificationsHandler"
NOTIFIED = "/v1/notifications/"
"""Where providers knock: these routes are the second function's."""


@dataclass(frozen=True, slots=True)
class Function:
    """What one function gets."""

    megabytes: int = 512
    seconds: int = 30
    reserved: int | str | None = None  # a number, or the parameter that says it
    at_once: int | None = None  # batches of its queue
    disk_megabytes: int = 512


QUICK = 1024
SORTING = Function(megabytes=2048, seconds=900, disk_megabytes=10_240)
"""A day's bills are read in a stream, and their lines sorted on disk."""

FUNCTIONS: dict[str, Function] = {
    API: Function(QUICK, seconds=29),  # for which API Gateway waits
    NOTIFICATIONS: Function(QUICK, seconds=10, reserved="NotificationsAtOnce"),
    # Queues. A message comes again after six times its function's time.
    "BookQueued": Function(QUICK, at_once=20),
    "HearEvents": Function(at_once=10),
    "RunCommands": Function(at_once=10),
    "RunSettlements": Function(at_once=5),
    "RunReconciliations": Function(2048, 900, at_once=2, disk_megabytes=10_240),
    # The list.
    "SequenceWhenRung": Function(QUICK, reserved=1),
    "SequenceEveryMinute": Function(QUICK, reserved=1),
    # Schedules.
    "LookForComplaints": Function(),
    "ReconcileClosedDays": SORTING,
    "RefreshCertificates": Function(),
    "RefundUnshippedOrders": Function(),
    "ReleaseReceivedOrders": Function(),
    "SettleClosedDays": Function(),
    "SweepDisputes": Function(),
    "SweepExpiredOrders": Function(),
    "SweepPayouts": Function(),
    "SweepRefunds": Function(),
    "SweepUnansweredComplaints": Function(),
    "SweepUnreportedShipments": Function(),
    "WatchHealth": Function(),
}

FEEDS = {
    "BookQueued": "BookingsQueue",
    "RunCommands": "CommandsQueue",
    "HearEvents": "EventsQueue",
    "RunSettlements": "SettlementsQueue",
    "RunReconciliations": "ReconciliationsQueue",
}
"""Whose messages a function works."""
