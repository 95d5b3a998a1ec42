"""A queue in memory that keeps SQS's promises, and takes a message from whoever was killed."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.edge.pgqueue import RECEIVES_MAX, backoff_seconds
from chalicelib.edge.queue import Message
from server.sources import Handler, failed_of, record


@dataclass
class _Lying:
    body: str
    due_at: float
    receives: int = 0


class MemoryQueue:
    """Messages by number; time passes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._numbers = itertools.count(1)
        self._lying: dict[int, _Lying] = {}
        self._dead: list[str] = []

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        self._lying[next(self._numbers)] = _Lying(json.dumps(message), self.seconds + delay_seconds)

    def send_many(self, messages: Sequence[Mapping[str, Any]]) -> None:
        for message in messages:
            self.send(dict(message))

    def count(self) -> int:
        return sum(1 for one in self._lying.values() if one.due_at <= self.seconds or one.receives)

    def dead(self) -> int:
        return len(self._dead)

    def redrive(self) -> int:
        moved, self._dead = self._dead, []
        for body in moved:
            self._lying[next(self._numbers)] = _Lying(body, self.seconds)
        return len(moved)

    def hand_out(self, handler: Handler) -> None:
        """Hand out what is due, each once."""
        for number, one in [pair for pair in self._lying.items() if pair[1].due_at <= self.seconds]:
            one.receives += 1
            attributes = {"ApproximateReceiveCount": str(one.receives)}
            told = record(
                "work", one.body, message_id=str(number), receipt="", attributes=attributes
            )
            if not failed_of(handler, [told]):
                del self._lying[number]
            elif one.receives >= RECEIVES_MAX:
                self._dead.append(self._lying.pop(number).body)
            else:
                one.due_at = self.seconds + backoff_seconds(one.receives)
