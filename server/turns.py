"""Whose turn it is: any number of tickers, none of them the leader.

Per schedule one item says when it is due. Whoever finds it due moves that forward by a lease, under
the condition that it still says what was read; only who succeeds runs the job, and then sets the
next turn, one period after this one began. A job that failed, or whose ticker was killed, is due
again when the lease ends. A job that takes longer than its lease may run twice at once, as on
Lambda: every one of them bears it.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.storage import keys
from chalicelib.storage.conditions import ITEM_ABSENT, Condition, Equals, Set
from chalicelib.storage.table import Table, TransactionCancelledError, Update
from server.schedules import Schedule

LEASE_MAX = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that was taken: when it began, and what the item says until it is over."""

    began: datetime
    until: str


class Turns:
    """The turns of all schedules, in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, schedule: Schedule, now: datetime) -> Turn | datetime:
        """Take a schedule's turn, or return when to look again."""
        item = self._table.get(keys.turn(schedule.name))
        due_at = instant_from(str(item["due_at"])) if item else now
        # Later than any turn can be: the business clock was turned back, in development.
        if now < due_at <= now + schedule.every:
            return due_at
        lease = min(schedule.every, LEASE_MAX)
        until = instant_text(now + lease)
        read = Equals("due_at", str(item["due_at"])) if item else ITEM_ABSENT
        return Turn(now, until) if self._moved(schedule, until, read) else now + lease

    def over(self, schedule: Schedule, turn: Turn) -> None:
        """Set the next turn, unless somebody else has it by now."""
        following = instant_text(turn.began + schedule.every)
        self._moved(schedule, following, Equals("due_at", turn.until))

    def _moved(self, schedule: Schedule, due_at: str, condition: Condition) -> bool:
        update = Update(keys.turn(schedule.name), (Set("due_at", due_at),), condition)
        try:
            self._table.transact([update], os.urandom(16).hex())
        except TransactionCancelledError:
            return False
        return True
