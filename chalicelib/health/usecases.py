"""Examining the house: every source is asked at once, and one that is away fails alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.complaints.model import UNANSWERED
from chalicelib.delivery.model import REFUSED_THERE, UNREPORTED
from chalicelib.delivery.store import ReportStore
from chalicelib.disputes.model import DEADLINE, DisputeState
from chalicelib.disputes.store import DisputeStore
from chalicelib.health import rules
from chalicelib.health.model import Check, CheckName, Finding, Report, State
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import PlatformError
from chalicelib.kernel.ids import DisputeId, MerchantId, OrderId, PayoutId, RefundId
from chalicelib.ledger.balances import Balances
from chalicelib.ledger.chart import PLATFORM_SUSPENSE
from chalicelib.ledger.days import ClosedDays, business_day, day_began
from chalicelib.orders.model import EXPIRY, RECEIPT, UNSHIPPED
from chalicelib.payments.store import PaymentStore
from chalicelib.reconciliation.store import ReconciliationStore
from chalicelib.refunds.model import REFUND
from chalicelib.refunds.store import RefundStore
from chalicelib.settlement.model import PAYOUT, UNSETTLED, Settled
from chalicelib.settlement.rules import settlement_id
from chalicelib.settlement.store import SettlementStore
from chalicelib.storage import keys, outbox
from chalicelib.storage.due import DueList, Note
from chalicelib.storage.table import Table

A_SHARD = 25
"""How many notes of each of a list's four shards are looked at: a hundred are read at once."""

ROWS_A_SHARD = 25
STANDING_MAX = 100

Findings = Mapping[CheckName, Finding]
Outcome = Findings | BaseException
AtOnce = Callable[[Sequence[Callable[[], Findings]]], Sequence[Outcome]]
"""Look everywhere at once, in threads, and wait no longer than a report may take; in their order,
what each found, or why it found nothing."""


