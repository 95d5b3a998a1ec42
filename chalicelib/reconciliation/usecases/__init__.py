"""Reconciliation's verbs."""

from chalicelib.reconciliation.usecases.ask import AskProvider
from chalicelib.reconciliation.usecases.compare import CompareDay
from chalicelib.reconciliation.usecases.hands import SettleDiscrepancy
from chalicelib.reconciliation.usecases.notes import Notes
from chalicelib.reconciliation.usecases.read import ReadReconciliations
from chalicelib.reconciliation.usecases.report import ReportDay
from chalicelib.reconciliation.usecases.request import RequestRun
from chalicelib.reconciliation.usecases.run import ReconcileDay

__all__ = [
    "AskProvider",
    "CompareDay",
    "Notes",
    "ReadReconciliations",
    "ReconcileDay",
    "ReportDay",
    "RequestRun",
    "SettleDiscrepancy",
]
