"""When a figure is a warning, when it is worse, and what to do then. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from chalicelib.disputes.model import Dispute, DisputeState
from chalicelib.health.model import CheckName, Finding, State
from chalicelib.ledger.balances import Balance
from chalicelib.ledger.chart import normal_side
from chalicelib.ledger.days import day_began
from chalicelib.providers.port import Certificate
from chalicelib.reconciliation.model import Discrepancy, DiscrepancyState, Reconciliation
from chalicelib.refunds.model import Refund, RefundState
from chalicelib.settlement.model import Payout, PayoutState

ABOUT_MAX = 5
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ROWS_WAIT = (timedelta(seconds=30), 5 * MINUTE)  # the same half minute that the alarm waits
OVERDUE = (20 * MINUTE, HOUR)  # a sweep of every ten minutes may just have run
SKEW = (MINUTE, 4 * MINUTE)  # WeChat Pay refuses what is signed five minutes off
SUSPENDED = (timedelta(0), 2 * DAY)
REFUND_WAITS = (HOUR, 3 * DAY)
REFUND_QUEUED = (HOUR, DAY)
REFUND_WITH_PROVIDER = (7 * DAY, 30 * DAY)
PAYOUT_UNSENT = (HOUR, DAY)
PAYOUT_WITH_PROVIDER = (DAY, 3 * DAY)
REPORT_REFUSED = (timedelta(0), 7 * DAY)
CERTIFICATE_LEFT = (30 * DAY, 7 * DAY)
DIFFERENCE_OPEN = (timedelta(0), 7 * DAY)
BILLS_AFTER = 12 * HOUR
UNDECIDED_LEFT = DAY
LATE_DECISION = HOUR
PASSED_OVER_DAYS = (7, 30)

Limits = tuple[timedelta, timedelta]

_ORDER = (State.OK, State.WARNING, State.FAILING)


def worst(states: Sequence[State]) -> State:
    """Return the worst of some states."""
    return max(states, key=_ORDER.index, default=State.OK)


def aged(age: timedelta, limits: Limits) -> State:
    """Return what an age means: a warning from the first limit on, failing from the second."""
    warning, failing = limits
    if age >= failing:
        return State.FAILING
    return State.WARNING if age >= warning else State.OK


def dead_letters(count: int) -> Finding:
    """Judge a queue of dead letters; SQS doesn't say since when."""
    state = State.FAILING if count else State.OK
    says = f"{count} dead letters" if count else "no dead letters"
    return Finding(state=state, figure=count, unit="messages", says=says)


def sequencer(oldest: datetime | None, rows: int, *, more: bool, now: datetime) -> Finding:
    """Judge how long the oldest row of the outbox has waited."""
    if oldest is None:
        return Finding(state=State.OK, figure=0, unit="seconds", says="nothing waits")
    waited = max(now - oldest, timedelta(0))
    least = "at least " if more else ""
    return Finding(
        state=aged(waited, ROWS_WAIT),
        figure=seconds(waited),
        unit="seconds",
        says=f"{least}{rows} rows wait to be numbered, the oldest for {_span(waited)}",
        since=oldest,
    )


def suspense(balance: Balance | None, since: datetime | None, *, now: datetime) -> Finding:
    """Judge what lies in suspense, since the business day on which it came there."""
    if balance is None or since is None:
        return Finding(state=State.OK, figure=0, unit="fen", says="nothing in suspense")
    amount = balance.on(normal_side(balance.account))
    return Finding(
        state=aged(max(now - since, timedelta(0)), SUSPENDED),
        figure=amount.amount,
        unit="fen",
        says=f"{amount.amount} fen of {amount.currency} in suspense since that day",
        since=since,
    )


def refunds_waiting(refunds: Sequence[Refund], *, now: datetime) -> Finding:
    """Judge refunds whose money is not there yet."""
    waiting = [one for one in refunds if one.state is RefundState.WAITING]
    ages = [(one.created_at, one.id, REFUND_WAITS) for one in waiting]
    return _oldest(ages, "refunds", "wait for released money to come back", now=now)