@dataclass(frozen=True, slots=True)
class Examine:
    """Looks at everything that can be stuck; reads only, and never more than some of each list."""

    table: Table
    clock: Clock
    provider: str
    public_key: bool
    dead_letters: Mapping[str, Callable[[], int]]
    provider_time: Callable[[], datetime]
    at_once: AtOnce
    tell: Callable[[CheckName, BaseException], None]

    def examine(self) -> Report:
        """Return every check, the worst first; a source that gives no answer is failing."""
        looks = self._looks()
        found: dict[CheckName, Finding] = {}
        outcomes = self.at_once([look for _, look in looks])
        for (names, _), outcome in zip(looks, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                self.tell(names[0], outcome)
                found |= dict.fromkeys(names, rules.unreachable(_code(outcome)))
            else:
                found |= outcome
        checks = [_check(name, found[name]) for name in CheckName]
        checks.sort(key=lambda check: list(State).index(check.state), reverse=True)
        state = rules.worst([check.state for check in checks])
        return Report(state=state, at=self.clock.now(), checks=tuple(checks))

    def _looks(self) -> Sequence[tuple[tuple[CheckName, ...], Callable[[], Findings]]]:
        name = CheckName
        return [
            *(
                ((check,), lambda check=check, count=count: {check: rules.dead_letters(count())})
                for queue, count in self.dead_letters.items()
                for check in [CheckName(f"dead_letters_{queue}")]
            ),
            ((name.SEQUENCER,), self._sequencer),
            ((name.SUSPENSE,), self._suspense),
            ((name.DUE_REFUNDS, name.REFUNDS_WAITING, name.REFUNDS_STUCK), self._refunds),
            ((name.DUE_PAYOUTS, name.PAYOUTS), self._payouts),
            ((name.PASSED_OVER,), self._passed_over),
            ((name.DUE_DISPUTES, name.DISPUTES), self._disputes),
            ((name.SHIPMENTS_REFUSED,), self._shipments),
            ((name.RECONCILIATION, name.DIFFERENCES), self._agreeing),
            ((name.DUE_EXPIRIES,), lambda: self._due(EXPIRY, name.DUE_EXPIRIES)),
            ((name.DUE_UNSHIPPED,), lambda: self._due(UNSHIPPED, name.DUE_UNSHIPPED)),
            ((name.DUE_RECEIPTS,), lambda: self._due(RECEIPT, name.DUE_RECEIPTS)),
            ((name.DUE_REPORTS,), lambda: self._due(UNREPORTED, name.DUE_REPORTS)),
            ((name.DUE_COMPLAINTS,), lambda: self._due(UNANSWERED, name.DUE_COMPLAINTS)),
            ((name.CLOCK,), self._clock),
            ((name.CERTIFICATES,), self._certificates),
            ((name.PUBLIC_KEY,), self._public_key),
        ]

    def _sequencer(self) -> Findings:
        found = [
            outbox.first_rows(self.table, shard, limit=ROWS_A_SHARD)
            for shard in range(keys.OUTBOX_SHARDS)
        ]
        began = [outbox.waiting_since(row.key.sk) for rows in found for row in rows]
        oldest, more = min(began, default=None), any(len(rows) == ROWS_A_SHARD for rows in found)
        now = self.clock.protocol_now()
        return {CheckName.SEQUENCER: rules.sequencer(oldest, len(began), more=more, now=now)}

    def _suspense(self) -> Findings:
        balances, now = Balances(self.table), self.clock.now()
        folded = balances.folded(PLATFORM_SUSPENSE.name)
        left = next((one for one in folded if one.debits != one.credits), None)
        since = None
        if left is not None:
            position = balances.not_zero_since(left.account, left.currency)
            day = ClosedDays(self.table).day_of(position)
            since = day_began(day or business_day(now).isoformat())
        return {CheckName.SUSPENSE: rules.suspense(left, since, now=now)}

    def _refunds(self) -> Findings:
        notes, now = self._notes(REFUND), self.clock.now()
        named = [(OrderId(order), RefundId(refund)) for order, refund in _pairs(notes)]
        refunds = RefundStore(self.table).many(named) if named else []
        return {
            CheckName.DUE_REFUNDS: _overdue(notes, now),
            CheckName.REFUNDS_WAITING: rules.refunds_waiting(refunds, now=now),
            CheckName.REFUNDS_STUCK: rules.refunds_stuck(refunds, now=now),
        }

    def _payouts(self) -> Findings:
        notes, now = self._notes(PAYOUT), self.clock.now()
        named = [PayoutId(about) for about in _about(notes)]
        payouts = SettlementStore(self.table).payouts(named) if named else []
        return {
            CheckName.DUE_PAYOUTS: _overdue(notes, now),
            CheckName.PAYOUTS: rules.payouts(payouts, now=now),
        }

    def _passed_over(self) -> Findings:
        """Look who is noted now, and was passed over then; what is too little simply waits."""
        noted = {MerchantId(about) for about in _about(self._notes(UNSETTLED))}
        now = self.clock.now()
        then: list[list[str]] = []
        for days in rules.PASSED_OVER_DAYS:
            day = business_day(now - timedelta(days=days)).isoformat()
            settled = SettlementStore(self.table).passed_over(settlement_id(day)) if noted else ()
            hindered = {merchant for merchant, why in settled if why is not Settled.TOO_LITTLE}
            then.append(sorted(hindered & noted))
        lately, for_long = then
        return {CheckName.PASSED_OVER: rules.passed_over(lately, for_long, now=now)}

    def _disputes(self) -> Findings:
        notes, now = self._notes(DEADLINE), self.clock.now()
        named = [(OrderId(order), DisputeId(dispute)) for order, dispute in _pairs(notes)]
        found = DisputeStore(self.table).many(named) if named else []
        moving = [one for one in found if one.state in {DisputeState.OPEN, DisputeState.DECIDED}]
        return {
            CheckName.DUE_DISPUTES: _overdue(notes, now),
            CheckName.DISPUTES: rules.disputes(moving, now=now),
        }

    def _shipments(self) -> Findings:
        noted = [OrderId(about) for about in _about(self._notes(REFUSED_THERE))]
        reports = ReportStore(self.table).many(noted) if noted else {}
        refused = [(order_id, report.reported_at) for order_id, report in reports.items()]
        found = rules.shipments_refused(refused, now=self.clock.now())
        return {CheckName.SHIPMENTS_REFUSED: found}

    def _agreeing(self) -> Findings:
        """Look at the newest closed day, the newest reconciled one, and what stands between."""
        store, now = ReconciliationStore(self.table), self.clock.now()
        yesterday = business_day(now) - timedelta(days=1)
        closed = ClosedDays(self.table).closed_at(yesterday) is not None
        standing, _ = store.standing(self.provider, after=None, limit=STANDING_MAX)
        last = store.last(self.provider)
        return {
            CheckName.RECONCILIATION: rules.reconciliation(
                last, yesterday if closed else None, now=now
            ),
            CheckName.DIFFERENCES: rules.differences(standing, now=now),
        }

    def _due(self, name: str, check: CheckName) -> Findings:
        return {check: _overdue(DueList(self.table, name).first(a_shard=1), self.clock.now())}

    def _clock(self) -> Findings:
        before = self.clock.protocol_now()
        theirs = self.provider_time()
        halfway = before + (self.clock.protocol_now() - before) // 2
        return {CheckName.CLOCK: rules.clock(theirs, halfway)}

    def _certificates(self) -> Findings:
        held, now = PaymentStore(self.table).certificates(self.provider), self.clock.protocol_now()
        found = rules.certificates(held, public_key=self.public_key, now=now)
        return {CheckName.CERTIFICATES: found}

    def _public_key(self) -> Findings:
        return {CheckName.PUBLIC_KEY: rules.public_key(is_set=self.public_key)}

    def _notes(self, name: str) -> Sequence[Note]:
        return DueList(self.table, name).first(a_shard=A_SHARD)


def _overdue(notes: Sequence[Note], now: datetime) -> Finding:
    return rules.overdue(notes[0].at if notes else None, now=now)


def _about(notes: Sequence[Note]) -> list[str]:
    return list(dict.fromkeys(note.about for note in notes))  # one may be noted twice


def _pairs(notes: Sequence[Note]) -> list[tuple[str, str]]:
    split = [about.partition(".") for about in _about(notes)]
    return [(order, other) for order, _, other in split]


def _code(error: BaseException) -> str:
    """Return what went wrong by its name; an error's words may hold anything."""
    return error.code if isinstance(error, PlatformError) else type(error).__name__


def _check(name: CheckName, finding: Finding) -> Check:
    advice, section = rules.ADVICE[name]
    return Check(
        **finding.model_dump(),
        name=name,
        advice=advice,
        run_book=f"docs/operations.md#{section}",
    )
