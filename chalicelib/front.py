"""The front door: the routes of no room, and the list of all rooms and their work."""

from functools import cache
from typing import Any

from pydantic import BaseModel

from chalicelib import outside
from chalicelib.books.api import api as books
from chalicelib.books.jobs import blueprint as books_jobs
from chalicelib.catalog.api import api as catalog
from chalicelib.commands import blueprint as commands
from chalicelib.complaints.api import api as complaints
from chalicelib.complaints.jobs import blueprint as complaints_jobs
from chalicelib.delivery.api import api as delivery
from chalicelib.delivery.jobs import blueprint as delivery_jobs
from chalicelib.disputes.api import api as disputes
from chalicelib.disputes.jobs import blueprint as disputes_jobs
from chalicelib.edge.http import Api, Call
from chalicelib.edge.openapi import document
from chalicelib.escrow.api import api as escrow
from chalicelib.escrow.jobs import blueprint as escrow_jobs
from chalicelib.health.api import api as health
from chalicelib.health.jobs import blueprint as health_jobs
from chalicelib.hearing import blueprint as hearing
from chalicelib.orders.api import api as orders
from chalicelib.orders.jobs import blueprint as orders_jobs
from chalicelib.payments.api import api as payments
from chalicelib.payments.jobs import blueprint as payments_jobs
from chalicelib.people.api import api as people
from chalicelib.reconciliation.api import api as reconciliation
from chalicelib.reconciliation.jobs import blueprint as reconciliation_jobs
from chalicelib.refunds.api import api as refunds
from chalicelib.refunds.jobs import blueprint as refunds_jobs
from chalicelib.settlement.api import api as settlement
from chalicelib.settlement.jobs import blueprint as settlement_jobs

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
BLUEPRINTS = (
    *(one.blueprint for one in APIS),
    orders_jobs,
    payments_jobs,
    books_jobs,
    escrow_jobs,
    settlement_jobs,
    delivery_jobs,
    refunds_jobs,
    disputes_jobs,
    complaints_jobs,
    reconciliation_jobs,
    health_jobs,
    hearing,
    commands,
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
