"""Opening the settlement of a business day, and walking through its merchants."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import MerchantId
from chalicelib.ledger.days import ClosedDays, DayNotClosedError, active_on, business_day
from chalicelib.settlement import rules
from chalicelib.settlement.model import OPENED, Settlement
from chalicelib.settlement.store import SettlementStore
from chalicelib.storage import keys
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.due import DueList

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
"""The moment under which those who were passed over are noted: they are always due."""

_PAGE = 100

Send = Callable[[Sequence[Mapping[str, str]]], None]
"""Hand commands to the settlements' queue; raises when one was not taken."""


@dataclass(frozen=True, slots=True)
class OpenSettlement:
    """Settles a business day: everything that was numbered before it closed (日切结算)."""

    settlements: SettlementStore
    days: ClosedDays
    unsettled: DueList
    commits: Commits
    clock: Clock
    send: Send

    def open(self, day: date) -> Settlement:
        """Open a closed day's settlement; opened again, its merchants are looked at once more.

        So who was passed over, and need not be any more, is settled by hand the same day. Raises
        `DayNotClosedError`.
        """
        return self._open(day, self._position(day))

    def open_yesterdays(self) -> Settlement | None:
        """Open the settlement of the last day, unless it was, or the day is not closed yet."""
        yesterday = business_day(self.clock.now()) - timedelta(days=1)
        if self.settlements.find(rules.settlement_id(yesterday.isoformat())) is not None:
            return None
        position = self.days.closed_at(yesterday)
        return self._open(yesterday, position) if position is not None else None

    def walk(self, day: str, position: int, after: str | None) -> None:
        """Send a command for each merchant of a page, and one for the next page.

        The first page brings along those who were passed over before. Walked again, the same
        commands are sent again, and settle nothing twice.
        """
        table = self.settlements.table
        found, ended = active_on(table, day, after=after, limit=_PAGE)
        merchants = list(found)
        if after is None:
            for shard in range(keys.DUE_SHARDS):
                notes = self.unsettled.by(shard, ALWAYS, limit=_PAGE)
                merchants += [MerchantId(note.about) for note in notes]
        said = {"day": day, "position": str(position)}
        commands = [
            {"command": "settle_merchant", "merchant_id": merchant_id, **said}
            for merchant_id in dict.fromkeys(merchants)
        ]
        if ended is not None:
            commands.append({"command": "walk_merchants", "after": ended, **said})
        self.send(commands)

    def _position(self, day: date) -> int:
        position = self.days.closed_at(day)
        if position is None:
            raise DayNotClosedError("this business day is not closed", day=day.isoformat())
        return position

    def _open(self, day: date, position: int) -> Settlement:
        settlement_id = rules.settlement_id(day.isoformat())
        facts = {"day": day.isoformat(), "position": str(position)}
        try:
            with self.commits() as work:
                settlement = Settlement(
                    id=settlement_id,
                    business_date=day.isoformat(),
                    position=position,
                    opened_at=work.at,
                )
                self.settlements.opened(work, settlement)
                work.emit(OPENED, settlement_id, facts=facts)
        except CommitRefusedError:
            known = self.settlements.find(settlement_id)
            assert known is not None, "a settlement is never deleted"
            self.send([{"command": "walk_merchants", **facts}])
            return known
        return settlement
