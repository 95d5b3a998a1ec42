"""Reconciliation's use cases, over the other rooms of a house."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from chalicelib.ledger.days import ClosedDays
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

if TYPE_CHECKING:
    from tests.fakes.outside import Outside
    from tests.fakes.rooms import Rooms

PLATFORM = "1900000001"


@dataclass
class Reconciling:
    """The room's use cases, by name."""

    day: ReconcileDay
    settle: SettleDiscrepancy
    read: ReadReconciliations
    request: RequestRun
    report: ReportDay

    @classmethod
    def of(cls, rooms: "Rooms", outside: "Outside") -> Self:
        """Open the room."""
        store, name = ReconciliationStore(outside.table), outside.provider.name
        comparing = CompareDay(name, outside.bills, outside.lake, outside.documents, PLATFORM)
        day = ReconcileDay(
            provider_name=name,
            comparing=comparing,
            notes=Notes(name, store, rooms.commits, outside.clock),
            asking=_asking(rooms, outside),
            store=store,
            balances=rooms.balances,
            journal=rooms.journal,
            days=ClosedDays(outside.table),
            commits=rooms.commits,
            clock=outside.clock,
        )
        settle = SettleDiscrepancy(store, rooms.journal, rooms.commits)
        read = ReadReconciliations(name, store)
        days = ClosedDays(outside.table)
        request = RequestRun(name, store, days, outside.clock, outside.send_commands)
        report = ReportDay(read, rooms.balances, days, outside.clock)
        return cls(day, settle, read, request, report)


def _asking(rooms: "Rooms", outside: "Outside") -> AskProvider:
    return AskProvider(
        provider=outside.provider,
        journal=rooms.journal,
        capture=rooms.capture,
        refunds=rooms.refund_store,
        refunding=outside.back,
        hear_refund=rooms.advance_refund.hear,
        advance_payout=rooms.pay_out.advance,
        payout_exists=lambda one: rooms.settlements.find_payout(one) is not None,
    )
