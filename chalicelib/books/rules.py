"""What each row of the numbered list adds to its day's totals. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from chalicelib.books.model import PLATFORM
from chalicelib.ledger.chart import merchant_of
from chalicelib.ledger.numbered import NumberedRow

_COUNTED = {
    "order.placed": "orders_placed",
    "order.closed": "orders_closed",
    "payment.started": "payments_created",
    "payment.failed": "payments_refused",
    "payment.captured": "payments_captured",
    "payment.captured_late": "payments_late",
    "payment.parked": "payments_parked",
}
REFUSED, CAPTURED = "refused_", "captured_"
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


def _counts(numbered: NumberedRow) -> dict[str, int]:
    kind, facts = numbered.row.kind, numbered.row.facts
    counts = {_COUNTED[kind]: 1}
    if kind == "payment.failed":
        counts[f"{REFUSED}{_spelled(facts.get('reason', ''))}"] = 1
    if kind == "payment.captured" and numbered.entry is not None:
        total = numbered.entry.total()
        counts[f"{CAPTURED}{total.currency.lower()}"] = total.amount
    return counts


def _spelled(reason: str) -> str:
    """Spell a provider's reason as part of an attribute's name."""
    return _NO_LETTER.sub("_", reason.lower())[:_REASON_CHARACTERS_MAX].strip("_") or "unknown"


def _merchant_of(numbered: NumberedRow) -> str | None:
    if named := numbered.row.facts.get("merchant_id"):
        return named
    postings = numbered.entry.postings if numbered.entry else ()
    return next(filter(None, (merchant_of(posting.account) for posting in postings)), None)
