"""A day's report as one sheet: CSV, a record a row.

The first column says what a row is:

    total        `name` is own, frozen, theirs, ours, unexplained or fees; its amount is closing_fen
    account      an account over the day: opening, the day's debits and credits, closing
    funnel       so many lines of a kind came to this outcome, and what they sum to
    standing     so many differences of an outcome and state stand, and their effect
    discrepancy  a difference: what each side says of it, and what became of it
    unlisted     there are more differences than are listed here

Amounts are whole fen; the effect is theirs less ours. A text that a spreadsheet would take for a
formula stands behind an apostrophe.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from chalicelib.kernel.cells import plain
from chalicelib.kernel.clock import instant_text
from chalicelib.reconciliation.model import Discrepancy
from chalicelib.reconciliation.rules import age_days
from chalicelib.reconciliation.usecases.report import Report

COLUMNS = (
    *("record", "business_date", "name", "kind", "outcome", "state", "items", "age_days"),
    *("opening_fen", "debits_fen", "credits_fen", "closing_fen"),
    *("theirs_fen", "ours_fen", "effect_fen", "fee_fen"),
    *("number", "reference", "payment", "seller", "at", "bill", "line", "entry", "note"),
    *("found_at", "owner", "remark", "resolved_by", "signed_by", "gone_on"),
)

_Row = dict[str, Any]


def csv_of(report: Report) -> str:
    """Spell a report as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for row in _rows(report):
        writer.writerow({name: plain(cell) for name, cell in row.items()})
    return text.getvalue()


def _rows(report: Report) -> Iterator[_Row]:
    found, day = report.found, report.found.day
    for name in ("own", "frozen", "theirs", "ours", "unexplained", "fees"):
        yield _row("total", day, name=name, closing_fen=getattr(found, name))
    for account in report.accounts:
        yield _row(
            "account",
            day,
            name=account.account,
            opening_fen=account.opening.amount,
            debits_fen=account.debits.amount,
            credits_fen=account.credits.amount,
            closing_fen=account.closing.amount,
        )
    for count in found.funnel:
        said: _Row = {"kind": count.kind, "outcome": count.outcome, "items": count.lines}
        yield _row("funnel", day, **said, theirs_fen=count.amount)
    for one in found.standing:
        said = {"outcome": one.outcome, "state": one.state, "items": one.items}
        yield _row("standing", day, **said, effect_fen=one.effect)
    for difference in report.differences:
        yield _difference(difference, age_days(difference, report.today))
    if not report.complete:
        yield _row("unlisted", day)


def _difference(one: Discrepancy, age: int) -> _Row:
    kept = (
        *("kind", "outcome", "state", "number", "reference", "payment", "seller", "at", "bill"),
        *("line", "entry", "note", "owner", "remark", "resolved_by", "signed_by", "gone_on"),
    )
    return _row(
        "discrepancy",
        one.day,
        name=one.id,
        age_days=age,
        theirs_fen=one.theirs,
        ours_fen=one.ours,
        effect_fen=one.effect,
        fee_fen=one.fee,
        found_at=instant_text(one.found_at),
        **{name: getattr(one, name) for name in kept},
    )


def _row(record: str, day: str, **cells: Any) -> _Row:
    return {"record": record, "business_date": day} | cells
