"""WeChat's side of shipments: what was reported, and what became of it."""

from dataclasses import dataclass, field

from chalicelib.providers.port import ProviderRejectedError, ProviderUnavailableError
from chalicelib.providers.shipping import Delivery, ShippingReport


@dataclass
class ShippingBooks:
    """The port's `Shipping`, answering at once out of its own books."""

    parcels: dict[str, ShippingReport] = field(default_factory=dict)
    received: set[str] = field(default_factory=set)
    disputed: set[str] = field(default_factory=set)
    unknown_payments: set[str] = field(default_factory=set)
    refused_carriers: set[str] = field(default_factory=set)
    reports: int = 0

    def report(self, report: ShippingReport) -> None:
        self.reports += 1
        if report.transaction_id in self.unknown_payments:
            raise ProviderUnavailableError("not known yet", provider_code=10060001)
        if report.carrier in self.refused_carriers:
            raise ProviderRejectedError("no such carrier", provider_code=10060004)
        known = self.parcels.setdefault(report.transaction_id, report)
        if known != report:
            raise ProviderRejectedError("another parcel", provider_code=10060003)

    def delivery(self, transaction_id: str) -> Delivery | None:
        if transaction_id in self.unknown_payments:
            return None
        return Delivery(
            shipped=transaction_id in self.parcels,
            received=transaction_id in self.received,
            disputed=transaction_id in self.disputed,
        )

    def let_receive(self, transaction_id: str) -> None:
        """Let the shopper confirm in WeChat; only what was reported can be."""
        if transaction_id in self.parcels:
            self.received.add(transaction_id)
