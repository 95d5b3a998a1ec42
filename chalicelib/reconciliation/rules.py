"""What a line of a bill stands for, what an entry of ours does, and how the two compare. Pure.

Every line and every entry has one key: the payment, refund, transfer or share that it is about. Its
*effect* is what it does to what the provider keeps for us, so that what stands between the two
books is the sum of their lines' effects less the sum of ours.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from chalicelib.kernel.ids import DiscrepancyId, InvalidIdError, PayoutId, RefundId
from chalicelib.kernel.money import share_of
from chalicelib.payments.rules import share_number
from chalicelib.providers.bills import BillFile, BillKind, BillLine, LineKind, LineState
from chalicelib.reconciliation.model import (
    Discrepancy,
    DiscrepancyState,
    Found,
    Ours,
    Outcome,
    Theirs,
)
from chalicelib.refunds.rules import refund_of
from chalicelib.settlement.rules import unfreeze_number

_RATE = re.compile(r"(\d{1,2})\.(\d{2})%", re.ASCII)
_BACK = re.compile(r"back_(rfd_[0-9A-Z]{26})_platform")
_SUMMED = frozenset({LineKind.SHARE, LineKind.SHARE_BACK})  # several lines are one entry of ours
_PAIRED = frozenset({LineKind.TRANSFER_BACK, LineKind.REFUND_BACK})  # undo another line
_SHARE, _UNFREEZE = share_number(PayoutId("")), unfreeze_number(PayoutId(""))
_ABOUT = {"kind", "number", "reference", "payment", "seller", "bill", "line"}
ENTRY = "entry"
REFUND_PAID = b'"refund.paid"'
"""How a row says that a refund was paid, with money of ours or without."""


def discrepancy_id(provider: str, key: str) -> DiscrepancyId:
    """Return the id of what differs about one thing; an entry that resolves one names it."""
    if key.startswith("discrepancy/") and "@" not in key:
        return DiscrepancyId.parse(key.removeprefix("discrepancy/"))
    return DiscrepancyId.derive("discrepancy", provider, key)


def document_name(provider: str, bill: BillFile) -> str:
    """Return the name under which a bill is kept, unchanged."""
    return f"bills/{provider}/{bill.day}/{bill.kind}-{bill.sha1}.csv.gz"


def age_days(found: Discrepancy, today: date) -> int:
    """Return for how many days a discrepancy has stood, or stood until it went."""
    end = today if found.gone_on is None else date.fromisoformat(found.gone_on)
    return max((end - date.fromisoformat(found.day)).days, 0)


def theirs_of(line: BillLine, bill: BillKind, *, platform: str) -> Theirs:
    """Return a bill's line as it is compared; `platform` is our own merchant number."""
    effect, frozen = _effects(line, platform)
    return Theirs(
        key=_key_of(line),
        kind=line.kind,
        number=line.number,
        reference=line.reference,
        at=line.at,
        amount=str(line.amount),
        effect=str(effect),
        frozen=str(frozen),
        fee=str(line.fee),
        state=line.state,
        payment=line.payment,
        seller=line.seller,
        rate=line.rate,
        bill=bill,
        line=str(line.line),
        note=line.note,
    )


def ours_of(row: Mapping[str, Any], clearing: str) -> Ours | None:
    """Return what a row of the numbered list did to a provider's clearing, None for nothing.

    A refund that the seller paid out of its own money did nothing to it, and is in the bill.
    """
    entry, facts = row["entry"], row["facts"]
    effect, touched = 0, False
    for posting in entry["postings"] if entry else ():
        if posting["account"] == clearing:
            amount = posting["amount"]["amount"]
            effect += amount if posting["side"] == "debit" else -amount
            touched = True
    if not touched:
        sellers = row["event"] == "refund.paid" and not entry and "number" in facts
        return (
            Ours(f"refund/{facts['number']}", "", row["at"], facts["amount"], "0")
            if sellers
            else None
        )
    return Ours(
        key=_key_of_entry(entry, facts),
        entry=entry["key"],
        at=entry["posted_at"],
        amount=str(facts.get("amount", abs(effect))),
        effect=str(effect),
    )


