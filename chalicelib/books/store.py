"""The items of daily totals, and of the merchants that were active on a day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from typing_extensions import override

from chalicelib.books.model import PLATFORM, Totals
from chalicelib.books.rules import CAPTURED, FEES, REFUSED, Place
from chalicelib.kernel.ids import OrderId
from chalicelib.ledger.balances import Fold, not_yet_folded
from chalicelib.ledger.numbered import Batch
from chalicelib.storage import keys
from chalicelib.storage.batches import Group
from chalicelib.storage.conditions import Add, Change, Equals, Missing, Set
from chalicelib.storage.table import Put, Table, Update
from chalicelib.storage.values import Item, Key, whole


@dataclass(frozen=True, slots=True)
class TotalsStore:
    """Where totals are kept: a merchant's days in one partition, a day's merchants in another."""

    table: Table

    def added(self, place: Place, counts: Counter[str], batch: Batch) -> Group:
        """Return the writes that add a batch's counts, once."""
        scope, day = place
        adds = [Add(name, count) for name, count in sorted(counts.items())]
        changes: tuple[Change, ...] = (Set("through", batch.end), *adds)
        update = Update(keys.totals(scope, day), changes, not_yet_folded(batch))
        if scope == PLATFORM:
            return (update,)
        return update, Put(active_key(day, scope), {})

    def of_day(self, scope: str, day: str) -> Totals:
        """Return a day's totals; one on which nothing happened is all zero."""
        return read_totals(scope, day, self.table.get(keys.totals(scope, day)) or {})

    def of_scope(
        self, scope: str, *, before: str | None, limit: int
    ) -> tuple[Sequence[Totals], str | None]:
        """Return a page of days, newest first; one query."""
        page = self.table.query(
            keys.LOG, keys.totals_of(scope), after=before, limit=limit, newest_first=True
        )
        return [read_totals(scope, key.sk, item) for key, item in page.rows], page.next_sk


def active_key(day: str, merchant_id: str) -> Key:
    """Locate a merchant among those that were active on a day."""
    return Key(keys.LOG, keys.active_on(day), merchant_id)


def read_totals(scope: str, day: str, item: Item) -> Totals:
    """Read a day's totals."""
    counts = {name: whole(value) for name, value in item.items() if name != "through"}
    refused = {
        name.removeprefix(REFUSED): count
        for name, count in counts.items()
        if name.startswith(REFUSED)
    }
    captured = {
        name.removeprefix(CAPTURED).upper(): count
        for name, count in counts.items()
        if name.startswith(CAPTURED)
    }
    fees = {
        name.removeprefix(FEES).upper(): count
        for name, count in counts.items()
        if name.startswith(FEES)
    }
    plain = {name: count for name, count in counts.items() if name in Totals.model_fields}
    return Totals(scope=scope, day=day, refused=refused, captured=captured, fees=fees, **plain)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the list says."""

    what: str
    listed: object  # as the list says
    found: object  # as it stands

    @override
    def __str__(self) -> str:
        return f"{self.what}: the list says {self.listed}, the books say {self.found}"


@dataclass
class Rebuilt:
    """What the list says, up to one position."""

    position: int = 0
    chain: str = ""
    entries: int = 0
    balances: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    through: dict[tuple[str, str], int] = field(default_factory=dict)
    totals: dict[Place, Counter[str]] = field(default_factory=dict)
    totals_through: dict[Place, int] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)  # open day → its last position
    orders: set[OrderId] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)
    repairs: list[Group] = field(default_factory=list)

    def compare(self, key: Key, said: Item, stands: Item | None) -> None:
        """Note a difference and its repair, unless the books have moved on meanwhile."""
        through = whole((stands or {}).get("through", 0))
        if stands == said or through > self.position:
            return
        self.differences.append(Difference(spot(key), dict(said), stands))
        guard = Missing("through") if stands is None else Equals("through", through)
        self.repairs.append((Put(key, said, guard),))

    def add(self, fold: Fold, end: int) -> None:
        """Add a batch's fold to an account."""
        at = fold.account, fold.currency
        debits, credited = self.balances.get(at, (0, 0))
        self.balances[at] = debits + fold.debits, credited + fold.credits
        self.through[at] = end


def spot(key: Key) -> str:
    """Spell where an item lives, for people."""
    return f"{key.pk} {key.sk}"
