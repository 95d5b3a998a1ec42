"""Every count, its dimensions and their values: what is new here needs a row in the documents.

A dimension's values are few and known, since each is a metric of its own to CloudWatch, and to
whoever pays for it.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from chalicelib.complaints.model import Answered, Taken
from chalicelib.delivery import wiring as delivery
from chalicelib.delivery.model import Received, Report, ReportState
from chalicelib.edge.http import MISSED_MILLISECONDS
from chalicelib.front import APIS
from chalicelib.health.model import CheckName
from chalicelib.kernel.ids import OrderId, PayoutId
from chalicelib.kernel.limits import Limited
from chalicelib.kernel.money import fen
from chalicelib.payments import wiring as payments
from chalicelib.payments.model import Booking, Closing
from chalicelib.providers.bills import LineKind
from chalicelib.providers.funds import Transferred, TransferState
from chalicelib.providers.port import Collected, Fate
from chalicelib.providers.refunds import Refunded, RefundStatus
from chalicelib.reconciliation.model import Outcome
from chalicelib.reconciliation.rules import ENTRY
from chalicelib.refunds import wiring as refunds
from chalicelib.refunds.model import Delay
from chalicelib.refunds.model import Word as RefundWord
from chalicelib.settlement import wiring as settlement
from chalicelib.settlement.model import Settled
from chalicelib.settlement.model import Word as PayoutWord
from local.redrive import QUEUES
from tests.edge.calls import listening
from tests.fakes.clock import START

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
SOURCES = sorted((ROOT / "chalicelib").rglob("*.py"))

CODES = {path.stem for path in (ROOT / "docs" / "problems").glob("*.md")} - {"README"}
JOBS = {
    *("sequence_every_minute", "sweep_expired_orders", "release_received_orders"),
    *("refresh_certificates", "settle_closed_days", "sweep_payouts", "sweep_refunds"),
    *("sweep_unreported_shipments", "sweep_disputes", "reconcile_closed_days"),
    *("look_for_complaints", "sweep_unanswered_complaints"),
    *("refund_unshipped_orders", "watch_health"),
}
REASONS = {
    *("stale", "signature", "serial", "headers", "body", "ciphertext"),
    *("merchant", "app", "number", "state", "door", "setup"),
}
ALARMS = {
    "money went to suspense",
    "a refund needs a person",
    "WeChat refuses a shipment",
    "received in WeChat, and not receivable here",
    "a provider's word about a payout fits none of ours",
    "a complaint about money that is not held",
    "a complaint about a payment that is none of ours",
    "WeChat Pay takes no answer to a complaint",
    "the provider's books and ours differ by what nobody can explain",
    "a day could not be reconciled",
}
WORDS = {"booked", "repeated", "contradictory", "unknown"}
PROVIDERS = {"wechatpay", "wechat"}


def events() -> set[str]:
    """Return what the rooms say they emit."""
    said: set[str] = set()
    for path in (ROOT / "chalicelib").glob("*/__init__.py"):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        emits = text.partition("Emits ")[2].partition("Hears")[0]
        said |= set(re.findall(r"`([a-z]+\.[a-z_]+)`", emits))
    return said


ROUTES = [operation for api in APIS for operation in api.operations]
QUEUE_NAMES = {*QUEUES, "unknown"}

METRICS: dict[str, dict[str, set[str]]] = {
    "RequestMilliseconds": {"route_class": set(MISSED_MILLISECONDS)},
    "RequestMissed": {"route_class": set(MISSED_MILLISECONDS)},
    "VerbMilliseconds": {
        "verb": {one.verb for one in ROUTES if one.route_class in {"notification", "money"}}
    },
    "CommitAttempts": {},
    "CommitMilliseconds": {},
    "CommitConflicts": {},
    "CommitThrottles": {},
    "CommitSilences": {},
    "CommitExhausted": {},
    "ProviderMilliseconds": {"provider": PROVIDERS},
    "MessageMilliseconds": {"queue": QUEUE_NAMES},
    "MessageAgeMilliseconds": {"queue": QUEUE_NAMES},
    "NumberingMilliseconds": {},
    "ChecksStanding": {"state": {"warning", "failing"}},
    "RefundTakenSeconds": {},
    "CheckState": {"check": {name.value for name in CheckName}},
    "Committed": {"event": events()},
    "Refused": {"code": CODES},
    "MessageFailed": {"code": CODES},
    "ProviderCall": {
        "provider": PROVIDERS,
        "fate": {"answered", "rejected", "unavailable", "unknown"},
    },
    "NotificationBooked": {
        "provider": {"wechatpay"},
        "booking": {"captured", "repeated", "late", "contradictory", "unknown"},
    },
    "NotificationQueued": {"provider": {"wechatpay"}},
    "NotificationRefused": {"provider": PROVIDERS, "reason": REASONS},
    "NotificationIgnored": {"provider": PROVIDERS},
    "OrderClosing": {"outcome": {"closed", "paid", "not_due"}},
    "ReceiptHeard": {"received": {"released", "not_yet", "not_ours", "elsewhere"}},
    "RefundWord": {
        "word": WORDS,
        "status": {"processing", "success", "abnormal", "closed"},
    },
    "RefundDelayed": {"delay": {"not_collected", "spaced", "not_taken"}},
    "PayoutWord": {"word": WORDS, "state": {"waiting", "paid", "failed", "cancelled"}},
    "MerchantSettled": {
        "outcome": {
            *("payout", "netted", "nothing", "held", "not_allowed", "no_payee", "too_little"),
        }
    },
    "JobRun": {"job": JOBS, "outcome": {"done", "failed"}},
    "Complaint": {"taken": {one.value for one in Taken}},
    "ComplaintAnswer": {"answered": {one.value for one in Answered}},
    "ReconciledLines": {
        "kind": {one.value for one in LineKind} - {LineKind.LISTED, LineKind.FEE} | {ENTRY},
        "outcome": {one.value for one in Outcome} - {Outcome.FEES, Outcome.OPENING},
    },
    "OpenDiscrepancies": {},
    "UnexplainedFen": {},
    "ReconciliationRefused": {},
    "SequencerOvertaken": {},
    "OldestRowSeconds": {},
    "LimitUncounted": {"limit": {one.value for one in Limited}},
    "CheckUnreachable": {"check": {name.value for name in CheckName}},
    "AlarmRaised": {"alarm": ALARMS},
}

KINDS: dict[type[StrEnum], tuple[str, str]] = {
    Fate: ("ProviderCall", "fate"),
    Booking: ("NotificationBooked", "booking"),
    Closing: ("OrderClosing", "outcome"),
    Received: ("ReceiptHeard", "received"),
    RefundWord: ("RefundWord", "word"),
    RefundStatus: ("RefundWord", "status"),
    Delay: ("RefundDelayed", "delay"),
    PayoutWord: ("PayoutWord", "word"),
    TransferState: ("PayoutWord", "state"),
    Settled: ("MerchantSettled", "outcome"),
}


def calls(*names: str) -> Iterator[ast.Call]:
    """Find the calls of a function of `observe`, from outside and from inside."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if isinstance(node.func, ast.Name) and path.name == "observe.py":
                called = node.func.id
            of = node.func.value if isinstance(node.func, ast.Attribute) else None
            if called in names and (of is None or getattr(of, "id", "") == "observe"):
                yield node


