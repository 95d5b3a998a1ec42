"""Scenes of reconciliation: days with every kind of difference, and the hands that resolve some."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial

from chalicelib.kernel.ids import PaymentId, PayoutId
from chalicelib.ledger.days import business_day
from chalicelib.ledger.postings import captured_key
from chalicelib.providers.bills import BillKind, BillLine
from chalicelib.providers.funds import TransferState
from chalicelib.providers.refunds import RefundStatus
from chalicelib.reconciliation import usecases as reconciliation
from chalicelib.reconciliation.model import Discrepancy, DiscrepancyState, Outcome
from chalicelib.reconciliation.usecases.compare import Compared
from chalicelib.refunds.model import Refund
from tests.simulation import reconciling
from tests.simulation.ports import Fault
from tests.simulation.registered import Registered, Scene, Verb
from tests.simulation.scenes import held, paid
from tests.simulation.stage import Stage
from tests.simulation.verbs_money_out import payout, terms, unfreezing
from tests.simulation.verbs_refunds import accept, processing

FEE_BASIS_POINTS = 60
_ALMOST_MIDNIGHT_SECONDS = 8 * 3600 - 30  # the clock starts at four in the afternoon


def end_day(stage: Stage) -> date:
    """Let the day end, and return it."""
    stage.catch_up()
    today = business_day(stage.world.now())
    while business_day(stage.world.now()) == today:
        stage.world.pause(3600)
    stage.catch_up()
    return today


def _reconciling(stage: Stage) -> Verb:
    """Return the daily job, as the schedule runs it."""
    return lambda: reconciling.job(stage)


def _charging(stage: Stage) -> None:
    stage.theirs.bill_books.fee_basis_points = FEE_BASIS_POINTS


def _plain(stage: Stage) -> Verb:
    _charging(stage)
    stage.deliver(paid(stage))
    end_day(stage)
    return _reconciling(stage)


def _empty(stage: Stage) -> Verb:
    stage.merchant()
    end_day(stage)
    return _reconciling(stage)


def _unheard(stage: Stage) -> Verb:
    """Reconcile a day of which a notification was lost: it is asked for, and booked."""
    word = paid(stage)
    end_day(stage)

    def reconcile() -> None:
        reconciling.job(stage)
        (found,) = [one for one in reconciling.discrepancies(stage) if one.kind == "payment"]
        booked = captured_key(PaymentId(word.number)) in {one.key for one in stage.entries()}
        assert booked or found.state is DiscrepancyState.WAITING, "nobody asked"

    return reconcile


def _refund_under_way(stage: Stage) -> Verb:
    _charging(stage)
    processing(stage)
    end_day(stage)
    return _reconciling(stage)


def _refund_paid_unheard(stage: Stage) -> Verb:
    refund = processing(stage)
    stage.back.end(refund.id, RefundStatus.SUCCESS)
    end_day(stage)
    return _reconciling(stage)


def _refund_closed(stage: Stage) -> Verb:
    """Reconcile the day after a refund was closed, which no bill says where a seller is paid."""
    _charging(stage)
    refund = processing(stage)
    end_day(stage)
    reconciling.job(stage)
    stage.back.end(refund.id, RefundStatus.CLOSED)
    end_day(stage)
    return _reconciling(stage)


def _refund_retried(stage: Stage) -> Verb:
    """Reconcile a day on which a refund was closed, and sent again under a fresh number."""
    _charging(stage)
    refund = processing(stage)
    stage.rooms.advance_refund.hear(stage.back.end(refund.id, RefundStatus.CLOSED))
    stage.rooms.refund_hands.retry(refund.order_id, refund.id)
    stage.world.pause(120)
    stage.rooms.advance_refund.advance(refund.order_id, refund.id)
    stage.rooms.advance_refund.hear(stage.back.end(f"{refund.id}_2", RefundStatus.SUCCESS))
    end_day(stage)
    return _reconciling(stage)


def _confirmed_next_day(stage: Stage) -> Verb:
    """Reconcile the day on which a transfer was confirmed that was accepted the day before."""
    payout_id = payout(stage)
    stage.rooms.pay_out.advance(payout_id)
    end_day(stage)
    reconciling.job(stage)
    _confirm(stage, payout_id)
    end_day(stage)
    return _reconciling(stage)


def _confirm(stage: Stage, payout_id: PayoutId) -> None:
    said = stage.payees.end_transfer(payout_id, TransferState.PAID)
    assert said is not None
    stage.rooms.pay_out.hear(said)


def _accepted(stage: Stage) -> Verb:
    payout_id = payout(stage)
    stage.rooms.pay_out.advance(payout_id)
    end_day(stage)
    return _reconciling(stage)


def _unfrozen(stage: Stage) -> Verb:
    """Reconcile a seller's day: shares, unfreezing, a refund before release and one after it."""
    _charging(stage)
    kept = held(stage, terms(), key="kept")
    _pay_back(stage, accept(stage, kept, 500))
    order_id, payout_id = unfreezing(stage)
    for _ in range(3):
        stage.attempt(lambda: stage.rooms.pay_out.advance(payout_id))
    order = stage.rooms.orders.find(order_id)
    assert order is not None
    stage.world.pause(120)
    _pay_back(stage, accept(stage, order, 900))
    end_day(stage)
    return _reconciling(stage)