def refunds_stuck(refunds: Sequence[Refund], *, now: datetime) -> Finding:
    """Judge refunds that do not come to their end; an abnormal or closed one needs a hand now."""
    now_or_never = (timedelta(0), timedelta(0))
    limits = {
        RefundState.QUEUED: REFUND_QUEUED,
        RefundState.PROCESSING: REFUND_WITH_PROVIDER,
        RefundState.ABNORMAL: now_or_never,
        RefundState.CLOSED: now_or_never,
    }
    ages = [(one.created_at, one.id, limits[one.state]) for one in refunds if one.state in limits]
    return _oldest(ages, "refunds", "do not come to their end", now=now)


def payouts(under_way: Sequence[Payout], *, now: datetime) -> Finding:
    """Judge payouts that do not arrive."""
    limits = {
        PayoutState.CREATED: PAYOUT_UNSENT,
        PayoutState.PROCESSING: PAYOUT_WITH_PROVIDER,
    }
    ages = [(one.created_at, one.id, limits[one.state]) for one in under_way if one.state in limits]
    return _oldest(ages, "payouts", "are under way for too long", now=now)


def shipments_refused(refused: Sequence[tuple[str, datetime]], *, now: datetime) -> Finding:
    """Judge shipments that WeChat refused and whose goods are on their way."""
    ages = [(at, order_id, REPORT_REFUSED) for order_id, at in refused]
    return _oldest(ages, "shipments", "were refused by WeChat", now=now)


def passed_over(lately: Sequence[str], for_long: Sequence[str], *, now: datetime) -> Finding:
    """Judge merchants whose payouts are hindered since a week, or a month; never too little."""
    if not lately and not for_long:
        return Finding(state=State.OK, figure=0, unit="merchants", says="nobody is passed over")
    some = sorted({*lately, *for_long})
    days = PASSED_OVER_DAYS[bool(for_long)]
    return Finding(
        state=State.FAILING if for_long else State.WARNING,
        figure=len(some),
        unit="merchants",
        says=f"{len(some)} merchants have been passed over for {days} days or more",
        since=now - days * DAY,
        about=tuple(some[:ABOUT_MAX]),
    )


def reconciliation(last: Reconciliation | None, closed: date | None, *, now: datetime) -> Finding:
    """Judge how far the days agree with the bank: `closed` is the newest day that is over.

    A day's bills come at ten the next morning, so from noon on it should have been reconciled.
    """
    if last is not None and last.unexplained:
        amount = abs(last.unexplained)
        says = f"{amount} fen of {last.day} are explained by nothing"
        return Finding(
            state=State.FAILING, figure=amount, unit="fen", says=says, since=day_began(last.day)
        )
    if closed is None or (last is not None and closed.isoformat() <= last.day):
        return Finding(state=State.OK, figure=0, unit="days", says="every closed day was looked at")
    due = day_began(closed.isoformat()) + DAY + BILLS_AFTER
    behind = (closed - date.fromisoformat(last.day)).days if last is not None else 1
    late = State.FAILING if behind > 1 else State.WARNING
    return Finding(
        state=late if now >= due or behind > 1 else State.OK,
        figure=behind,
        unit="days",
        says=f"{behind} closed days were not reconciled yet",
        since=due if now >= due else None,
    )


def differences(standing: Sequence[Discrepancy], *, now: datetime) -> Finding:
    """Judge differences from the bank that a person must look at, by how long they are open."""
    ages = [
        (one.found_at, one.id, DIFFERENCE_OPEN)
        for one in standing
        if one.state is DiscrepancyState.OPEN
    ]
    return _oldest(ages, "differences", "are open", now=now)


def disputes(found: Sequence[Dispute], *, now: datetime) -> Finding:
    """Judge disputes that nobody decided, or whose decision is not carried out."""
    late = [(_ends(one), one) for one in found if now >= _ends(one) + LATE_DECISION]
    soon = [
        (one.decide_by, one)
        for one in found
        if one.state is DisputeState.OPEN and one.decide_by - UNDECIDED_LEFT <= now
    ]
    some = sorted(late or soon, key=lambda pair: pair[0])
    if not some:
        return Finding(state=State.OK, figure=0, unit="disputes", says="none is late")
    what = "are past their deadline" if late else "are decided by rule within a day"
    return Finding(
        state=State.FAILING if late else State.WARNING,
        figure=len(some),
        unit="disputes",
        says=f"{len(some)} disputes {what}",
        since=some[0][0],
        about=tuple(one.id for _, one in some[:ABOUT_MAX]),
    )