def literal(node: ast.Call) -> str:
    (first, *_) = node.args
    assert isinstance(first, ast.Constant), ast.unparse(node)
    return str(first.value)


def test_every_count_has_its_row_here_with_its_dimensions() -> None:
    found: dict[str, set[str]] = {}
    for call in calls("count", "measure"):
        dimensions = {keyword.arg or "" for keyword in call.keywords} - {"facts", "times", "unit"}
        known = found.setdefault(literal(call), dimensions)
        assert known == dimensions, "one metric, one set of dimensions"
    assert found == {metric: set(dimensions) for metric, dimensions in METRICS.items()}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_new_outcome_needs_its_row(kind: type[StrEnum]) -> None:
    metric, dimension = KINDS[kind]
    assert {member.value for member in kind} == METRICS[metric][dimension]


def test_every_event_is_said_by_the_room_that_emits_it() -> None:
    literals = {
        node.value
        for path in SOURCES
        if path.relative_to(ROOT / "chalicelib").parts[0] not in {"edge", "storage"}  # no rooms
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z]+\.[a-z_]+", node.value)
    }
    assert events() == literals | {f"shipment.{state}" for state in ReportState}


def test_every_schedule_is_counted() -> None:
    scheduled: set[str] = set()
    for path in (ROOT / "chalicelib").glob("*/jobs.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                how = [ast.unparse(decorator) for decorator in node.decorator_list]
                if any("blueprint.schedule" in one for one in how):
                    assert how[1:] == ["observe.job"], node.name
                    scheduled.add(node.name)
    assert scheduled == JOBS


def test_every_reason_of_a_refused_notification_is_listed() -> None:
    found = {
        str(keyword.value.value)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant)
        if ast.unparse(node.func) in {"DoubtError", "NotificationRefusedError"}
    }
    assert found == REASONS


def test_every_alarm_is_listed_and_has_its_run_book() -> None:
    assert {literal(call) for call in calls("alarm")} == ALARMS
    headings = re.findall(r"^## (.*)$", OPERATIONS, re.MULTILINE)
    assert ALARMS - {heading.strip('"') for heading in headings} == set()


