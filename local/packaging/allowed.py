"""What each function may do on AWS, and nothing else.

Only the sequencer writes the table `log`; everybody else may put rows into its outbox, in commits.
`tests/recording/test_allowed.py` holds each line to the calls that the functions really make, both
ways: nothing is called that is not allowed here, and nothing is allowed that nobody calls.
"""

from local.packaging.functions import API, NOTIFICATIONS
from local.packaging.grants import (
    DOCUMENTS,
    LAKE,
    LOG,
    MAIN,
    Grant,
    commits,
    counts_dead,
    gets,
    keeps,
    knows,
    lists,
    notes,
    reads,
    sends,
    works,
)

_QUEUES = ("Bookings", "Commands", "Events", "Settlements", "Reconciliations")
_HEARS = knows(
    *("wechatpay-api-v3-key", "wechatpay-api-v3-key-previous", "wechatpay-public-key"),
)
"""To read what WeChat Pay says; who asks it for something signs with the private key, too."""

_ASKS = (*_HEARS, *knows("wechatpay-private-key"))
_MINI_PROGRAM = knows("wechat-app-secret")
_CERTIFICATES = reads(MAIN, "GetItem")  # those that were downloaded before this start

_NUMBERS = (
    reads(MAIN, "BatchGetItem"),
    Grant(
        "dynamodb",
        frozenset(
            {"BatchGetItem", "BatchWriteItem", "DeleteItem", "PutItem", "Query", "UpdateItem"}
        ),
        LOG,
    ),
    *sends("Events"),
    keeps(LAKE, "log/*", "manifest/*"),
)
_RECONCILES = (
    reads(MAIN, "GetItem", "BatchGetItem", "Query"),
    reads(LOG, "GetItem", "Query"),
    *commits("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"),
    gets(LAKE, "log/*", "manifest/*"),
    lists(LAKE),
    keeps(DOCUMENTS, "bills/*"),
    *_ASKS,
)

ALLOWED: dict[str, tuple[Grant, ...]] = {
    API: (
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        reads(LOG, "GetItem", "BatchGetItem", "Query"),
        *commits("PutItem", "UpdateItem", "ConditionCheckItem"),
        *sends("Commands", "Settlements", "Reconciliations"),
        *counts_dead(*_QUEUES),
        keeps(DOCUMENTS, "disputes/*"),
        gets(DOCUMENTS, "disputes/*"),
        *_ASKS,
        *_MINI_PROGRAM,
        *knows("session-key"),
    ),
    NOTIFICATIONS: (
        reads(MAIN, "GetItem", "Query"),
        *commits("PutItem", "UpdateItem"),
        *sends("Bookings", "Commands"),
        *_HEARS,
        *_MINI_PROGRAM,
        *knows("wechat-push-token", "wechat-push-aes-key"),
    ),
    # Queues.
    "BookQueued": (works("Bookings"), *commits("PutItem", "UpdateItem")),
    "HearEvents": (
        works("Events"),
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        *commits("PutItem", "UpdateItem"),
        *sends("Commands", "Settlements"),
        *_HEARS,
        *_MINI_PROGRAM,
    ),
    "RunCommands": (
        works("Commands"),
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        reads(LOG, "GetItem", within=("B#*",)),
        *commits("PutItem", "UpdateItem", "ConditionCheckItem"),
        *sends("Commands"),
        *_ASKS,
        *_MINI_PROGRAM,
    ),
    "RunSettlements": (
        works("Settlements"),
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        reads(LOG, "GetItem", "BatchGetItem", "Query", within=("A#*", "B#*")),
        *commits("PutItem", "UpdateItem", "DeleteItem"),
        *sends("Settlements"),
        *_ASKS,
    ),
    "RunReconciliations": (works("Reconciliations"), *_RECONCILES),
    # The numbered list.
    "SequenceWhenRung": _NUMBERS,
    "SequenceEveryMinute": _NUMBERS,
    # Schedules.
    "LookForComplaints": (_CERTIFICATES, *sends("Commands"), *_ASKS),
    "ReconcileClosedDays": _RECONCILES,
    "RefreshCertificates": (_CERTIFICATES, notes("PutItem"), *_ASKS),
    "RefundUnshippedOrders": (
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        *commits("PutItem", "UpdateItem", "DeleteItem"),
    ),
    "ReleaseReceivedOrders": (
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        *commits("PutItem", "UpdateItem", "DeleteItem"),
    ),
    "SettleClosedDays": (
        reads(MAIN, "GetItem"),
        reads(LOG, "GetItem", within=("DAY",)),
        *commits("PutItem"),
        *sends("Settlements"),
    ),
    "SweepDisputes": (
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        *commits("PutItem", "UpdateItem", "DeleteItem"),
    ),
    # These look and ask; what they write is only when to look again.
    "SweepExpiredOrders": (
        reads(MAIN, "BatchGetItem", "Query"),
        notes("PutItem", "DeleteItem"),
        *sends("Commands"),
    ),
    "SweepPayouts": (
        reads(MAIN, "BatchGetItem", "Query"),
        notes("PutItem", "DeleteItem"),
        *sends("Settlements"),
    ),
    "SweepRefunds": (
        reads(MAIN, "BatchGetItem", "Query"),
        notes("PutItem", "DeleteItem"),
        *sends("Commands"),
    ),
    "SweepUnansweredComplaints": (
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        notes("PutItem", "DeleteItem"),
        *sends("Commands"),
        *_HEARS,
    ),
    "SweepUnreportedShipments": (
        reads(MAIN, "BatchGetItem", "Query"),
        notes("PutItem", "DeleteItem"),
        *sends("Commands"),
        *_MINI_PROGRAM,
    ),
    "WatchHealth": (
        reads(MAIN, "GetItem", "BatchGetItem", "Query"),
        reads(LOG, "GetItem", "Query"),
        *counts_dead(*_QUEUES),
    ),
}
