"""Each function may do what it does, and what it does when things go wrong; nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.packaging.allowed import ALLOWED
from local.packaging.functions import API, NOTIFICATIONS
from local.packaging.grants import LAKE, LOG, MAIN, Grant
from tests.recording.calls import Need, needs

ROOT = Path(__file__).parent.parent.parent
_SECONDS_MAX = 900

POLLED = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
"""What Lambda itself does in a function's name, for its queue."""

SELDOM = {
    "BookQueued": {},
    API: {},
    NOTIFICATIONS: {
        "BookingsQueue": "a verified notification that meets a throttle waits there",
    },
    "HearEvents": {},
    "RunCommands": {
        "CommandsQueue": "what was not taken is asked for again, later",
    },
    "RunSettlements": {
        f"dynamodb:GetItem {LOG}": "a debit's guard, where the seller is the payee",
    },
    "RunReconciliations": {
        f"dynamodb:UpdateItem {MAIN}": "a payment that only the bill has is captured",
        f"dynamodb:DeleteItem {MAIN}": "a difference that is gone is taken out",
        f"dynamodb:Query {LOG}": "balances where the day was cut",
    },
    "ReconcileClosedDays": {
        f"dynamodb:UpdateItem {MAIN}": "a payment that only the bill has is captured",
    },
    "ReleaseReceivedOrders": {
        f"dynamodb:GetItem {MAIN}": "an order that moved meanwhile is read again",
    },
    "SettleClosedDays": {
        "SettlementsQueue": "a settlement that another opened at the same moment is walked again",
    },
    "SweepUnansweredComplaints": {
        "CommandsQueue": "an answer that was not taken is asked for again",
        f"dynamodb:PutItem {MAIN}": "and noted again",
    },
    "SweepUnreportedShipments": {
        "CommandsQueue": "a shipment that was not taken is asked for again",
        f"dynamodb:PutItem {MAIN}": "and noted again",
    },
    "SequenceEveryMinute": dict.fromkeys(
        (MAIN, LOG, LAKE, "EventsQueue"), "all that the bell would have done, when nobody rang"
    ),
}
"""What a run in which nothing fails may never call, and why it is allowed all the same."""

WHILE_KEYS_CHANGE = "wechatpay-api-v3-key-previous"


def unused(function: str, used: set[Need]) -> list[str]:
    """Return what a function is allowed, and neither did nor has a reason for."""
    did = {(need.action, need.on) for need in used}
    reasons = SELDOM.get(function, {})
    return sorted(
        f"{action} {grant.on}"
        for grant in ALLOWED[function]
        for action in (f"{grant.service}:{one}" for one in grant.actions)
        if (action, grant.on) not in did
        and not (action in POLLED and grant.on not in reasons)
        and grant.on != WHILE_KEYS_CHANGE
        and grant.on not in reasons
        and f"{action} {grant.on}" not in reasons
    )


def forbidden(function: str, used: set[Need]) -> list[Need]:
    """Return what a function did, and may not."""
    return [
        need
        for need in used
        if not any(
            grant.allows(need.action, need.on, need.names, in_commit=need.in_commit)
            for grant in ALLOWED[function]
        )
    ]


@pytest.mark.slow
@pytest.mark.emulator
def test_functions_are_allowed_what_they_do_and_nothing_else(tmp_path: Path) -> None:
    """Tell every story with all calls to AWS written down, and compare."""
    recording = os.environ | {
        "RECORDED_CALLS": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/stories"],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=recording,
        timeout=_SECONDS_MAX,
    )
    assert told.returncode == 0, told.stdout[-2000:]
    used = needs(tmp_path)
    assert used.keys() == ALLOWED.keys(), "every function ran, and no other"
    denied = {name: forbidden(name, did) for name, did in used.items()}
    idle = {name: unused(name, did) for name, did in used.items()}
    assert {name: found for name, found in denied.items() if found} == {}
    assert {name: found for name, found in idle.items() if found} == {}


ROW = Need("dynamodb:PutItem", LOG, ("P#03",), in_commit=True)
HEAD = Need("dynamodb:PutItem", LOG, ("HEAD",), in_commit=True)
BESIDE = Need("dynamodb:PutItem", LOG, ("P#03",))
BOTH = Need("dynamodb:PutItem", LOG, ("P#03", "HEAD"), in_commit=True)
FILE = Need("s3:PutObject", LAKE, ("log/day=2026-11-24/1.jsonl",))


@pytest.mark.parametrize(
    ("function", "need", "may"),
    [
        (NOTIFICATIONS, ROW, True),
        (NOTIFICATIONS, HEAD, False),
        (NOTIFICATIONS, BESIDE, False),
        (NOTIFICATIONS, BOTH, False),
        ("SequenceWhenRung", HEAD, True),
        ("SequenceWhenRung", FILE, True),
        (API, FILE, False),
        (API, Need("s3:PutObject", "DocumentsBucket", ("disputes/dsp_1/ab",)), True),
        (API, Need("s3:PutObject", "DocumentsBucket", ("bills/wechatpay/x",)), False),
        (API, Need("sqs:SendMessage", "BookingsQueue"), False),
        (NOTIFICATIONS, Need("secretsmanager:GetSecretValue", "wechatpay-private-key"), False),
        (API, Need("dynamodb:DeleteItem", MAIN, ("ord_1",), in_commit=True), False),
        ("SweepPayouts", ROW, False),
    ],
)
def test_what_may_be_done(function: str, need: Need, may: bool) -> None:  # noqa: FBT001
    assert (forbidden(function, {need}) == []) is may


def test_a_grant_that_nobody_uses_is_found() -> None:
    assert "dynamodb:PutItem MainTable" in unused("BookQueued", {ROW})
    assert unused("LookForComplaints", set()) != []


def test_every_reason_is_for_something_allowed() -> None:
    for function, reasons in SELDOM.items():
        allowed = {grant.on for grant in ALLOWED[function]} | {
            f"{grant.service}:{action} {grant.on}"
            for grant in ALLOWED[function]
            for action in grant.actions
        }
        assert set(reasons) <= allowed, function


def test_iam_reads_a_grant_as_we_do() -> None:
    commit = Grant("dynamodb", frozenset({"PutItem"}), LOG, ("P#*",), in_commits=True)
    assert commit.statement() == {
        "Effect": "Allow",
        "Action": ["dynamodb:PutItem"],
        "Resource": {"Fn::GetAtt": ["LogTable", "Arn"]},
        "Condition": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["P#*"]},
            "ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]},
        },
    }
    secret = Grant("secretsmanager", frozenset({"GetSecretValue"}), "session-key").statement()
    assert secret["Resource"]["Fn::Sub"].endswith(":secret:shoukuan/${Stage}/session-key-??????")
    files = Grant("s3", frozenset({"PutObject"}), LAKE, ("log/*",)).statement()
    assert files["Resource"] == [{"Fn::Sub": "${LakeBucket.Arn}/log/*"}]
