"""Events: what happened, told to the rooms that listen, at least once and in any order.

An event is known by its position: whoever hears one twice knows it by that.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.kernel.clock import instant_text
from chalicelib.ledger.numbered import Batch, NumberedRow

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SendEvents:
    """Sends the events of each batch to which somebody listens."""

    heard: frozenset[str]  # kinds of events
    send: Callable[[Sequence[Message]], None]  # raises when one was not taken

    def read(self, batch: Batch) -> None:
        """Send a batch's events; read again, they are sent again."""
        messages = [message_of(one) for one in batch.rows if one.row.kind in self.heard]
        if messages:
            self.send(messages)


def message_of(numbered: NumberedRow) -> Message:
    """Spell an event: `{"event", "position", "about", "at", "facts", "entry"}`."""
    row = numbered.row
    return {
        "event": row.kind,
        "position": numbered.position,
        "about": row.about,
        "at": instant_text(row.at),
        "facts": row.facts,
        "entry": json.loads(row.entry) if row.entry else None,
    }
