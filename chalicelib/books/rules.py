"""What each row of the numbered list adds to its day's totals. Pure."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from chalicelib.books.model import PLATFORM, MerchantsBalances, Statement, StatementLine
from chalicelib.kernel.cells import plain
from chalicelib.kernel.clock import instant_text
from chalicelib.kernel.ids import MerchantId
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger.chart import (
    PLATFORM_FEES,
    Account,
    merchant_available,
    merchant_held,
    merchant_of,
    merchant_payout,
    normal_side,
)
from chalicelib.ledger.journal import JournalEntry
from chalicelib.ledger.numbered import NumberedRow
from chalicelib.orders.model import PART_RELEASED, RELEASED

_COUNTED = {
    "order.placed": "orders_placed",
    "order.closed": "orders_closed",
    "payment.started": "payments_created",
    "payment.failed": "payments_refused",
    "payment.captured": "payments_captured",
    "payment.captured_late": "payments_late",
    "payment.parked": "payments_parked",
    "order.released": "orders_released",
    "order.part_released": "parts_released",
    "merchant.settled": "merchants_netted",
    "refund.accepted": "refunds_accepted",
    "refund.collected": "refunds_collected",
    "refund.paid": "refunds_paid",
    "payout.created": "payouts_created",
    "payout.paid": "payouts_paid",
    "payout.failed": "payouts_failed",
}
_CHARGED = frozenset({RELEASED, PART_RELEASED, "refund.collected"})
REFUSED, CAPTURED, FEES = "refused_", "captured_", "fees_"
_REASON_CHARACTERS_MAX = 32
_NO_LETTER = re.compile(r"[^a-z0-9]+")

Place = tuple[str, str]
"""A scope, a merchant's id or the platform, and a day."""


def tallied(rows: Iterable[NumberedRow], day: str) -> Mapping[Place, Counter[str]]:
    """Count some rows by scope; they belong to the day that was open when they were numbered."""
    counted: dict[Place, Counter[str]] = {}
    for numbered in rows:
        if numbered.row.kind in _COUNTED:
            counts, merchant_id = _counts(numbered), _merchant_of(numbered)
            for scope in {PLATFORM, merchant_id or PLATFORM}:
                counted.setdefault((scope, day), Counter()).update(counts)
    return counted


def own_accounts(merchant_id: MerchantId) -> tuple[Account, Account, Account]:
    """Return a merchant's accounts as it sees them: held, available, on its way out."""
    return merchant_held(merchant_id), merchant_available(merchant_id), merchant_payout(merchant_id)


def line_of(merchant_id: MerchantId, position: int, entry: JournalEntry) -> StatementLine:
    """Return what an entry did to a merchant's accounts, each on its own side."""
    moved: Counter[str] = Counter()
    for posting in entry.postings:
        grown = posting.side is normal_side(posting.account)
        moved[posting.account] += posting.amount.amount if grown else -posting.amount.amount
    held, available, in_payout = (fen(moved[one.name]) for one in own_accounts(merchant_id))
    return StatementLine(
        position=position,
        posted_at=entry.posted_at,
        kind=entry.kind,
        key=entry.key,
        order_id=entry.order_id,
        held=held,
        available=available,
        in_payout=in_payout,
        fee=fen(moved[PLATFORM_FEES.name]),
    )


def _counts(numbered: NumberedRow) -> dict[str, int]:
    kind, facts = numbered.row.kind, numbered.row.facts
    counts = {_COUNTED[kind]: 1}
    if kind == "payment.failed":
        counts[f"{REFUSED}{_spelled(facts.get('reason', ''))}"] = 1
    if kind == "payment.captured" and numbered.entry is not None:
        total = numbered.entry.total()
        counts[f"{CAPTURED}{total.currency.lower()}"] = total.amount
    if kind in _CHARGED and numbered.entry is not None:
        for posting in numbered.entry.postings:
            if posting.account == PLATFORM_FEES.name:
                grown = posting.side is PLATFORM_FEES.normal
                amount = posting.amount.amount if grown else -posting.amount.amount
                counts[f"{FEES}{posting.amount.currency.lower()}"] = amount
    return counts


def _spelled(reason: str) -> str:
    """Spell a provider's reason as part of an attribute's name."""
    return _NO_LETTER.sub("_", reason.lower())[:_REASON_CHARACTERS_MAX].strip("_") or "unknown"


def _merchant_of(numbered: NumberedRow) -> str | None:
    if named := numbered.row.facts.get("merchant_id"):
        return named
    postings = numbered.entry.postings if numbered.entry else ()
    return next(filter(None, (merchant_of(posting.account) for posting in postings)), None)


_MOVED = ("held_fen", "available_fen", "in_payout_fen", "fee_fen")
_COLUMNS = ("position", "posted_at", "kind", "key", "order_id", *_MOVED)


def csv_of(statement: Statement, *, first: bool) -> str:
    """Spell a page of a statement as CSV: opening and closing stand around the lines of the day.

    Amounts are whole fen. The opening comes with the first page, the closing with the last.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if first:
        writer.writerow(_COLUMNS)
        writer.writerow(_whole("opening", statement.opening, fen(0)))
    for line in statement.lines:
        moved = (line.held, line.available, line.in_payout, line.fee)
        said = (line.position, instant_text(line.posted_at), plain(line.kind), plain(line.key))
        writer.writerow((*said, line.order_id or "", *(one.amount for one in moved)))
    if statement.ended is None:
        writer.writerow(_whole("closing", statement.closing, statement.fees))
    return text.getvalue()


def _whole(name: str, stood: MerchantsBalances, fees: Money) -> tuple[str | int, ...]:
    amounts = (stood.held, stood.available, stood.in_payout, fees)
    return (stood.position, "", name, "", "", *(one.amount for one in amounts))
