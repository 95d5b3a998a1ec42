"""Events: what happened, told to the rooms that listen, at least once and in any order.

Hearing one twice must change nothing; its position is its name for whoever needs one. A message
carries some events, `{"events": [{"event", "position", "about", "at", "facts", "entry", "trace"},
…]}`, since calls, not bytes, are what a queue costs; if one of them fails, the message comes again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.kernel.clock import instant_text
from chalicelib.ledger.numbered import Batch, NumberedRow
from chalicelib.storage.batches import chunked

EVENTS_A_MESSAGE = 10  # an event is under 2 KB, and ten such messages go into one call's 256 KB

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SendEvents:
    """Sends the events of each batch to which somebody listens."""

    heard: frozenset[str]  # kinds of events
    send: Callable[[Sequence[Message]], None]  # raises when one was not taken

    def read(self, batch: Batch) -> None:
        """Send a batch's events; read again, they are sent again."""
        events = [_event(one) for one in batch.rows if one.row.kind in self.heard]
        if events:
            self.send([{"events": some} for some in chunked(events, EVENTS_A_MESSAGE)])


def _event(numbered: NumberedRow) -> Mapping[str, Any]:
    row = numbered.row
    return {
        "event": row.kind,
        "position": numbered.position,
        "about": row.about,
        "at": instant_text(row.at),
        "facts": row.facts,
        "entry": json.loads(row.entry) if row.entry else None,
        "trace": row.trace,
    }
