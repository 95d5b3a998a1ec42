"""The provider's side of refunds; its calls fail in three fates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.providers.port import (
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.refunds import Refunded, RefundOrder
from tests.fakes.refunds import RefundBooks
from tests.simulation.ports import Fault, Outside

Result = TypeVar("Result")


@dataclass
class SimulatedRefunds:
    """The port's `RefundsPayments`, over the provider's own books."""

    outside: Outside
    books: RefundBooks

    def refund(self, order: RefundOrder) -> Refunded:
        return self._call("refund", lambda: self.books.refund(order))

    def refunded(self, number: str, *, seller: str | None = None) -> Refunded | None:
        return self._call("refunded", lambda: self.books.refunded(number, seller=seller))

    def _call(self, name: str, effect: Callable[[], Result]) -> Result:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: ProviderUnavailableError("not sent"),
            Fault.SILENT: ProviderOutcomeUnknownError("no answer"),
            Fault.LOST: ProviderOutcomeUnknownError("no answer"),
        }
        if name == "refund":
            errors[Fault.REJECT] = ProviderRejectedError("no", provider_code="PARAM_ERROR")
        return self.outside.call("provider", name, effect, errors)
