"""The room's collaborators in production."""

from functools import cache

from chalicelib import outside
from chalicelib.edge import observe
from chalicelib.kernel.errors import PlatformError
from chalicelib.ledger.balances import Balances
from chalicelib.ledger.days import ClosedDays
from chalicelib.ledger.journal import Journal
from chalicelib.payments import wiring as payments
from chalicelib.reconciliation.model import DiscrepancyState, Reconciliation
from chalicelib.reconciliation.store import ReconciliationStore
from chalicelib.reconciliation.usecases import (
    AskProvider,
    CompareDay,
    Notes,
    ReadReconciliations,
    ReconcileDay,
    ReportDay,
    RequestRun,
    SettleDiscrepancy,
)
from chalicelib.refunds import wiring as refunds
from chalicelib.refunds.store import RefundStore
from chalicelib.settings import settings
from chalicelib.settlement import wiring as settlement

authenticator = outside.authenticator
clock = outside.clock


@cache
def store() -> ReconciliationStore:
    """Return where reconciled days and discrepancies are kept."""
    return ReconciliationStore(outside.table())


@outside.renewed
def reconcile_day() -> ReconcileDay:
    """Return the way a day is held against WeChat Pay's books."""
    wechatpay = payments.wechatpay()
    return ReconcileDay(
        provider_name=wechatpay.name,
        comparing=CompareDay(
            provider_name=wechatpay.name,
            provider=wechatpay.bills(outside.transport()),
            lake=outside.lake(),
            documents=outside.documents(),
            platform=settings().wechatpay_mch_id,
        ),
        notes=Notes(wechatpay.name, store(), outside.commits(), outside.clock()),
        asking=ask_provider(),
        store=store(),
        balances=Balances(outside.table()),
        journal=Journal(outside.table()),
        days=ClosedDays(outside.table()),
        commits=outside.commits(),
        clock=outside.clock(),
    )


@outside.renewed
def ask_provider() -> AskProvider:
    """Return the way the provider is asked about what its bill has and we don't."""
    wechatpay, paying = payments.wechatpay(), settlement.pay_out()
    return AskProvider(
        provider=wechatpay,
        journal=Journal(outside.table()),
        capture=payments.capture(),
        refunds=RefundStore(outside.table()),
        refunding=wechatpay.refunds,
        hear_refund=refunds.advance_refund().hear,
        advance_payout=paying.advance,
        payout_exists=lambda payout_id: settlement.store().find_payout(payout_id) is not None,
    )


@cache
def settle_discrepancy() -> SettleDiscrepancy:
    """Return what people do about discrepancies."""
    return SettleDiscrepancy(store(), Journal(outside.table()), outside.commits())


@outside.renewed
def read_reconciliations() -> ReadReconciliations:
    """Return the way results are read."""
    return ReadReconciliations(payments.wechatpay().name, store())


@outside.renewed
def request_run() -> RequestRun:
    """Return the way a run is asked for."""
    return RequestRun(
        payments.wechatpay().name,
        store(),
        ClosedDays(outside.table()),
        outside.clock(),
        outside.reconciliations_queue().send_many,
    )


@outside.renewed
def report_day() -> ReportDay:
    """Return the way a day is put together for people."""
    return ReportDay(
        read_reconciliations(),
        Balances(outside.table()),
        ClosedDays(outside.table()),
        outside.clock(),
    )


def tell(found: Reconciliation) -> None:
    """Count what a day came to, and alarm where a person must look."""
    for count in found.funnel:
        kind, outcome = count.kind, count.outcome
        observe.count("ReconciledLines", times=count.lines, kind=kind, outcome=outcome)
    opened = sum(one.items for one in found.standing if one.state is DiscrepancyState.OPEN)
    observe.measure("OpenDiscrepancies", opened, unit=observe.Unit.COUNT)
    observe.measure("UnexplainedFen", abs(found.unexplained), unit=observe.Unit.COUNT)
    if found.unexplained:
        observe.alarm(
            "the provider's books and ours differ by what nobody can explain",
            day=found.day,
            unexplained=found.unexplained,
        )


def tell_refused(day: str, refused: PlatformError) -> None:
    """Count a day that was refused, and alarm: what was found of it before stands."""
    observe.count("ReconciliationRefused", facts={"day": day, "code": refused.code})
    observe.alarm(
        "a day could not be reconciled",
        day=day,
        code=refused.code,
        detail=refused.detail,
        **{f"where_{name}": str(fact)[:80] for name, fact in refused.facts.items()},
    )
