"""The front door: the routes of no room, and the list of all rooms."""

from functools import cache
from typing import Any

from pydantic import BaseModel

from chalicelib import outside
from chalicelib.books.api import api as books
from chalicelib.catalog.api import api as catalog
from chalicelib.complaints.api import api as complaints
from chalicelib.delivery.api import api as delivery
from chalicelib.disputes.api import api as disputes
from chalicelib.edge.http import Api, Call
from chalicelib.edge.openapi import document
from chalicelib.escrow.api import api as escrow
from chalicelib.health.api import api as health
from chalicelib.orders.api import api as orders
from chalicelib.payments.api import api as payments
from chalicelib.people.api import api as people
from chalicelib.reconciliation.api import api as reconciliation
from chalicelib.refunds.api import api as refunds
from chalicelib.settlement.api import api as settlement

VERSION = "0.1.0"

api = Api(__name__, authenticator=outside.authenticator)
APIS = (
    api,
    people,
    catalog,
    orders,
    payments,
    escrow,
    refunds,
    delivery,
    settlement,
    disputes,
    complaints,
    books,
    health,
    reconciliation,
)


for _room in APIS:
    _room.watch = outside.watch


class Health(BaseModel):
    """It answers."""

    status: str


@api.get("/healthz", answer=Health)
def healthz(_call: Call) -> Health:
    """Say that this process answers."""
    return Health(status="ok")


@api.get("/openapi.json")
def openapi(_call: Call) -> dict[str, Any]:
    """Describe every route."""
    return described()


@cache
def described() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return document(APIS, title="Shoukuan", version=VERSION)