def agree(ours: Sequence[Ours], theirs: Sequence[Theirs]) -> bool:
    """Tell whether one line and one entry say just the same: nearly all do, and need no words."""
    if len(ours) != 1 or len(theirs) != 1:
        return False
    line = theirs[0]
    if line.kind in _SUMMED or line.kind in _PAIRED or line.state == LineState.FAILED:
        return False
    return line.amount == ours[0].amount and fee_is_as_agreed(line)


def compared(key: str, ours: Sequence[Ours], theirs: Sequence[Theirs]) -> Iterator[Found]:
    """Hold all that both sides say of one thing against each other.

    What is said once more than it should is a difference of its own, so that each can meet its own
    on another day; then what agrees is not counted besides.
    """
    kinds = {line.kind for line in theirs}
    together = kinds <= _SUMMED or bool(kinds & _PAIRED)
    first = ours[:1]
    if theirs and not together:
        first = [one for one in ours if one.amount == theirs[0].amount][:1] or first
    found = _of_one(key, first, theirs if together else theirs[:1])
    again = [_of_one(f"{key}/{line.bill}/{line.line}", (), (line,)) for line in theirs[1:]]
    more = [_of_one(f"{key}/{one.entry}", (one,), ()) for one in ours if one not in first]
    twice = [*(() if together else again), *more]
    matched = found.outcome is Outcome.MATCHED
    if not (twice and matched):
        yield found
    for one in twice:
        about = one.evolve(**found.model_dump(include=_ABOUT)) if matched else one
        yield about.evolve(outcome=Outcome.DUPLICATE)


def _of_one(key: str, ours: Sequence[Ours], theirs: Sequence[Theirs]) -> Found:
    """Hold what belongs to one entry of ours, at most, against it."""
    if not theirs:
        return _only_ours(key, ours[0])
    first = theirs[0]
    there = sum(int(line.effect) for line in theirs)
    here = sum(int(one.effect) for one in ours)
    outcome, effect = Outcome.MATCHED, there - here
    if not ours:
        outcome = Outcome.MISSING_HERE if effect else Outcome.MATCHED
    elif len(theirs) > 1 or first.kind in _SUMMED | _PAIRED:
        outcome = Outcome.AMOUNT if effect else Outcome.MATCHED
    elif first.amount != ours[0].amount:
        outcome = Outcome.AMOUNT
    elif first.state == LineState.FAILED:
        outcome = Outcome.STATE
    else:
        effect = 0  # what of a refund leaves a seller's own money is no money that is kept for us
        outcome = Outcome.MATCHED if agree(ours, theirs) else Outcome.FEE
    return Found(
        key=key,
        outcome=outcome,
        kind=first.kind,
        effect=effect,
        theirs=sum(int(line.amount) for line in theirs),
        ours=sum(int(one.amount) for one in ours) if ours else None,
        fee=sum(int(line.fee) for line in theirs),
        number=first.number,
        reference=first.reference,
        payment=first.payment,
        seller=first.seller,
        at=first.at,
        bill=first.bill,
        line=int(first.line),
        entry=ours[0].entry if ours else "",
        note=first.note,
        pending=first.state == LineState.PENDING,
    )


def fee_is_as_agreed(line: Theirs) -> bool:
    """Tell whether a payment's fee is its own rate's, half up to the fen; others give pro rata."""
    rate = _RATE.fullmatch(line.rate)
    if line.kind != LineKind.PAYMENT or rate is None:
        return True
    return int(line.fee) == share_of(int(line.amount), int(rate[1] + rate[2]))


def first_state(found: Found, day: str) -> DiscrepancyState:
    """Return in which state a difference begins: some turn up by themselves."""
    if found.outcome is Outcome.MISSING_THERE and _near_the_end(found.at, day):
        return DiscrepancyState.WAITING
    if found.outcome is Outcome.MISSING_HERE and found.pending:
        return DiscrepancyState.WAITING
    return DiscrepancyState.OPEN