def anchor(heading: str) -> str:
    """Return where a heading is found, as GitHub spells it."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def test_every_check_leads_to_a_run_book() -> None:
    from chalicelib.health.rules import ADVICE  # noqa: PLC0415

    anchors = {anchor(text) for text in re.findall(r"^## (.*)$", OPERATIONS, re.MULTILINE)}
    assert {section for _, section in ADVICE.values()} - anchors == set()
    for name in CheckName:
        assert f"`{name}`" in OPERATIONS, name


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_and_every_value_is_in_the_documents(metric: str) -> None:
    (row,) = [line for line in OPERATIONS.splitlines() if line.startswith(f"| `{metric}` |")]
    for dimension, values in METRICS[metric].items():
        assert f"`{dimension}`" in row
        for value in values - CODES - {name.value for name in CheckName}:
            assert f"`{value}`" in row or value in row, value


NUMBER = "pay_0000000000000000000000000A"
COLLECTED = Collected(
    provider="wechatpay",
    number=NUMBER,
    transaction_id="42",
    attach="",
    amount=fen(1),
    paid_at=START,
)


def word(state: TransferState) -> Transferred:
    return Transferred(payout_id=PayoutId.derive("a"), state=state, amount=fen(1))


def refunded(status: RefundStatus) -> Refunded:
    return Refunded(number="rfd_1", payment_number=NUMBER, status=status, amount=fen(1))


def report(state: ReportState, reason: str) -> Callable[[], None]:
    said = Report(state=state, reported_at=START, reason=reason)
    return lambda: delivery._tell_report(OrderId("ord_1"), said)


@pytest.mark.parametrize(
    ("tell", "counted", "alarm"),
    [
        *(
            (
                lambda booking=booking: payments.tell(booking, COLLECTED),
                ("NotificationBooked", {"booking": booking}),
                booking not in {Booking.CAPTURED, Booking.REPEATED},
            )
            for booking in Booking
        ),
        *(
            (
                lambda word_=word_, status=status: refunds._tell(word_, refunded(status)),
                ("RefundWord", {"word": word_, "status": status}),
                word_ in {RefundWord.CONTRADICTORY, RefundWord.UNKNOWN}
                or (word_ is RefundWord.BOOKED and status in {"abnormal", "closed"}),
            )
            for word_ in RefundWord
            for status in RefundStatus
        ),
        *(
            (
                lambda word_=word_, state=state: settlement._tell(word_, word(state)),
                ("PayoutWord", {"word": word_, "state": state}),
                word_ in {PayoutWord.CONTRADICTORY, PayoutWord.UNKNOWN},
            )
            for word_ in PayoutWord
            for state in TransferState
        ),
        *(
            (
                lambda received=received: delivery._tell_received(received, NUMBER),
                ("ReceiptHeard", {"received": received}),
                received is Received.ELSEWHERE,
            )
            for received in Received
        ),
        (report(ReportState.REPORTED, ""), None, False),
        (report(ReportState.REFUSED, "10060004"), None, True),
        (report(ReportState.REFUSED, "order_refunded"), None, False),
    ],
)
def test_every_outcome_is_counted_once_and_alarms_where_a_person_must_look(
    tell: Callable[[], None], counted: tuple[str, dict[str, str]] | None, alarm: Any
) -> None:
    with listening() as ear:
        tell()
    metrics = [line for line in ear.lines if "_aws" in line]
    alarms = [line["alarm"] for line in metrics if "AlarmRaised" in line]
    assert len(alarms) == bool(alarm)
    assert set(alarms) <= ALARMS
    others = [line for line in metrics if "AlarmRaised" not in line]
    if counted is None:
        assert others == []
        return
    metric, dimensions = counted
    (line,) = others
    assert line[metric] == [1.0]
    assert {name: line[name] for name in dimensions} == dimensions


def declared(kind: str) -> list[dict[str, Any]]:
    resources = json.loads((ROOT / ".chalice" / "resources.json").read_text())["Resources"]
    return [one["Properties"] for one in resources.values() if one["Type"] == kind]


def test_an_alarm_of_its_own_listens_to_each_message_and_to_each_queue_of_dead_letters() -> None:
    alarms = declared("AWS::CloudWatch::Alarm")
    listened = {
        dimension["Value"]
        for alarm in alarms
        if alarm.get("MetricName") == "AlarmRaised"
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "alarm"
    }
    assert listened == ALARMS
    dead = [one["QueueName"]["Fn::Sub"] for one in declared("AWS::SQS::Queue")]
    dead = [name for name in dead if name.endswith("-dead")]
    assert sorted(dead) == [f"shoukuan-${{Stage}}-{queue}-dead" for queue in QUEUES]
    names = {alarm["AlarmName"]["Fn::Sub"] for alarm in alarms}
    assert set(dead) <= names
    assert {CheckName(f"dead_letters_{queue}") for queue in QUEUES} <= set(CheckName)
