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
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.due import DueList

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)
"""The moment under which those who were passed over are noted: they are always due."""

_PAGE = 100
_DAYS_BACK = 7

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

    def open_missed(self) -> Sequence[Settlement]:
        """Open the settlement of each of the last days that is closed and was not settled yet.

        So a schedule that did not run for some days makes up for them.
        """
        today = business_day(self.clock.now())
        opened: list[Settlement] = []
        for back in range(_DAYS_BACK, 0, -1):
            day = today - timedelta(days=back)
            if self.settlements.find(rules.settlement_id(day.isoformat())) is None:
                position = self.days.closed_at(day)
                if position is not None:
                    opened.append(self._open(day, position))
        return opened

    def walk(self, day: str, position: int, after: str | None) -> None:
        """Send a command for each merchant of a page, and one for the next page.

        The first page brings along those who were passed over before. Walked again, the same
        commands are sent again, and settle nothing twice.
        """
        table = self.settlements.table
        found, ended = active_on(table, day, after=after, limit=_PAGE)
        merchants = list(found)
        if after is None:
            merchants += [MerchantId(note.about) for note in self.unsettled.up_to(ALWAYS)]
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
