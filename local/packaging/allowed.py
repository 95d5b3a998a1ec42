"""What each function may do on AWS, and nothing else.

Only the sequencer writes the table `log`; everybody else may put rows into its outbox, in commits.
`tests/packaging/test_allowed.py` holds each line to the calls that the functions really make, both
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
    reads,
    sends,
    works,
)

_QUEUES = ("Bookings", "Commands", "Events", "Settlements", "Reconciliations")
_WECHAT_PAY = knows(
    *("wechatpay-private-key", "wechatpay-api-v3-key"),
    *("wechatpay-api-v3-key-previous", "wechatpay-public-key"),
)
_MINI_PROGRAM = knows("wechat-app-secret")
_PUSHES = knows("wechat-push-token", "wechat-push-aes-key")
_READS = reads(MAIN, "GetItem", "BatchGetItem", "Query")
_COMMITS = commits("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
_LOG = reads(LOG, "GetItem", "BatchGetItem", "Query")

_SEQUENCER = (
    Grant("dynamodb", frozenset({"BatchGetItem", "Query"}), MAIN),
    Grant(
        "dynamodb",
        frozenset(
            {
                *("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem"),
                *("GetItem", "PutItem", "Query", "UpdateItem"),
            }
        ),
        LOG,
    ),
    *sends("Events"),
    keeps(LAKE, "log/*", "manifest/*"),
)
_RECONCILES = (
    _READS,
    *_COMMITS,
    _LOG,
    lists(LAKE, "manifest/*"),
    gets(LAKE, "log/*", "manifest/*"),
    keeps(DOCUMENTS, "bills/*"),
    *sends("Commands"),
    *_WECHAT_PAY,
)

ALLOWED: dict[str, tuple[Grant, ...]] = {
    API: (
        _READS,
        *_COMMITS,
        _LOG,
        *sends("Bookings", "Commands", "Settlements", "Reconciliations"),
        *counts_dead(*_QUEUES),
        keeps(DOCUMENTS, "disputes/*"),
        gets(DOCUMENTS, "disputes/*"),
        *_WECHAT_PAY,
        *_MINI_PROGRAM,
        *knows("session-key"),
    ),
    NOTIFICATIONS: (
        _READS,
        *_COMMITS,
        *sends("Bookings", "Commands", "Settlements"),
        *_WECHAT_PAY,
        *_MINI_PROGRAM,
        *_PUSHES,
    ),
    "BookQueued": (works("Bookings"), *_COMMITS),
    "HearEvents": (
        works("Events"),
        _READS,
        *_COMMITS,
        *sends("Commands", "Settlements"),
        *_WECHAT_PAY,
        *_MINI_PROGRAM,
    ),
    "RunCommands": (
        works("Commands"),
        _READS,
        *_COMMITS,
        *sends("Commands"),
        *_WECHAT_PAY,
        *_MINI_PROGRAM,
    ),
    "RunSettlements": (
        works("Settlements"),
        _READS,
        _LOG,
        *_COMMITS,
        *sends("Settlements"),
        *_WECHAT_PAY,
    ),
    "RunReconciliations": (works("Reconciliations"), *_RECONCILES),
    "SequenceWhenRung": _SEQUENCER,
    "SequenceEveryMinute": _SEQUENCER,
    "LookForComplaints": (_READS, *_COMMITS, *sends("Commands"), *_WECHAT_PAY),
    "ReconcileClosedDays": _RECONCILES,
    "RefreshCertificates": (_READS, *_COMMITS, *_WECHAT_PAY),
    "RefundUnshippedOrders": (_READS, *_COMMITS),
    "ReleaseReceivedOrders": (_READS, *_COMMITS),
    "SettleClosedDays": (_READS, _LOG, *_COMMITS, *sends("Settlements")),
    "SweepDisputes": (_READS, *_COMMITS),
    "SweepExpiredOrders": (_READS, *_COMMITS, *sends("Commands")),
    "SweepPayouts": (_READS, *_COMMITS, *sends("Settlements")),
    "SweepRefunds": (_READS, *_COMMITS, *sends("Commands")),
    "SweepUnansweredComplaints": (_READS, *_COMMITS, *sends("Commands"), *_WECHAT_PAY),
    "SweepUnreportedShipments": (_READS, *_COMMITS, *sends("Commands"), *_MINI_PROGRAM),
}