def overdue(earliest: datetime | None, *, now: datetime) -> Finding:
    """Judge a list of what is due by its earliest note."""
    late = max(now - earliest, timedelta(0)) if earliest is not None else timedelta(0)
    state = aged(late, OVERDUE)
    says = "nothing is overdue" if state is State.OK else f"overdue for {_span(late)}: not swept"
    since = earliest if state is not State.OK else None
    return Finding(state=state, figure=seconds(late), unit="seconds", says=says, since=since)


def clock(theirs: datetime, ours: datetime) -> Finding:
    """Judge how far our clock is from WeChat Pay's `Date`, which counts whole seconds."""
    skew = abs(theirs - ours)
    ahead = "behind" if theirs > ours else "ahead of"
    says = f"our clock is {seconds(skew)} s {ahead} WeChat Pay's"
    return Finding(state=aged(skew, SKEW), figure=seconds(skew), unit="seconds", says=says)


def certificates(held: Sequence[Certificate], *, public_key: bool, now: datetime) -> Finding:
    """Judge how long the newest downloaded certificate is good; with a public key none need be."""
    ends = max((one.expires_at for one in held), default=None)
    if ends is None or ends <= now:
        if public_key:
            says = "none is needed beside the public key"
            return Finding(state=State.OK, figure=None, unit="days", says=says)
        says = "no valid certificate: no notification can be verified"
        return Finding(state=State.FAILING, figure=0, unit="days", says=says, since=ends)
    left = ends - now
    warning, failing = CERTIFICATE_LEFT
    state = State.FAILING if left < failing else State.WARNING if left < warning else State.OK
    return Finding(
        state=State.OK if public_key else state,
        figure=left.days,
        unit="days",
        says=f"the newest certificate is good for {left.days} days",
    )


def public_key(*, is_set: bool) -> Finding:
    """Judge whether WeChat Pay's public key is configured."""
    says = "it is set" if is_set else "it is not set: only downloaded certificates are believed"
    state = State.OK if is_set else State.WARNING
    return Finding(state=state, figure=int(is_set), unit="keys", says=says)


def unreachable(code: str) -> Finding:
    """Say that a source gave no answer: not knowing is failing."""
    says = f"unreachable: {code}"
    return Finding(state=State.FAILING, figure=None, unit="", says=says)


def seconds(span: timedelta) -> int:
    """Return whole seconds, rounded down."""
    return span // timedelta(seconds=1)


def _ends(dispute: Dispute) -> datetime:
    """Return when a dispute must have moved."""
    return dispute.decision.decided_at if dispute.decision else dispute.decide_by


def _oldest(
    ages: Sequence[tuple[datetime, str, Limits]], unit: str, what: str, *, now: datetime
) -> Finding:
    """Judge some by their ages; the figure counts those that are too old."""
    judged = sorted((at, name, aged(now - at, limits)) for at, name, limits in ages)
    late = [one for one in judged if one[2] is not State.OK]
    if not late:
        says = f"none of {len(ages)} is late" if ages else "there are none"
        return Finding(state=State.OK, figure=0, unit=unit, says=says)
    return Finding(
        state=worst([state for _, _, state in late]),
        figure=len(late),
        unit=unit,
        says=f"{len(late)} {unit} {what}, the oldest for {_span(now - late[0][0])}",
        since=late[0][0],
        about=tuple(name for _, name, _ in late[:ABOUT_MAX]),
    )


