"""The provider's side of sharing, unfreezing and paying out; its calls fail in three fates."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.kernel.ids import PayoutId
from chalicelib.kernel.money import Money
from chalicelib.providers.funds import (
    FrozenPayment,
    Shared,
    ShareOrder,
    ShareReturn,
    ShareReturned,
    Transfer,
    Transferred,
    TransferState,
    Unfreeze,
)
from chalicelib.providers.port import (
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from tests.fakes.funds import FundsBooks
from tests.simulation.ports import Fault, Outside

Result = TypeVar("Result")


@dataclass
class SimulatedFunds:
    """The port's `FundsHolder` and `Transfers`, over the provider's own books."""

    outside: Outside
    books: FundsBooks

    def share(self, order: ShareOrder) -> Shared:
        return self._call("share", lambda: self.books.share(order))

    def shared(self, number: str, payment: FrozenPayment) -> Shared | None:
        assert payment.transaction_id, "a share is of a payment"
        return self._call("shared", lambda: self.books.shared(number))

    def unfreeze(self, order: Unfreeze) -> Shared:
        return self._call("unfreeze", lambda: self.books.unfreeze(order))

    def frozen(self, payment: FrozenPayment) -> Money:
        return self._call("frozen", lambda: self.books.frozen(payment))

    def take_back(self, order: ShareReturn) -> ShareReturned:
        return self._call("take back", lambda: self.books.take_back(order))

    def taken_back(
        self, number: str, share_number: str, payment: FrozenPayment
    ) -> ShareReturned | None:
        del share_number, payment
        return self._call("taken back", lambda: self.books.taken_back(number))

    def transfer(self, order: Transfer) -> Transferred:
        return self._call("transfer", lambda: self.books.transfer(order))

    def transferred(self, payout_id: PayoutId) -> Transferred | None:
        return self._call("transferred", lambda: self.books.transfers.get(payout_id))

    def cancel_transfer(self, payout_id: PayoutId) -> None:
        end = TransferState.CANCELLED
        self._call("cancel", lambda: self.books.end_transfer(payout_id, end))

    def _call(self, name: str, effect: Callable[[], Result]) -> Result:
        errors: dict[Fault, Exception] = {
            Fault.FAIL: ProviderUnavailableError("not sent"),
            Fault.SILENT: ProviderOutcomeUnknownError("no answer"),
            Fault.LOST: ProviderOutcomeUnknownError("no answer"),
        }
        if name in {"transfer", "share"}:
            errors[Fault.REJECT] = ProviderRejectedError("no", provider_code="PARAM_ERROR")
        return self.outside.call("provider", name, effect, errors)
