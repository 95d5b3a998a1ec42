"""WeChat's side of shipments; its calls fail in three fates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.providers.port import ProviderOutcomeUnknownError, ProviderUnavailableError
from chalicelib.providers.shipping import Delivery, ShippingReport
from tests.fakes.shipping import ShippingBooks
from tests.simulation.ports import Fault, Outside

Result = TypeVar("Result")


@dataclass
class SimulatedShipping:
    """The port's `Shipping`, over WeChat's own books."""

    outside: Outside
    books: ShippingBooks

    def report(self, report: ShippingReport) -> None:
        self._call("report shipment", lambda: self.books.report(report))

    def delivery(self, transaction_id: str) -> Delivery | None:
        return self._call("delivery", lambda: self.books.delivery(transaction_id))

    def _call(self, name: str, effect: Callable[[], Result]) -> Result:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: ProviderUnavailableError("not sent"),
            Fault.SILENT: ProviderOutcomeUnknownError("no answer"),
            Fault.LOST: ProviderOutcomeUnknownError("no answer"),
        }
        return self.outside.call("provider", name, effect, errors)
