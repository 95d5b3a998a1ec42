"""Starting a payment, booking what was paid, and closing what nobody paid."""

from chalicelib.payments.usecases.ask import AskAboutPayment
from chalicelib.payments.usecases.capture import BookingUnsettledError, Capture, Hear, Tell
from chalicelib.payments.usecases.certificates import RefreshCertificates
from chalicelib.payments.usecases.close import CloseOrder
from chalicelib.payments.usecases.offers import Providers, offered
from chalicelib.payments.usecases.start import Started, StartPayment

__all__ = [
    "AskAboutPayment",
    "BookingUnsettledError",
    "Capture",
    "CloseOrder",
    "Hear",
    "Providers",
    "RefreshCertificates",
    "StartPayment",
    "Started",
    "Tell",
    "offered",
]