def _pay_back(stage: Stage, refund: Refund) -> None:
    for _ in range(3):
        stage.attempt(lambda: stage.rooms.advance_refund.advance(refund.order_id, refund.id))
    stage.rooms.advance_refund.hear(stage.back.end(refund.id, RefundStatus.SUCCESS))


def _unfrozen_by_itself(stage: Stage) -> Verb:
    """Reconcile a day on which the freeze ended before we unfroze: a person must look."""
    _charging(stage)
    _, payout_id = unfreezing(stage)
    (word,) = stage.provider.paid.values()
    stage.payees.end_freeze(word.transaction_id)
    stage.untold = stage.theirs.bill_books.kept  # nobody says that it came off
    stage.for_people |= {f"payout/{payout_id}", "payout/ended"}
    stage.attempt(lambda: stage.rooms.pay_out.advance(payout_id))
    end_day(stage)
    return _reconciling(stage)


def _about_midnight(stage: Stage) -> Verb:
    """Reconcile the day on which somebody paid, and the next, on which it was numbered."""
    _charging(stage)
    stage.merchant()
    stage.sequence()
    stage.world.pause(_ALMOST_MIDNIGHT_SECONDS)
    word = paid(stage)
    stage.world.pause(60)
    stage.deliver(word)
    stage.sequence()
    end_day(stage)
    return _reconciling(stage)


def _days_late(stage: Stage) -> Verb:
    """Reconcile a day whose notification comes while it is reconciled, days later."""
    word = paid(stage)
    end_day(stage)
    end_day(stage)
    stage.deliver(word)
    end_day(stage)
    return _reconciling(stage)


def _lied_to(stage: Stage) -> Verb:
    """Reconcile a day on which a payment of another amount was parked."""
    word = paid(stage)
    stage.deliver(word)
    stage.deliver(word.evolve(amount=word.amount + word.amount))
    end_day(stage)
    return _reconciling(stage)


def _without_last(lines: list[BillLine]) -> list[BillLine]:
    return lines[:-1]


def _corrected(stage: Stage) -> Verb:
    """Reconcile a day again whose bill lacked a payment at first."""
    stage.deliver(paid(stage))
    day = end_day(stage)
    for kind in (BillKind.PAYMENTS, BillKind.FLOWS):
        stage.theirs.bills.changed[kind, day.isoformat()] = _without_last
    reconciling.job(stage)
    (missing,) = reconciling.discrepancies(stage)
    assert missing.outcome is Outcome.MISSING_THERE
    end_day(stage)
    reconciling.job(stage)
    stage.theirs.bills.changed.clear()
    return lambda: reconciling.again(stage, day.isoformat())


def _vanished(stage: Stage) -> Verb:
    """Reconcile the day after one whose bill lacks, for good, what we booked near its end."""
    stage.merchant()
    stage.sequence()
    stage.world.pause(_ALMOST_MIDNIGHT_SECONDS)
    word = paid(stage)
    stage.deliver(word)
    day = end_day(stage)
    for kind in (BillKind.PAYMENTS, BillKind.FLOWS):
        stage.theirs.bills.changed[kind, day.isoformat()] = _without_last
    reconciling.job(stage)
    end_day(stage)
    return _reconciling(stage)


def _moved(stage: Stage) -> date:
    """Let the bill of the second day have what belongs to the first, and reconcile both."""
    stage.deliver(paid(stage))
    first, bills = end_day(stage), stage.theirs.bills
    second = end_day(stage)
    for kind in (BillKind.PAYMENTS, BillKind.FLOWS):
        lines = list(bills.books.of(kind, first))
        bills.changed[kind, first.isoformat()] = partial(_instead, ())
        bills.changed[kind, second.isoformat()] = partial(_instead, lines)
    reconciling.job(stage)
    return first


def _instead(lines: Sequence[BillLine], _told: list[BillLine]) -> list[BillLine]:
    return list(lines)


def _moved_back(stage: Stage) -> Verb:
    """Reconcile days again: a payment that the bill of the second had belongs to the first."""
    _charging(stage)
    first = _moved(stage)
    stage.theirs.bills.changed.clear()
    return lambda: reconciling.again(stage, first.isoformat())


