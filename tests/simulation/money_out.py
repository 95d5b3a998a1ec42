"""What must be true of fees, shares, settlements and payouts: of all money on its way out."""

from collections import Counter
from collections.abc import Iterator, Mapping

from chalicelib.kernel.ids import PayoutId
from chalicelib.kernel.money import fen
from chalicelib.ledger.chart import Side, normal_side
from chalicelib.ledger.journal import JournalEntry
from chalicelib.ledger.segments import ReadSegments
from chalicelib.orders.model import OrderState
from chalicelib.providers.funds import TransferState
from chalicelib.refunds.model import RefundState
from chalicelib.settlement.model import UNDER_WAY, PayoutState
from chalicelib.storage import keys
from chalicelib.storage.values import Item, Key, whole
from tests.fakes.funds import SHARE_BASIS_POINTS_MAX
from tests.fakes.reconciling import PLATFORM
from tests.fakes.rooms import FEE_BASIS_POINTS, PAYOUT_MINIMUM_FEN
from tests.simulation.stage import Stage

Entries = Mapping[str, JournalEntry]
PARTNERS_BASIS_POINTS = 500
"""What the partner of a merchant that has one earns, in every scene and seed."""

_COUNTED = (":available", ":debt")


def always(stage: Stage, entries: Entries) -> Iterator[str]:
    """Name what is wrong at any moment."""
    yield from _fees_and_shares(stage, entries)
    yield from _nobody_overdraws(stage, entries)
    yield from _settlements_end_where_the_day_closed(stage)
    for key, item in stage.memory.items.items():
        if key.pk.startswith("out_"):
            yield from _payout(stage, key, item, entries)


def when_settled(stage: Stage, entries: Entries) -> Iterator[str]:
    """Name what is left that should have gone."""
    for key, item in stage.memory.items.items():
        if key.pk.startswith("out_") and item["state"] in UNDER_WAY:
            yield f"{key.pk} is {item['state']} for ever"
    sums = _sums(entries)
    for account, (debits, credited) in sums.items():
        owner, _, rest = account.partition(":")
        left = credited - debits
        owed = sums.get(f"{account.removesuffix(':available')}:debt", (0, 0))
        net = left - (owed[0] - owed[1])
        if owner == "merchant" and rest.endswith(":available") and net >= PAYOUT_MINIMUM_FEN:
            yield f"{account} has {left}, and nobody pays it out"
        if owner == "merchant" and rest.endswith(":payout") and left:
            yield f"{account} has {left} on its way for ever"
    yield from _the_seller_has_its_money(stage)


def gone(stage: Stage) -> int:
    """Return what has left the provider: to people, sellers and partners, and as its own fee."""
    books = stage.payees
    partners = sum(
        one.amount.amount
        for outcome in (books.outcomes[number] for number in books.shares)
        for one in outcome.receivers
        if one.account.startswith("partner") and one.result == "success"
    )
    back = stage.back.paid_by_us + books.returned_by(PLATFORM)
    kept = stage.theirs.bill_books.kept
    return books.paid_people + sum(books.unfrozen.values()) + partners + back + kept


def _taken(stage: Stage, entries: Entries) -> Mapping[str, Counter[str]]:
    """Sum what was released of each order, and who took what of it."""
    taken: dict[str, Counter[str]] = {}
    for entry in entries.values():
        if entry.kind in {"order_released", "release_taken_back"} and entry.order_id is not None:
            of_order = taken.setdefault(entry.order_id, Counter())
            for posting in entry.postings:
                grown = posting.side is Side.CREDIT
                amount = posting.amount.amount if grown else -posting.amount.amount
                if posting.account.endswith((":held", "in_transit")):
                    of_order["released"] -= amount
                else:
                    of_order[posting.account.partition(":")[0]] += amount
    for refund in stage.refunds():
        if refund.state is RefundState.WAITING and refund.seller is None:
            # It is agreed, and not collected yet.
            of_order = taken.setdefault(refund.order_id, Counter())
            of_order["released"] -= refund.returned.amount
            of_order["platform"] -= refund.fee.amount
            of_order["partner"] -= sum(part.amount for _, part in refund.shares)
    return taken


def _fees_and_shares(stage: Stage, entries: Entries) -> Iterator[str]:
    """Of what is released and not taken back all take their share, half up, a partner's down."""
    for order_id, sums in _taken(stage, entries).items():
        item = stage.memory.items[Key("main", order_id, "head")]
        total = whole(item["total"])
        fee = fen(total).share(basis_points=FEE_BASIS_POINTS).amount
        share = total * PARTNERS_BASIS_POINTS // 10_000 if "shares" in item else 0
        if fee + share > total * SHARE_BASIS_POINTS_MAX // 10_000:
            yield f"{order_id}: fee and shares are over the cap"
        both = (2 * (fee + share) * sums["released"] + total) // (2 * total)
        partners = share * sums["released"] // total
        for name, due in (("platform", both - partners), ("partner", partners)):
            if sums[name] != due:
                yield f"{order_id}: the {name} took {sums[name]}, {due} was agreed"


