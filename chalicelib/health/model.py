"""A report of the house's health, and what it is made of."""

from enum import StrEnum

from pydantic import AwareDatetime

from chalicelib.kernel.record import Record


class State(StrEnum):
    """How a check stands; the report stands as its worst."""

    OK = "ok"
    WARNING = "warning"  # look at it today
    FAILING = "failing"  # look at it now


class CheckName(StrEnum):
    """What is looked at."""

    DEAD_BOOKINGS = "dead_letters_bookings"
    DEAD_COMMANDS = "dead_letters_commands"
    DEAD_EVENTS = "dead_letters_events"
    DEAD_SETTLEMENTS = "dead_letters_settlements"
    DEAD_RECONCILIATIONS = "dead_letters_reconciliations"
    SEQUENCER = "sequencer"
    SUSPENSE = "suspense"
    REFUNDS_WAITING = "refunds_waiting"
    REFUNDS_STUCK = "refunds_stuck"
    PAYOUTS = "payouts"
    PASSED_OVER = "merchants_passed_over"
    DISPUTES = "disputes"
    SHIPMENTS_REFUSED = "shipments_refused"
    RECONCILIATION = "reconciliation"
    DIFFERENCES = "differences_open"
    DUE_EXPIRIES = "due_expiries"
    DUE_UNSHIPPED = "due_unshipped"
    DUE_RECEIPTS = "due_receipts"
    DUE_REFUNDS = "due_refunds"
    DUE_PAYOUTS = "due_payouts"
    DUE_DISPUTES = "due_disputes"
    DUE_REPORTS = "due_reports"
    DUE_COMPLAINTS = "due_complaints"
    CLOCK = "clock"
    CERTIFICATES = "certificates"
    PUBLIC_KEY = "public_key"


class Finding(Record):
    """What a look found; ids and codes only, never a secret or a person.

    `about` names up to five of what is meant. `since` is None where nothing is wrong, and where
    the source can't say.
    """

    state: State
    figure: int | None
    unit: str
    says: str
    since: AwareDatetime | None = None
    about: tuple[str, ...] = ()


class Check(Finding):
    """A finding by its name, with what to do about it and where that is written."""

    name: CheckName
    advice: str
    run_book: str


class Report(Record):
    """Every check, the worst first."""

    state: State
    at: AwareDatetime
    checks: tuple[Check, ...]
