"""What must be true of the books after anything at all, and more once all is settled."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from chalicelib.ledger.journal import JournalEntry, balances
from chalicelib.ledger.postings import captured_key
from chalicelib.orders.model import OrderState
from chalicelib.payments import rules
from chalicelib.payments.model import PaymentState
from chalicelib.providers.port import Collected
from chalicelib.storage.values import Item, Key, whole
from tests.simulation import (
    complaints,
    deliveries,
    disputing,
    money_out,
    numbered,
    reconciled,
    refunds,
    unshipped,
)
from tests.simulation.stage import Stage


class BrokenError(AssertionError):
    """An invariant does not hold."""


def check(stage: Stage, *, settled: bool) -> None:
    """Raise `BrokenError` naming everything that is not as it must be."""
    broken = [*_always(stage)]
    if settled:
        broken += _when_settled(stage)
    if broken:
        raise BrokenError("; ".join(broken))


def _always(stage: Stage) -> Iterator[str]:
    entries = {entry.key: entry for entry in stage.entries()}
    yield from _every_entry_is_balanced_and_listed(stage, entries)
    yield from _every_commit_left_one_row(stage)
    moved: dict[str, Counter[str]] = {kind: Counter() for kind in _HOLD_MOVES}
    for entry in entries.values():
        if entry.kind in _HOLD_MOVES and entry.order_id is not None:
            moved[entry.kind][entry.order_id] += _of_hold(entry)
    for key, item in stage.memory.items.items():
        if key.pk.startswith("ord_") and key.sk == "head":
            yield from _order(key, item, *(moved[kind][key.pk] for kind in _HOLD_MOVES))
        if key.sk.startswith("payment/"):
            yield from _payment(stage, key, item, entries)
        if key.sk == "stock" and whole(item["free"]) < 0:
            yield f"{key.pk} sold more than there was"
    yield from _stock_is_conserved(stage)
    yield from numbered.always(stage)
    yield from money_out.always(stage, entries)
    yield from refunds.always(stage, entries)
    yield from disputing.always(stage, entries)
    yield from complaints.always(stage)
    yield from deliveries.always(stage, entries)
    yield from unshipped.always(stage)


def _every_entry_is_balanced_and_listed(
    stage: Stage, entries: dict[str, JournalEntry]
) -> Iterator[str]:
    listed: Counter[str] = Counter()
    for _, item in numbered.committed_rows(stage):
        if "entry" in item:
            entry = JournalEntry.model_validate_json(str(item["entry"]))
            listed[entry.key] += 1
            if entries.get(entry.key) != entry:
                yield f"the outbox says otherwise than the journal: {entry.key}"
    for business_key, entry in entries.items():
        if listed[business_key] != 1:
            yield f"{business_key} is listed {listed[business_key]} times"
        for account, amounts in balances([entry]).items():
            assert account
            assert amounts
        if any(sum(column.values()) for column in _columns(entry)):
            yield f"{business_key} does not balance"


def _columns(entry: JournalEntry) -> list[Counter[str]]:
    columns: dict[str, Counter[str]] = {}
    for account, amounts in balances([entry]).items():
        for currency, amount in amounts.items():
            columns.setdefault(currency, Counter())[account] += amount
    return list(columns.values())


def _every_commit_left_one_row(stage: Stage) -> Iterator[str]:
    for actions in stage.memory.committed:
        rows = sum(action.key.pk.startswith("P#") for action in actions)
        bookkeeping = rows == 0 and all(
            action.key.table == "log" or action.key.pk.startswith(("due/", "provider/"))
            for action in actions
        )
        if rows != (0 if bookkeeping else 1):
            yield f"a commit left {rows} outbox rows"


_HOLD_MOVES = ("payment_captured", "order_released", "order_refunded")


def _of_hold(entry: JournalEntry) -> int:
    return sum(
        posting.amount.amount for posting in entry.postings if posting.account.endswith(":held")
    )


def _order(key: Key, item: Item, captured: int, released: int, refunded: int) -> Iterator[str]:
    held, due, total = (whole(item[name]) for name in ("held", "due", "total"))
    state = OrderState(str(item["state"]))
    if held != captured - released - refunded:
        yield f"{key.pk} holds {held} of {captured}, less {released} and {refunded}"
    if min(held, due) < 0:
        yield f"{key.pk} is below zero"
    said = whole(item.get("released", 0)), whole(item.get("refunded", 0))
    if said != (released, refunded):
        yield f"{key.pk} says {said} of {released} released and {refunded} refunded"
    kept = released - whole(item.get("returned", 0))
    fits = {
        OrderState.UNPAID: (held, due) == (0, total),
        OrderState.PAID: held > 0 == due,
        OrderState.SHIPPED: held > 0 == due,
        OrderState.RELEASED: held == due == 0 < kept,
        OrderState.REFUNDED: held == due == kept == 0 < captured,
        OrderState.CLOSED: held == due == captured == 0,
    }
    if not fits[state]:
        yield f"{key.pk} is {state}, holds {held}, kept {kept}, and is due {due} of {total}"


def _payment(stage: Stage, key: Key, item: Item, entries: dict[str, JournalEntry]) -> Iterator[str]:
    number = key.sk.removeprefix("payment/")
    entry = entries.get(captured_key(number))  # type: ignore[arg-type]
    captured = item["state"] == PaymentState.CAPTURED
    if captured is not (entry is not None):
        yield f"{number} is {item['state']}, and its entry says otherwise"
    if entry is not None:
        late = entry.kind == "payment_captured_late"
        if item.get("late") is not late:
            yield f"{number} is{'' if late else ' not'} late, and says otherwise"


def _stock_is_conserved(stage: Stage) -> Iterator[str]:
    taken: Counter[str] = Counter()
    free: Counter[str] = Counter()
    for key, item in stage.memory.items.items():
        if key.sk.startswith("order/"):
            head = stage.memory.items[Key("main", key.sk.rpartition("/")[2], "head")]
            back = head["state"] == OrderState.REFUNDED and not _left_the_merchant(head)
            if head["state"] != OrderState.CLOSED and not back:
                lines: Any = item["lines"]
                for line in lines:
                    taken[line["p"]] += sum(line["s"].values())
        if key.sk == "stock":
            free[key.pk.partition("/")[0]] += whole(item["free"])
    for product_id, stock in stage.products.items():
        if free[product_id] + taken[product_id] != stock:
            yield f"{product_id}: {free[product_id]} left, {taken[product_id]} sold, of {stock}"


def _left_the_merchant(head: Item) -> bool:
    return "shipped_at" in head or "releases" in head


def _when_settled(stage: Stage) -> Iterator[str]:
    yield from numbered.when_settled(stage)
    entries = {entry.key: entry for entry in stage.entries()}
    for word in stage.acknowledged:
        if not _is_booked(word, entries):
            yield f"acknowledged and not booked: {word.number} {word.amount.amount}"
    told = {rules.parking_key(word): word for word in stage.words}
    clearing = balances(entries.values()).get("provider:wechatpay:clearing", {})
    collected: Counter[str] = Counter()
    for word in told.values():
        collected[word.amount.currency] += word.amount.amount
    out = money_out.gone(stage) - reconciled.by_hand(entries) + stage.untold
    collected.update({"CNY": -out} if out else {})
    if dict(collected) != dict(clearing):
        yield f"the provider has {dict(collected)} after {out} left, the clearing says {clearing}"
    yield from money_out.when_settled(stage, entries)
    yield from refunds.when_settled(stage, entries)
    yield from disputing.when_settled(stage)
    yield from complaints.when_settled(stage)
    yield from deliveries.when_settled(stage)
    if stage.reconciles:
        yield from reconciled.when_settled(stage, entries)
    for number in stage.provider.paid:
        if captured_key(number) not in entries and stage.provider.paid[number] in stage.words:  # type: ignore[arg-type]
            yield f"{number} was paid, and never captured"
    yield from _nothing_waits_for_ever(stage)


def _nothing_waits_for_ever(stage: Stage) -> Iterator[str]:
    for key, item in stage.memory.items.items():
        if key.pk.startswith("ord_") and key.sk == "head" and item["state"] in _TRANSIENT:
            yield f"{key.pk} is {item['state']} for ever"
        if key.pk.startswith(tuple(f"due/{name}/" for name in _ENDING)):
            yield f"{key.sk} is due for ever"


_ENDING = ("receipt", "payout", "unreported", "refund", "dispute", "complaint", "unshipped")
_TRANSIENT = {OrderState.UNPAID, OrderState.PAID, OrderState.SHIPPED}


def _is_booked(word: Collected, entries: dict[str, JournalEntry]) -> bool:
    for key in (f"captured/{word.number}", f"parked/{rules.parking_key(word)}"):
        entry = entries.get(key)
        if entry and (entry.reference, entry.total()) == (word.transaction_id, word.amount):
            return True
    return False
