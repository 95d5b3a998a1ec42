"""Building the books again from the numbered list, and comparing them with what is there."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.books.model import PLATFORM
from chalicelib.books.rules import tallied
from chalicelib.books.store import Difference, Rebuilt, active_key, spot
from chalicelib.kernel.ids import OrderId
from chalicelib.ledger.balances import Balances, Fold, folded
from chalicelib.ledger.days import day_after
from chalicelib.ledger.entries import filed
from chalicelib.ledger.journal import JournalEntry, read_entry
from chalicelib.ledger.numbered import NumberedRow
from chalicelib.ledger.segments import LakeBrokenError, ReadSegments
from chalicelib.orders import rules as orders
from chalicelib.orders.store import EVERYWHERE, OrderStore, read_order
from chalicelib.storage import keys
from chalicelib.storage.batches import READ_MAX, Batches, Group, chunked
from chalicelib.storage.table import Delete, Put
from chalicelib.storage.values import Item, Key, Value

_MOMENTS = (1.0, 2.0)


Misplaced = tuple[Difference, Group]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Reads the whole list, checks each entry against the journal, and compares the books.

    Memory grows with accounts and orders, not with entries. While the sequencer works, what has
    moved beyond the position reached is left out of the comparison.
    """

    segments: ReadSegments
    batches: Batches
    balances: Balances
    store: OrderStore

    def compare(self, *, repair: bool = False) -> Rebuilt:
        """Return what the list says and every difference; with `repair`, write what it says.

        Raises `LakeBrokenError` when the list itself can't be trusted.
        """
        head = self.balances.head()
        rebuilt = Rebuilt()
        for manifest, rows in self.segments.batches():
            if manifest.end > head.applied:
                break
            self._take(rebuilt, rows, manifest.day, manifest.end)
            rebuilt.position, rebuilt.chain = manifest.end, manifest.chain
        if rebuilt.position != head.applied or rebuilt.chain not in {head.chain, head.chain_before}:
            raise LakeBrokenError(
                "the lake ends elsewhere", listed=head.applied, found=rebuilt.position
            )
        self._days(rebuilt, head.day)
        self._balances(rebuilt)
        self._totals(rebuilt)
        self._orders(rebuilt)
        if repair:
            self.batches.guarded(rebuilt.repairs)
        return rebuilt

    def _take(self, rebuilt: Rebuilt, rows: Sequence[NumberedRow], day: str, end: int) -> None:
        self._against_journal(rebuilt, rows)
        folds = list(folded(rows).values())
        for fold in folds:
            rebuilt.add(fold, end)
        self._history(rebuilt, folds, end)
        rebuilt.days[day] = end
        for place, counts in tallied(rows, day).items():
            rebuilt.totals.setdefault(place, Counter()).update(counts)
            rebuilt.totals_through[place] = end
        rebuilt.orders.update(filter(None, map(orders.order_moved_by, rows)))

    def _against_journal(self, rebuilt: Rebuilt, rows: Sequence[NumberedRow]) -> None:
        """Compare entries with the journal's own items, and with the merchants' lists."""
        expected: dict[Key, JournalEntry] = {}
        for numbered in rows:
            if numbered.entry is not None:
                rebuilt.entries += 1
                expected[keys.journal(numbered.entry.key)] = numbered.entry
                expected |= {put.key: numbered.entry for put in filed(numbered)}
        found = self.batches.read(list(expected))
        for key, entry in expected.items():
            stands = read_entry(found[key]) if key in found else None
            if stands != entry:
                rebuilt.differences.append(Difference(spot(key), entry, stands))
                if key.table == keys.LOG:  # a list is mended; the journal never is
                    rebuilt.repairs.append((Put(key, {"entry": entry.model_dump_json()}),))

    def _history(self, rebuilt: Rebuilt, folds: Sequence[Fold], end: int) -> None:
        """Compare the line of history that each fold has left."""
        said: dict[Key, Item] = {}
        for fold in folds:
            debits, credited = rebuilt.balances[fold.account, fold.currency]
            lines: list[Value] = [list(line) for line in fold.lines]
            key = keys.balance_at(fold.account, fold.currency, end)
            said[key] = {"debits": debits, "credits": credited, "lines": lines}
        found = self.batches.read(list(said))
        for key, line in said.items():
            if found.get(key) != line:
                rebuilt.differences.append(Difference(spot(key), line, found.get(key)))
                rebuilt.repairs.append((Put(key, line),))

    def _days(self, rebuilt: Rebuilt, last_closed: str | None) -> None:
        """Compare where business days closed: at the last position numbered while one was open."""
        if not rebuilt.days or last_closed is None:
            return
        day, position, said = min(rebuilt.days), 0, dict[Key, int]()
        while day <= last_closed:
            position = rebuilt.days.get(day, position)
            said[keys.day_closed(day)] = position
            day = day_after(day)
        found = self.batches.read(list(said))
        for key, position in said.items():
            stands = found.get(key, {}).get("position")
            if stands != position:
                rebuilt.differences.append(Difference(f"{key.sk} closed", position, stands))
                item: Item = {**found.get(key, {}), "position": position}
                rebuilt.repairs.append((Put(key, item),))

    def _balances(self, rebuilt: Rebuilt) -> None:
        spots = {keys.balance(*at): at for at in rebuilt.balances}
        found = self.batches.read(list(spots))
        for key, at in spots.items():
            debits, credited = rebuilt.balances[at]
            said: Item = {"debits": debits, "credits": credited, "through": rebuilt.through[at]}
            rebuilt.compare(key, said, found.get(key))

    def _totals(self, rebuilt: Rebuilt) -> None:
        spots = {keys.totals(*place): place for place in rebuilt.totals}
        merchants = [place for place in rebuilt.totals if place[0] != PLATFORM]
        active = [active_key(day, scope) for scope, day in merchants]
        found = self.batches.read([*spots, *active])
        for key, place in spots.items():
            said: Item = {**rebuilt.totals[place], "through": rebuilt.totals_through[place]}
            rebuilt.compare(key, said, found.get(key))
        for key in active:
            if key not in found:
                rebuilt.differences.append(Difference(spot(key), "active", None))
                rebuilt.repairs.append((Put(key, {}),))

    def _orders(self, rebuilt: Rebuilt) -> None:
        """Compare each order's places with its state; one that is just moving gets a moment."""
        doubtful = sorted(rebuilt.orders)
        for pause_seconds in (*_MOMENTS, 0.0):
            misplaced: dict[OrderId, Misplaced] = {}
            for some in chunked(doubtful, READ_MAX):
                misplaced |= self._misplaced(some)
            doubtful = list(misplaced)
            if not doubtful:
                return
            self.batches.commits.pause(pause_seconds)
        for order_id, (difference, group) in misplaced.items():
            assert order_id
            rebuilt.differences.append(difference)
            rebuilt.repairs.append(group)

    def _misplaced(self, order_ids: Sequence[OrderId]) -> dict[OrderId, Misplaced]:
        heads = self.batches.read([keys.order(order_id) for order_id in order_ids])
        orders = [read_order(OrderId(key.pk), item) for key, item in heads.items()]
        places = {order.id: self.store.places(order) for order in orders}
        found = self.batches.read([put.key for puts in places.values() for put in puts.values()])
        wrong: dict[OrderId, Misplaced] = {}
        for order in orders:
            right = places[order.id]
            stands = {place: found[put.key] for place, put in right.items() if put.key in found}
            said = {place: right[place].item for place in (EVERYWHERE, order.state)}
            if stands != said:
                group: Group = (
                    *(right[place] for place in said),
                    *(Delete(put.key) for place, put in right.items() if place not in said),
                )
                wrong[order.id] = Difference(f"{order.id} is listed", [*said], [*stands]), group
        return wrong
