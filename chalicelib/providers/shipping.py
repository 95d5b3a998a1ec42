"""What we ask of a mini-program's platform about parcels: to be told, and how far each has come.

WeChat obliges a mini-program that sells goods to report each shipment (发货信息管理), and lets the
shopper confirm the receipt in WeChat itself. Every call has the three fates of `port.py`.
"""

from typing import Protocol

from pydantic import AwareDatetime

from chalicelib.kernel.record import Record


class ShippingReport(Record):
    """A parcel, and the payment for what is in it."""

    transaction_id: str
    """The provider's own number of the payment."""

    carrier: str  # the platform's code of a carrier, such as `SF`
    tracking_number: str
    contact: str | None  # the sender's masked telephone, which some carriers need: `189****1234`
    description: str  # what is in it, at most 120 characters
    payer: str  # the shopper's openid
    shipped_at: AwareDatetime


class Delivery(Record):
    """How far a parcel has come, as the platform knows it."""

    shipped: bool
    received: bool
    """The shopper confirmed it there, or the platform took it as received: the money is settled."""

    disputed: bool  # a complaint is open there


class Pushed(Record):
    """A verified word about a payment's parcel: a hint, never the truth. Ask for the delivery."""

    event: str
    number: str
    """Our payment's number; text, because a stranger's word may carry anything."""

    transaction_id: str


class Shipping(Protocol):
    """A platform that is told of shipments."""

    def report(self, report: ShippingReport) -> None:
        """Tell of a parcel; told again, it is the same parcel.

        Raises `ProviderRejectedError` when it will never be taken, `ProviderUnavailableError` when
        it may be later (also while the platform does not know the payment yet), or
        `ProviderOutcomeUnknownError`.
        """

    def delivery(self, transaction_id: str) -> Delivery | None:
        """Ask how far a payment's parcel has come; None for a payment that it does not know."""
