"""Folded balances: the sum of the journal up to a position, kept by a reader of the list.

No commit of a payment touches them. An account has two counters that only ever grow, debits and
credits, for every currency; `through` is the position up to which they hold. A fold passes only
while `through < :end` and sets `through = :end`, so that a batch is folded once, whoever reads it
and however often. With each fold a line of history is left: the counters after it, and the
positions that led there.

An account that must not be overdrawn (`Kept.COUNTED`) has its debits counted once more, in an item
of its own, by the very commit that debits it: it passes only if

    debits  <=  credits folded, as read before  -  amount

where the right side is one number. The folded credits are never more than the true ones, so a late
fold can only refuse, never overdraw.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.kernel.money import Money
from chalicelib.ledger.chart import Side, normal_side
from chalicelib.ledger.logbook import read_head
from chalicelib.ledger.movement import Guard
from chalicelib.ledger.numbered import Batch, Head, NumberedRow
from chalicelib.storage import keys
from chalicelib.storage.batches import Batches, Group, chunked
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import Add, AnyOf, AtMost, Change, Condition, Missing, Set
from chalicelib.storage.table import Put, Table, Update
from chalicelib.storage.values import Item, Key, Value, whole

_ACCOUNTS_A_COMMIT = 50
_FAR = 10**16 - 1  # the last position that a key can spell


class PositionNotReachedError(PlatformError):
    """The list has not come so far yet."""

    kind = Kind.NOT_FOUND
    code = "position_not_reached"


class InsufficientFundsError(PlatformError):
    """The account does not have that much available."""

    kind = Kind.CONFLICT
    code = "insufficient_funds"


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's two counters in one currency, at a position."""

    account: str
    currency: str
    debits: int
    credits: int
    position: int

    def on(self, side: Side) -> Money:
        """Return the balance, positive on this side."""
        net = self.debits - self.credits
        return Money(amount=net if side is Side.DEBIT else -net, currency=self.currency)


@dataclass(slots=True)
class Fold:
    """What a batch adds to one account in one currency."""

    account: str
    currency: str
    debits: int = 0
    credits: int = 0
    lines: list[tuple[int, int, int]] = field(default_factory=list)  # position, debit, credit

    def take(self, position: int, side: Side, amount: int) -> None:
        """Add one posting."""
        debit, credit = (amount, 0) if side is Side.DEBIT else (0, amount)
        self.debits += debit
        self.credits += credit
        self.lines.append((position, debit, credit))


def folded(rows: Iterable[NumberedRow]) -> Mapping[tuple[str, str], Fold]:
    """Sum the entries of some rows by account and currency."""
    folds: dict[tuple[str, str], Fold] = {}
    for numbered in rows:
        if (entry := numbered.entry) is None:
            continue
        for posting in entry.postings:
            at = posting.account, posting.amount.currency
            if at not in folds:
                folds[at] = Fold(*at)
            folds[at].take(numbered.position, posting.side, posting.amount.amount)
    return folds


def not_yet_folded(batch: Batch) -> Condition:
    """Return the condition that an account has not taken this batch in: `through < :end`."""
    return AnyOf((Missing("through"), AtMost("through", batch.end - 1)))


@dataclass(frozen=True, slots=True)
class FoldBalances:
    """Adds each batch to the balances."""

    batches: Batches

    def read(self, batch: Batch) -> None:
        """Fold a batch: one read and one commit for every fifty accounts."""
        folds = list(folded(batch.rows).values())
        for some in chunked(folds, _ACCOUNTS_A_COMMIT):
            stood = self.batches.read([keys.balance(one.account, one.currency) for one in some])
            self.batches.guarded(
                [
                    _group(one, batch, stood.get(keys.balance(one.account, one.currency)))
                    for one in some
                ]
            )


def _group(fold: Fold, batch: Batch, stood: Item | None) -> Group:
    """Return a fold and its line of history; both pass, or the batch was folded before."""
    before = stood or {"debits": 0, "credits": 0}
    changes: tuple[Change, ...] = (
        Set("through", batch.end),
        Add("debits", fold.debits),
        Add("credits", fold.credits),
    )
    lines: list[Value] = [list(line) for line in fold.lines]
    after: Item = {
        "debits": whole(before.get("debits", 0)) + fold.debits,
        "credits": whole(before.get("credits", 0)) + fold.credits,
        "lines": lines,
    }
    return (
        Update(keys.balance(fold.account, fold.currency), changes, not_yet_folded(batch)),
        Put(keys.balance_at(fold.account, fold.currency, batch.end), after),
    )


