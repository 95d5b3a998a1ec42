"""An operator at reconciliation's routes, over a shop of fakes."""

from typing import Any

import pytest

from app import app
from chalicelib import outside
from chalicelib.edge.callers import Caller, Scope
from chalicelib.edge.watch import UNWATCHED
from chalicelib.reconciliation import wiring
from chalicelib.reconciliation.api import api
from chalicelib.reconciliation.model import Discrepancy, Outcome
from tests.edge.calls import Reply, ask, listening
from tests.reconciliation.test_days import Shop


class Badge:
    """Lets everybody in as what it says."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def caller(self, _headers: object) -> Caller:
        return Caller("ops:wang", frozenset({self.scope}))


class Desk(Shop):
    """A shop, and its operator's calls."""

    def __init__(self, patch: pytest.MonkeyPatch, *, partner: bool = False) -> None:
        super().__init__(partner=partner)
        self.badge = Badge(Scope.OPERATOR)
        room, clock = self.house.reconciling, self.house.clock
        patch.setattr(api, "authenticator", lambda: self.badge)
        patch.setattr(api, "watch", lambda: UNWATCHED)
        patch.setattr(wiring, "read_reconciliations", lambda: room.read)
        patch.setattr(wiring, "request_run", lambda: room.request)
        patch.setattr(wiring, "report_day", lambda: room.report)
        patch.setattr(wiring, "settle_discrepancy", lambda: room.settle)
        patch.setattr(wiring, "reconcile_day", lambda: room.day)
        patch.setattr(wiring, "clock", lambda: clock)
        patch.setattr(outside, "clock", lambda: clock)

    def get(self, route: str, query: dict[str, str] | None = None, **path: str) -> Reply:
        asked = {name: [value] for name, value in (query or {}).items()}
        with listening():
            return ask(app, "GET", route, path=path, query=asked)

    def post(self, route: str, body: str, **path: str) -> Reply:
        headers = {"content-type": "application/json", "idempotency-key": self.house.key()}
        with listening():
            return ask(app, "POST", route, body, path=path, headers=headers)

    def one(self, day: str, outcome: Outcome) -> Discrepancy:
        """Return the one difference of a day that came to this."""
        every = self.house.reconciling.read.every(day)
        (found,) = (one for one in every if one.outcome is outcome)
        return found


def codes(reply: Reply) -> tuple[int, Any]:
    return reply.status, reply.body.get("code")