def _sums(entries: Entries) -> Mapping[str, tuple[int, int]]:
    sums: dict[str, tuple[int, int]] = {}
    for entry in entries.values():
        for posting in entry.postings:
            debits, credited = sums.get(posting.account, (0, 0))
            amount = posting.amount.amount
            if posting.side is Side.DEBIT:
                debits += amount
            else:
                credited += amount
            sums[posting.account] = debits, credited
    return sums


def _nobody_overdraws(stage: Stage, entries: Entries) -> Iterator[str]:
    """What was drawn is counted to the fen, and never more than what came."""
    for account, (debits, credited) in _sums(entries).items():
        if not account.endswith(_COUNTED):
            continue
        credit = normal_side(account) is Side.CREDIT
        grown, drawn = (credited, debits) if credit else (debits, credited)
        item = stage.memory.items.get(keys.debits(f"{account}/CNY"), {})
        if whole(item.get("debits", 0)) != drawn:
            yield f"{account}: {drawn} was drawn, {item} was counted"
        if drawn > grown:
            yield f"{account} is overdrawn: {drawn} of {grown}"


def _settlements_end_where_the_day_closed(stage: Stage) -> Iterator[str]:
    """A day's settlement takes nothing that was numbered after the day had closed."""
    lines: dict[str, list[tuple[int, JournalEntry]]] = {}
    for _, rows in ReadSegments(stage.lake.memory).batches():
        for numbered in rows:
            for posting in numbered.entry.postings if numbered.entry else ():
                assert numbered.entry is not None
                if posting.account.endswith(":available"):
                    of_account = lines.setdefault(posting.account, [])
                    of_account.append((numbered.position, numbered.entry))
    for account, moves in lines.items():
        settled = {
            entry.key.rpartition("/")[2]: entry
            for _, entry in moves
            if entry.kind == "merchant_settled"
        }
        for day, entry in settled.items():
            closed = whole(stage.memory.items[keys.day_closed(day)]["position"])
            came = sum(
                _on(account, Side.CREDIT, other) for position, other in moves if position <= closed
            )
            taken = sum(
                _on(account, Side.DEBIT, other) for at, other in settled.items() if at <= day
            )
            if taken > came:
                yield f"{entry.key} takes what came after the day had closed"


def _on(account: str, side: Side, entry: JournalEntry) -> int:
    return sum(
        posting.amount.amount
        for posting in entry.postings
        if posting.account == account and posting.side is side
    )


def _payout(stage: Stage, key: Key, item: Item, entries: Entries) -> Iterator[str]:
    """A payout is in the state that its entries say, and the provider agrees with its end."""
    state = PayoutState(str(item["state"]))
    paid, failed = (entries.get(f"{kind}/{key.pk}") for kind in ("paid_out", "payout_failed"))
    if (paid is not None) is not (state is PayoutState.PAID):
        yield f"{key.pk} is {state}, and its entry says otherwise"
    if (failed is not None) is not (state is PayoutState.FAILED):
        yield f"{key.pk} is {state}, and its money is where it is not"
    for entry in filter(None, (paid, failed)):
        if entry.total().amount != whole(item["amount"]):
            yield f"{entry.key} is of another amount than its payout"
    if "order" in item:
        return
    known = stage.payees.transfers.get(PayoutId(key.pk))
    if paid is not None and (known is None or known.state is not TransferState.PAID):
        yield f"{key.pk} is booked as paid, and the provider did not pay"
    if failed is not None and known is not None and known.state is TransferState.PAID:
        yield f"{key.pk} is booked as failed, and the provider paid"


def _the_seller_has_its_money(stage: Stage) -> Iterator[str]:
    """Where the seller is the payee, what was released is frozen no more, and nothing else is."""
    if not stage.partner:
        return
    for key, item in stage.memory.items.items():
        if key.pk.startswith("ord_") and key.sk == "head":
            words = [
                word
                for number, word in stage.provider.paid.items()
                if (payment := stage.memory.items.get(Key("main", key.pk, f"payment/{number}")))
                and not payment.get("late")
            ]
            for word in words:
                free = word.transaction_id in stage.payees.unfrozen
                ended = item["state"] in {OrderState.RELEASED, OrderState.REFUNDED}
                due = ended and bool(item.get("released"))
                if free is not due and (free or stage.theirs.frozen(word)):
                    yield f"{key.pk} is {item['state']}, its money is{'' if free else ' not'} free"
