"""What must be true of refunds: ours, and the provider's."""

from collections import Counter
from collections.abc import Iterator

from chalicelib.ledger.journal import JournalEntry, balances
from chalicelib.providers.refunds import RefundStatus
from chalicelib.refunds import rules
from chalicelib.refunds.model import FINAL, Refund, RefundState
from chalicelib.storage.values import Item, Key, whole
from tests.simulation.stage import Stage

Entries = dict[str, JournalEntry]


def always(stage: Stage, entries: Entries) -> Iterator[str]:
    """Name what is wrong at any moment."""
    held: Counter[str] = Counter()
    returned: Counter[str] = Counter()
    for refund in stage.refunds():
        yield from _entries_agree(refund, entries)
        held[refund.order_id] += refund.held.amount
        returned[refund.order_id] += refund.returned.amount
    for key, item in _heads(stage):
        for name, sums in (("refunded", held), ("returned", returned)):
            if whole(item.get(name, 0)) != sums[key.pk]:
                yield f"{key.pk}: {item.get(name)} {name}, its refunds say {sums[key.pk]}"
        if whole(item.get("returned", 0)) > whole(item.get("released", 0)):
            yield f"{key.pk} returned more than was released"
    yield from _the_provider_agrees(stage)


def when_settled(stage: Stage, entries: Entries) -> Iterator[str]:
    """Name what is left that should have gone."""
    late = Counter[str]()
    for refund in stage.refunds():
        if refund.state not in FINAL:
            yield f"{refund.id} is {refund.state} for ever: {refund.failure}"
        late[refund.payment_id] += refund.late
    for key, item in stage.memory.items.items():
        if key.sk.startswith("payment/"):
            number = key.sk.removeprefix("payment/")
            if late[number] != int(bool(item.get("late"))):
                yield f"{number}, late: {item.get('late')}, is refunded {late[number]} times"
    left = balances(entries.values()).get("refunds:in_transit", {})
    if any(left.values()):
        yield f"{left} is on its way back for ever"


def _entries_agree(refund: Refund, entries: Entries) -> Iterator[str]:
    """A refund stands where its entries say."""
    ours = bool(refund.in_our_books.amount)
    expected = {
        "refunded": bool(refund.held.amount),
        "refund_paid": refund.state is RefundState.SUCCEEDED and ours,
        "refund_settled": refund.state is RefundState.SETTLED,
    }
    if refund.seller is None:
        collected = refund.returned.amount and refund.state is not RefundState.WAITING
        expected["taken_back"] = bool(collected)
    amounts = {
        "refunded": refund.held.amount,
        "refund_paid": refund.in_our_books.amount,
        "refund_settled": refund.amount.amount,
    }
    for kind, there in expected.items():
        entry = entries.get(f"{kind}/{refund.id}")
        if (entry is not None) is not there:
            yield f"{refund.id} is {refund.state}, and {kind} is{'' if entry else ' not'} posted"
        if entry is not None and entry.total().amount != amounts.get(kind, entry.total().amount):
            yield f"{entry.key} is of another amount than its refund"


def _the_provider_agrees(stage: Stage) -> Iterator[str]:
    """The provider pays each of our refunds once, and what we book it did pay."""
    known = {refund.id: refund for refund in stage.refunds()}
    alive: Counter[str] = Counter()
    for number, said in stage.back.refunds.items():
        refund_id, _ = rules.refund_of(number)
        alive[refund_id] += said.status is not RefundStatus.CLOSED
        if refund_id not in known or known[refund_id].amount != said.amount:
            yield f"the provider refunds {number}, which is none of ours"
    yield from (f"{one} is paid {times} times" for one, times in alive.items() if times > 1)
    for refund in known.values():
        if refund.state is RefundState.SUCCEEDED:
            now = stage.back.refunds.get(rules.number_at_provider(refund))
            if now is None or now.status is not RefundStatus.SUCCESS:
                yield f"{refund.id} is booked as paid, and the provider did not pay"


def _heads(stage: Stage) -> Iterator[tuple[Key, Item]]:
    for key, item in stage.memory.items.items():
        if key.pk.startswith("ord_") and key.sk == "head":
            yield key, item