@dataclass(frozen=True, slots=True)
class Balances:
    """Reads balances: as they are, or as they were."""

    table: Table

    def at_head(self, accounts: Sequence[str], currency: str) -> tuple[int, list[Balance]]:
        """Return these accounts' balances at one position: the last that everybody has read.

        Two round trips: the position first, so that what is read afterwards is never older; an
        account that has been folded further meanwhile is looked up in its history.
        """
        position = self.position()
        spots = [keys.balance(account, currency) for account in accounts]
        found = self.table.get_many(spots)
        balances = [
            _balance(account, currency, found.get(spot), position)
            if whole(found.get(spot, {}).get("through", 0)) <= position
            else self.at(account, currency, position)
            for account, spot in zip(accounts, spots, strict=True)
        ]
        return position, balances

    def head(self) -> Head:
        """Return how far the list has come."""
        return read_head(self.table.get(keys.log_head()))

    def position(self) -> int:
        """Return the last position that every reader has read."""
        return self.head().applied

    def currencies(self, account: str) -> list[str]:
        """Return the currencies in which an account was ever posted to."""
        prefix = keys.BALANCE_NOW
        page = self.table.query(keys.LOG, keys.balance_of(account), between=(prefix, f"{prefix}~"))
        return [key.sk.removeprefix(prefix) for key, _ in page.rows]

    def folded(self, account: str) -> Sequence[Balance]:
        """Return an account as it was folded last, in every currency; one round trip."""
        prefix = keys.BALANCE_NOW
        page = self.table.query(keys.LOG, keys.balance_of(account), between=(prefix, f"{prefix}~"))
        return [
            _balance(account, key.sk.removeprefix(prefix), item, whole(item["through"]))
            for key, item in page.rows
        ]

    def not_zero_since(self, account: str, currency: str) -> int:
        """Return the position since which an account was never zero; one round trip.

        Of one that was not for a hundred foldings, the oldest of them.
        """
        first, last = (keys.balance_at(account, currency, at) for at in (0, _FAR))
        bounds = first.sk, last.sk
        page = self.table.query(keys.LOG, first.pk, between=bounds, newest_first=True)
        since = 0
        for _, item in page.rows:
            debits, credited = whole(item["debits"]), whole(item["credits"])
            lines = item["lines"]
            assert isinstance(lines, list)
            for at, debit, credit in reversed(lines):
                if debits == credited:
                    return since
                since, debits, credited = whole(at), debits - debit, credited - credit
        return since

    def at(self, account: str, currency: str, position: int) -> Balance:
        """Return a balance as it was at a position; one round trip, or two.

        The history's first line from there on holds the counters after a batch, and which of its
        positions led there: those beyond are taken off again. Without one, nothing came since.
        """
        here = keys.balance_at(account, currency, max(position, 0))
        last = keys.balance_at(account, currency, _FAR)
        page = self.table.query(keys.LOG, here.pk, between=(here.sk, last.sk), limit=1)
        if not page.rows:
            item = self.table.get(keys.balance(account, currency))
            if item is not None and whole(item["through"]) > position:  # folded meanwhile
                return self.at(account, currency, position)
            return _balance(account, currency, item, position)
        _, item = page.rows[0]
        debits, credited = whole(item["debits"]), whole(item["credits"])
        lines = item["lines"]
        assert isinstance(lines, list)
        for at, debit, credit in lines:
            if at > position:
                debits, credited = debits - debit, credited - credit
        return Balance(account, currency, debits, credited, position)


@dataclass(frozen=True, slots=True)
class DebitGuards:
    """Covers the debits of accounts that many share and nobody may overdraw."""

    table: Table

    def cover(self, work: Work, guard: Guard) -> None:
        """Put a draw's condition into the commit that posts it; one read before.

        Raises `InsufficientFundsError` when what was folded does not suffice; the commit is
        refused under the guard's account when another draw was faster.
        """
        item = self.table.get(keys.balance(guard.account, guard.amount.currency)) or {}
        grown = "credits" if normal_side(guard.account) is Side.CREDIT else "debits"
        self.cover_from(work, guard, grown=whole(item.get(grown, 0)))

    def cover_from(self, work: Work, guard: Guard, *, grown: int) -> None:
        """Put a draw's condition into the commit, given what the account had grown by."""
        room = grown - guard.amount.amount
        if room < 0:
            raise InsufficientFundsError("less is available", account=guard.account)
        work.update(
            drawn_key(guard.account, guard.amount.currency),
            Add("debits", guard.amount.amount),
            when=AnyOf((Missing("debits"), AtMost("debits", room))),
            refusal=f"debit/{guard.account}",
        )


def drawn_key(account: str, currency: str) -> Key:
    """Locate what was ever drawn from an account that nobody may overdraw."""
    return keys.debits(f"{account}/{currency}")


def drawn_in(item: Item | None) -> int:
    """Read what was ever drawn: of a credit account its debits, of a debt its credits."""
    return whole((item or {}).get("debits", 0))


def _balance(account: str, currency: str, item: Item | None, position: int) -> Balance:
    stood = item or {}
    return Balance(
        account,
        currency,
        whole(stood.get("debits", 0)),
        whole(stood.get("credits", 0)),
        position,
    )
