"""Reconciled days' and discrepancies' items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.reconciliation.model import Attempt, Discrepancy, Reconciliation
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import ITEM_ABSENT, Condition, Equals
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item, Key, whole

DAY = "day"
RUN = "run"
CARRIED = "carried"
ATTEMPT = "attempt"
DISCREPANCY = "discrepancy"
_FAR = "~"

Named = tuple[Sequence[Discrepancy], str | None]
"""Discrepancies, and where the next page begins."""


def read_discrepancy(item: Item) -> Discrepancy:
    """Read a discrepancy's item."""
    found = Discrepancy.model_validate_json(str(item["text"]))
    return found.evolve(version=whole(item["version"]))


@dataclass(frozen=True, slots=True)
class ReconciliationStore:
    """Where reconciled days and discrepancies are kept."""

    table: Table

    def find(self, provider: str, day: str) -> Reconciliation | None:
        """Return what the last run of a day came to."""
        item = self.table.get(keys.reconciliation(provider, day))
        return _read_day(item) if item else None

    def last(self, provider: str) -> Reconciliation | None:
        """Return the newest day that was reconciled."""
        pk = keys.reconciliations_of(provider)
        page = self.table.query(keys.MAIN, pk, newest_first=True, limit=1)
        return _read_day(page.rows[0][1]) if page.rows else None

    def first(self, provider: str) -> Reconciliation | None:
        """Return the oldest day that was reconciled."""
        page = self.table.query(keys.MAIN, keys.reconciliations_of(provider), limit=1)
        return _read_day(page.rows[0][1]) if page.rows else None

    def days(
        self, provider: str, *, after: str | None, limit: int
    ) -> tuple[Sequence[Reconciliation], str | None]:
        """Return a page of reconciled days, newest first."""
        pk = keys.reconciliations_of(provider)
        page = self.table.query(keys.MAIN, pk, after=after, limit=limit, newest_first=True)
        return [_read_day(item) for _, item in page.rows], page.next_sk

    def runs(self, provider: str, day: str) -> Sequence[Reconciliation]:
        """Return what each run of a day came to, oldest first, the last hundred."""
        pk = keys.reconciliation_attempt(provider, day).pk
        page = self.table.query(keys.MAIN, pk, between=("run/", f"run/{_FAR}"), newest_first=True)
        return [_read_day(item) for _, item in reversed(page.rows)]

    def attempt(self, provider: str, day: str) -> Attempt | None:
        """Return how the last attempt at a day went."""
        item = self.table.get(keys.reconciliation_attempt(provider, day))
        return Attempt.model_validate_json(str(item["text"])) if item else None

    def attempted(self, work: Work, provider: str, attempt: Attempt) -> None:
        """Write down how an attempt went; the last one counts."""
        key = keys.reconciliation_attempt(provider, attempt.day)
        work.put(key, {"text": attempt.model_dump_json()}, refusal=ATTEMPT, when=None)

    def reconciled(self, work: Work, found: Reconciliation) -> None:
        """Write what a run came to: it supersedes the one before, and stays beside it for ever."""
        item: Item = {"text": found.model_dump_json(), "run": found.run}
        when: Condition = ITEM_ABSENT if found.run == 1 else Equals("run", found.run - 1)
        work.put(keys.reconciliation(found.provider, found.day), item, refusal=DAY, when=when)
        run = keys.reconciliation_run(found.provider, found.day, found.run)
        work.put(run, item, refusal=RUN)

    def carried(self, work: Work, before: Reconciliation) -> None:
        """Let the commit stand only while the day before is as it was read."""
        key = keys.reconciliation(before.provider, before.day)
        work.check(key, when=Equals("run", before.run), refusal=CARRIED)

    def discrepancy(self, discrepancy_id: DiscrepancyId) -> Discrepancy | None:
        """Return a discrepancy, if there is one."""
        item = self.table.get(keys.discrepancy(discrepancy_id))
        return read_discrepancy(item) if item else None

    def on(self, provider: str, day: str, *, after: str | None, limit: int) -> Named:
        """Return a page of what a day's bills showed."""
        return self._listed(keys.discrepancies_on(provider, day), after=after, limit=limit)

    def standing(self, provider: str, *, after: str | None, limit: int) -> Named:
        """Return a page of what stands between the books, oldest first."""
        return self._listed(keys.discrepancies_standing(provider), after=after, limit=limit)

    def every(self, provider: str, day: str) -> Iterator[Discrepancy]:
        """Return all that a day's bills showed."""
        return self._between(keys.discrepancies_on(provider, day), " ", _FAR)

    def stood(self, provider: str, day: str) -> Iterator[Discrepancy]:
        """Return all that stood between the books at a day's end: what came by it, and is there.

        What went later stood there too.
        """
        still = keys.discrepancies_standing(provider), ("", f"{day}/{_FAR}")
        since = keys.discrepancies_gone(provider), (f"{day}/{_FAR}", _FAR)
        for pk, (low, high) in (still, since):
            yield from (one for one in self._between(pk, low or " ", high) if one.day <= day)

    def went_on(self, provider: str, day: str) -> Iterator[Discrepancy]:
        """Return all that a day made even, or let go."""
        return self._between(keys.discrepancies_gone(provider), f"{day}/", f"{day}/{_FAR}")

    def _between(self, pk: str, low: str, high: str) -> Iterator[Discrepancy]:
        after: str | None = None
        while True:
            page = self.table.query(keys.MAIN, pk, between=(low, high), after=after)
            yield from self._read([key for key, _ in page.rows])
            after = page.next_sk
            if after is None:
                return

    def noted(self, work: Work, discrepancy: Discrepancy, before: Discrepancy | None) -> None:
        """Write a discrepancy down, in its lists too; it must be as it was `before`."""
        version = 1 if before is None else before.version + 1
        kept = discrepancy.evolve(version=version)
        item: Item = {"text": kept.model_dump_json(), "version": version}
        when: Condition = ITEM_ABSENT if before is None else Equals("version", before.version)
        work.put(keys.discrepancy(kept.id), item, refusal=DISCREPANCY, when=when)
        stood = set() if before is None else set(_places(before))
        stands = set(_places(kept))
        for number, key in enumerate(sorted(stands - stood)):
            work.put(key, {}, refusal=f"filed {number}", when=None)
        for number, key in enumerate(sorted(stood - stands)):
            work.delete(key, refusal=f"taken out {number}")

    def _listed(self, pk: str, *, after: str | None, limit: int) -> Named:
        page = self.table.query(keys.MAIN, pk, after=after, limit=limit)
        return self._read([key for key, _ in page.rows]), page.next_sk

    def _read(self, places: Sequence[Key]) -> Sequence[Discrepancy]:
        ids = [DiscrepancyId(place.sk.rpartition("/")[2]) for place in places]
        found = self.table.get_many([keys.discrepancy(one) for one in ids]) if ids else {}
        return [
            read_discrepancy(found[keys.discrepancy(one)])
            for one in ids
            if keys.discrepancy(one) in found
        ]


def _places(found: Discrepancy) -> Sequence[Key]:
    """Return where a discrepancy is listed: with its day, and with what stands or is gone."""
    standing, gone = keys.discrepancies_standing, keys.discrepancies_gone
    places = [keys.filed(keys.discrepancies_on(found.provider, found.day), found.id)]
    if found.gone_on is not None:
        places.append(keys.filed(gone(found.provider), f"{found.gone_on}/{found.day}/{found.id}"))
    else:
        places.append(keys.filed(standing(found.provider), f"{found.day}/{found.id}"))
    return places


def _read_day(item: Item) -> Reconciliation:
    return Reconciliation.model_validate_json(str(item["text"]))