def _span(span: timedelta) -> str:
    """Spell a span by its largest unit."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if span >= 2 * unit:
            return f"{span // unit} {name}"
    return f"{seconds(span)} s"


_DEAD = "Read why in the log, put that right, then `make redrive QUEUE={}` within 14 days."
_SWEPT = "See why its schedule fails: the log and `JobRun` say which; it makes up by itself."

ADVICE: dict[CheckName, tuple[str, str]] = {
    CheckName.DEAD_BOOKINGS: (_DEAD.format("bookings"), "dead-letters"),
    CheckName.DEAD_COMMANDS: (_DEAD.format("commands"), "dead-letters"),
    CheckName.DEAD_EVENTS: (_DEAD.format("events"), "dead-letters"),
    CheckName.DEAD_SETTLEMENTS: (_DEAD.format("settlements"), "dead-letters"),
    CheckName.DEAD_RECONCILIATIONS: (_DEAD.format("reconciliations"), "dead-letters"),
    CheckName.SEQUENCER: (
        "See whether `sequence_every_minute` runs and what it logs; nothing is lost meanwhile.",
        "the-list-is-behind",
    ),
    CheckName.SUSPENSE: (
        "Late money goes back by itself; look the rest up by its number and refund it there.",
        "money-went-to-suspense",
    ),
    CheckName.REFUNDS_WAITING: (
        "Wait for the merchant's sales, or fund the refund: `POST …/refunds/{id}/funding`.",
        "a-refund-needs-a-person",
    ),
    CheckName.REFUNDS_STUCK: (
        "Read `state` and `failure` of each, and do what the table says for that state.",
        "a-refund-needs-a-person",
    ),
    CheckName.PAYOUTS: (
        "Ask the merchant to confirm in WeChat; look the number up in the provider's console.",
        "a-payout-that-does-not-arrive",
    ),
    CheckName.PASSED_OVER: (
        "Name a payee or let its payouts go: `POST /v1/merchants/{id}/terms`; then settle again.",
        "merchants-that-are-passed-over",
    ),
    CheckName.DISPUTES: (
        "Decide it: `POST …/disputes/{id}/decision`; what is late is decided by rule when swept.",
        "a-dispute-that-nobody-decides",
    ),
    CheckName.SHIPMENTS_REFUSED: (
        "Correct the parcel in WeChat's console; its code is in `GET /v1/orders/{id}/shipment`.",
        "wechat-refuses-a-shipment",
    ),
    CheckName.RECONCILIATION: (
        "See the last attempt in `GET /v1/reconciliations/{date}`, or reconcile the day by hand.",
        "a-day-could-not-be-reconciled",
    ),
    CheckName.DIFFERENCES: (
        "Take each on and resolve it: `GET /v1/discrepancies`, `POST …/resolution`.",
        "a-difference-that-stands",
    ),
    CheckName.DUE_EXPIRIES: (_SWEPT, "a-list-that-is-not-swept"),
    CheckName.DUE_UNSHIPPED: (_SWEPT, "a-list-that-is-not-swept"),
    CheckName.DUE_RECEIPTS: (_SWEPT, "a-list-that-is-not-swept"),
    CheckName.DUE_REFUNDS: (_SWEPT, "a-list-that-is-not-swept"),
    CheckName.DUE_PAYOUTS: (_SWEPT, "a-list-that-is-not-swept"),
    CheckName.DUE_DISPUTES: (_SWEPT, "a-list-that-is-not-swept"),
    CheckName.DUE_REPORTS: (_SWEPT, "a-list-that-is-not-swept"),
    CheckName.DUE_COMPLAINTS: (_SWEPT, "a-list-that-is-not-swept"),
    CheckName.CLOCK: (
        "Set this machine's clock by NTP; WeChat Pay refuses what is signed five minutes off.",
        "the-clock-or-the-keys",
    ),
    CheckName.CERTIFICATES: (
        "See why `refresh_certificates` fails, or set WeChat Pay's public key.",
        "the-clock-or-the-keys",
    ),
    CheckName.PUBLIC_KEY: (
        "Set WECHATPAY_PUBLIC_KEY and WECHATPAY_PUBLIC_KEY_ID from the provider's console.",
        "the-clock-or-the-keys",
    ),
}
"""For each check, what to do about it, and its section of docs/operations.md."""
