"""Counts of a minute, kept by all processes together; each caller's is an item of its own.

DynamoDB takes them away when their time is over (TTL), some hours later; nothing relies on it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.kernel.clock import instant_text
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import Randomness
from chalicelib.storage import keys
from chalicelib.storage.conditions import Add, AnyOf, AtMost, Missing, Set
from chalicelib.storage.table import (
    ReasonCode,
    StoreThrottledError,
    Table,
    TransactionCancelledError,
    Update,
)

_KEPT = timedelta(hours=1)
_ATTEMPTS_MAX = 4


@dataclass(frozen=True, slots=True)
class Counters:
    """Where all processes count together; one round trip, two write units.

    Only a conflict is tried again: many stand behind one address.
    """

    table: Table
    randomness: Randomness

    def add(self, name: str, whom: str, at: datetime, times: int, *, most: int) -> bool:
        """Count, unless it would be more than `most` in the window that begins at `at`.

        Raises `StoreThrottledError` or `StoreSilentError` when the count can't be asked.
        """
        if times > most:
            return False
        ends = int((at + _KEPT).timestamp())
        counted = Update(
            keys.counter(name, fingerprint(whom), instant_text(at)),
            (Add("times", times), Set("ttl", ends)),
            AnyOf((Missing("times"), AtMost("times", most - times))),
        )
        for _ in range(_ATTEMPTS_MAX):
            try:
                self.table.transact([counted], self.randomness(16).hex())
            except TransactionCancelledError as cancelled:
                if cancelled.reasons[0].code is ReasonCode.CONDITION:
                    return False
            else:
                return True
        raise StoreThrottledError("the count is busy")
