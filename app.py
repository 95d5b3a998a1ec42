"""Shoukuan's functions: rooms registered, nothing else."""

from chalice.app import Chalice

from chalicelib.books.jobs import blueprint as books_jobs
from chalicelib.commands import blueprint as commands
from chalicelib.complaints.jobs import blueprint as complaints_jobs
from chalicelib.delivery.jobs import blueprint as delivery_jobs
from chalicelib.disputes.jobs import blueprint as disputes_jobs
from chalicelib.edge.http import remember_request
from chalicelib.escrow.jobs import blueprint as escrow_jobs
from chalicelib.front import APIS
from chalicelib.health.jobs import blueprint as health_jobs
from chalicelib.hearing import blueprint as hearing
from chalicelib.orders.jobs import blueprint as orders_jobs
from chalicelib.payments.jobs import blueprint as payments_jobs
from chalicelib.reconciliation.jobs import blueprint as reconciliation_jobs
from chalicelib.refunds.jobs import blueprint as refunds_jobs
from chalicelib.settlement.jobs import blueprint as settlement_jobs

app = Chalice(app_name="shoukuan", configure_logs=False)
app.register_middleware(remember_request, "http")
for api in APIS:
    app.register_blueprint(api.blueprint)
app.register_blueprint(orders_jobs)
app.register_blueprint(payments_jobs)
app.register_blueprint(books_jobs)
app.register_blueprint(escrow_jobs)
app.register_blueprint(settlement_jobs)
app.register_blueprint(delivery_jobs)
app.register_blueprint(refunds_jobs)
app.register_blueprint(disputes_jobs)
app.register_blueprint(complaints_jobs)
app.register_blueprint(reconciliation_jobs)
app.register_blueprint(health_jobs)
app.register_blueprint(hearing)
app.register_blueprint(commands)