def payout_in(found: Found) -> PayoutId | None:
    """Return the payout that a line is about, if it is one of ours."""
    try:
        return PayoutId.parse(found.key.partition("/")[2])
    except InvalidIdError:
        return None


def refund_in(found: Found) -> RefundId | None:
    """Return the refund that a line is about, if it is one of ours."""
    try:
        return refund_of(found.number)[0]
    except InvalidIdError:
        return None


def _only_ours(key: str, ours: Ours) -> Found:
    return Found(
        key=key,
        outcome=Outcome.MISSING_THERE,
        kind=ENTRY,
        effect=-int(ours.effect),
        ours=int(ours.amount),
        at=ours.at,
        entry=ours.entry,
    )


def _key_of(line: BillLine) -> str:
    """Return what a line is about."""
    number = line.number
    match line.kind:
        case LineKind.PAYMENT:
            return f"payment/{line.reference}"
        case LineKind.REFUND | LineKind.REFUND_BACK:
            return f"refund/{number}"
        case LineKind.TRANSFER | LineKind.TRANSFER_BACK:
            return f"payout/{number}"
        case LineKind.SHARE:
            return f"shared/{number.removeprefix(_SHARE)}"
        case LineKind.UNFREEZE:
            return f"payout/{number.removeprefix(_UNFREEZE) or line.reference}"
        case LineKind.SHARE_BACK:
            ours = _BACK.fullmatch(number)
            return f"returned/{ours[1] if ours else number}"
        case _:
            return f"other/{line.reference}"


def _key_of_entry(entry: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Return what an entry is about, by its kind, business key and reference."""
    name = entry["key"].partition("/")[2]
    match entry["kind"]:
        case "payment_captured" | "payment_captured_late" | "payment_parked":
            return f"payment/{entry['reference']}"
        case "refund_paid":
            return f"refund/{facts.get('number', name)}"
        case "payout_paid":
            return f"payout/{name}"
        case "payment_shared":
            return f"shared/{name}"
        case "shares_returned":
            return f"returned/{name}"
        case "provider_fees":
            return fees_key(entry["key"])
        case "discrepancy_settled":
            return f"discrepancy/{name}"
        case _:
            return f"entry/{entry['key']}"


def fees_key(entry_key: str) -> str:
    """Return the key under which an entry of fees stands until its own day is compared."""
    return f"entry/{entry_key}"


def _effects(line: BillLine, platform: str) -> tuple[int, int]:
    """Return what a line does to what is kept for us in all, and to what is frozen of it."""
    there = 1 if line.seller else 0
    match line.kind:
        case LineKind.PAYMENT:
            return line.amount, there * (line.amount - line.fee)
        case LineKind.REFUND:
            gone = there and line.state is LineState.FAILED
            return (0, 0) if gone else (-line.amount, there * (-line.amount - line.fee))
        case LineKind.REFUND_BACK | LineKind.TRANSFER_BACK:
            return line.amount, 0
        case LineKind.TRANSFER:
            return -line.amount, 0
        case LineKind.SHARE if line.state is not LineState.FAILED:
            return (0 if line.party == platform else -line.amount), -line.amount
        case LineKind.UNFREEZE if line.state is not LineState.FAILED:
            return -line.amount, -line.amount
        case LineKind.SHARE_BACK if line.state is not LineState.FAILED:
            return (-line.amount if _BACK.fullmatch(line.number) else 0), 0
        case LineKind.OTHER:
            return line.amount, 0
        case _:
            return 0, 0


def row_in(line: bytes) -> Mapping[str, Any]:
    """Read a line of the numbered list."""
    row: Mapping[str, Any] = json.loads(line)
    return row


def _near_the_end(at: str, day: str) -> bool:
    """Tell whether a posting, in UTC, was within the last two hours of a day in China."""
    return at >= f"{day}T14:00"