def _half_corrected(stage: Stage) -> Verb:
    """Reconcile a day again whose bill has no more what another day lacks still."""
    second = (_moved(stage) + timedelta(days=1)).isoformat()
    for kind in (BillKind.PAYMENTS, BillKind.FLOWS):
        del stage.theirs.bills.changed[kind, second]

    def reconcile() -> None:
        reconciling.again(stage, second)
        assert stage.rooms.reconciling.read.result(second).unexplained == 0, "it was let go"

    return reconcile


def _resolved_early(stage: Stage) -> Verb:
    """Reconcile the day on which a person resolved what turned up on the same day by itself."""
    stage.merchant()
    stage.sequence()
    stage.world.pause(_ALMOST_MIDNIGHT_SECONDS)
    word = paid(stage)
    end_day(stage)
    stage.outside.plan = lambda kind, _: Fault.FAIL if kind == "provider" else Fault.NONE
    reconciling.job(stage)
    stage.without_faults()
    (found,) = reconciling.discrepancies(stage)
    reconciling.resolve(stage, found)
    stage.deliver(word)
    end_day(stage)
    return _reconciling(stage)


def drawn(stage: Stage) -> Discrepancy:
    """Let an operator draw money from the account, which no verb does, and a day show it."""
    stage.deliver(paid(stage))
    stage.theirs.bill_books.drawn(700)
    end_day(stage)
    reconciling.job(stage)
    (found,) = [one for one in reconciling.discrepancies(stage) if one.effect]
    assert found.state is DiscrepancyState.OPEN
    return found


def _drawn(stage: Stage) -> Verb:
    stage.deliver(paid(stage))
    stage.theirs.bill_books.drawn(700)
    end_day(stage)
    return _reconciling(stage)


def _assigned(stage: Stage) -> Verb:
    found = drawn(stage)
    assign = stage.rooms.reconciling.settle.assign
    return lambda: assign(found.id, "op_lin", "提现, 等银行回单")


def _by_hand(stage: Stage) -> Verb:
    found = drawn(stage)
    return lambda: reconciling.resolve(stage, found)


def _resolved_and_compared(stage: Stage) -> Verb:
    """Reconcile the day on which a person resolved what the day before had shown."""
    reconciling.resolve(stage, drawn(stage))
    end_day(stage)
    return _reconciling(stage)


_DAY, _HANDS = reconciliation.ReconcileDay, reconciliation.SettleDiscrepancy
_NOTES, _ASK = reconciliation.Notes, reconciliation.AskProvider
_COUNTS = (Compared.take, Compared.count)
_PAIRS = 300


def _day(
    name: str, scene: Scene, *more: Callable[..., object], partner: bool = False
) -> Registered:
    """Register a scene in which the daily job reconciles."""
    covers: tuple[Callable[..., object], ...] = (_DAY.missed, _DAY.reconcile, *more)
    return Registered(f"reconcile{name}", scene, covers, partner, _PAIRS)


BILLS = [
    _day("", _plain, reconciliation.CompareDay.compare, *_COUNTS),
    _day(", an empty day", _empty, Compared.funnel),
    _day(", unheard", _unheard, _NOTES.take, _NOTES.booked, _ASK.book),
    _day(", refund under way", _refund_under_way),
    _day(", frozen, under way", _refund_under_way, _ASK.out_of_hold, partner=True),
    _day(", refund unheard", _refund_paid_unheard),
    _day(", refund closed", _refund_closed),
    _day(", frozen, closed", _refund_closed, Compared.not_of_hold, _NOTES.ended, partner=True),
    _day(", refund retried", _refund_retried),
    _day(", frozen, retried", _refund_retried, partner=True),
    _day(", transfer accepted", _accepted),
    _day(", confirmed next day", _confirmed_next_day, Compared.met),
    _day(", a seller's day", _unfrozen, Compared.of_seller, partner=True),
    _day(", freeze ended", _unfrozen_by_itself, partner=True),
    _day(", midnight", _about_midnight),
    _day(", days late", _days_late),
    _day(", lied to", _lied_to),
    _day(", vanished", _vanished, _NOTES.overdue),
    _day(", corrected bill", _corrected, _DAY.again, _NOTES.let_go),
    _day(", moved to another day", _moved_back, _DAY.again),
    _day(", half corrected", _half_corrected, _DAY.again, _NOTES.bring_back),
    _day(", resolved early", _resolved_early),
    _day(", drawn", _drawn),
    _day(", resolved", _resolved_and_compared),
    Registered("assign discrepancy", _assigned, (_HANDS.assign,)),
    Registered("settle discrepancy", _by_hand, (_HANDS.settle,)),
]
