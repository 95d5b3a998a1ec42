"""What must be true of reconciled days: what stands between the two books is known to the fen."""

from collections.abc import Iterator, Mapping

from chalicelib.ledger import chart
from chalicelib.ledger.journal import JournalEntry, balances
from chalicelib.reconciliation.model import Discrepancy, Outcome, Reconciliation
from tests.simulation import reconciling
from tests.simulation.stage import Stage

Entries = Mapping[str, JournalEntry]

_CLEARING = chart.provider_clearing("wechatpay").name


def by_hand(entries: Entries) -> int:
    """Return what the clearing grew by because a person said so."""
    settled = [entry for entry in entries.values() if entry.kind == "discrepancy_settled"]
    return balances(settled).get(_CLEARING, {}).get("CNY", 0)


def when_settled(stage: Stage, entries: Entries) -> Iterator[str]:
    """Name what is not explained, what was forgotten, and what stands though all is over."""
    found, days = reconciling.discrepancies(stage), _days(stage)
    for day in days.values():
        stood = sum(one.effect for one in found if _stood(one, day.day))
        if day.unexplained or day.theirs - day.ours != stood:
            yield f"{day.day}: {day.theirs} there, {day.ours} here, and {stood} stood"
        if day.own != stage.theirs.bill_books.closing_on(day.day):
            yield f"{day.day}: the account is said to hold {day.own}"
    for one in found:
        if one.gone_on is None:
            yield f"{one.key} stands since {one.day}: {one.outcome} {one.state} {one.effect}"
    for one in stage.left_to_people:
        if not _is_for_people(one, stage, entries):
            yield f"{one.key} was left to people: {one.outcome} {one.effect} {one.note}"
    clearing = balances(entries.values()).get(_CLEARING, {}).get("CNY", 0)
    if days and clearing != stage.theirs.keeps():
        yield f"the provider keeps {stage.theirs.keeps()} for us, the clearing says {clearing}"
    yield from _every_line_was_compared(stage, days)
    yield from _every_closed_day_was(stage, days)


def _days(stage: Stage) -> dict[str, Reconciliation]:
    return {
        key.sk: Reconciliation.model_validate_json(str(item["text"]))
        for key, item in sorted(stage.memory.items.items())
        if key.pk == "reconciliation/wechatpay"
    }


def _stood(one: Discrepancy, day: str) -> bool:
    return one.day <= day and (one.gone_on is None or one.gone_on > day)


def _is_for_people(one: Discrepancy, stage: Stage, entries: Entries) -> bool:
    """Tell whether nobody but a person can know: a lie was parked, money was drawn by no verb."""
    if one.kind == "other" or "@" in one.key or one.key in stage.for_people:
        return True
    what, _, reference = one.key.partition("/")
    told = {word.transaction_id for word in stage.provider.paid.values()}
    return (what == "payment" and reference not in told) or any(
        entry.kind == "payment_parked" and entry.reference == reference
        for entry in entries.values()
    )


def _every_line_was_compared(stage: Stage, days: Mapping[str, Reconciliation]) -> Iterator[str]:
    """The funnel of a day counts every payment and refund that its bills list."""
    for day, result in days.items():
        told = stage.theirs.bill_books.things_on(day)
        here = Outcome.MISSING_THERE
        counted = sum(
            one.lines for one in result.funnel if one.kind != "entry" and one.outcome is not here
        )
        if counted != told:
            yield f"{day}: {told} things are in the bills, {counted} were compared"


def _every_closed_day_was(stage: Stage, days: Mapping[str, Reconciliation]) -> Iterator[str]:
    for key in stage.memory.items:
        if key.pk == "DAY" and key.sk not in days:
            yield f"{key.sk} was never reconciled"
