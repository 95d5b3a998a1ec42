"""What we ask of any payment provider, and the three fates of every call.

*Rejected* is final. *Unavailable* means that nothing happened: try again. *Outcome unknown* means
that it may have happened: ask again with the same number; never send under a new one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import AwareDatetime

from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.kernel.ids import PaymentId
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record
from chalicelib.providers.complaints import Complained
from chalicelib.providers.funds import Transferred
from chalicelib.providers.refunds import Refunded
from chalicelib.providers.tries import Try, watched


class ProviderRejectedError(PlatformError):
    """The provider understood, and said no; the same call will be refused again."""

    kind = Kind.CONFLICT
    code = "provider_rejected"


class ProviderUnavailableError(PlatformError):
    """The provider did nothing; try again."""

    kind = Kind.UNAVAILABLE
    code = "provider_unavailable"


class ProviderOutcomeUnknownError(PlatformError):
    """The provider may or may not have done it; ask again with the same number."""

    kind = Kind.UNKNOWN_OUTCOME
    code = "provider_outcome_unknown"


class Fate(StrEnum):
    """What became of a call."""

    ANSWERED = "answered"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Called:
    """What is told of a call: never what was said in it, and no path with somebody's number."""

    method: str
    route: str  # without numbers: `/v3/pay/transactions/out-trade-no/{}`
    fate: Fate
    tries: tuple[Try, ...]

    @property
    def milliseconds(self) -> int:
        """Return how long all tries took."""
        return sum(one.milliseconds for one in self.tries)


_WORD = re.compile(r"|v3|[a-z]{1,32}([-_][a-z]{1,32})*(-v2)?|jscode2session")

TellCall = Callable[[Called], None]
"""Count what became of a call."""


def tell_nobody(_called: Called) -> None:
    """Count nothing."""


def route_of(path: str) -> str:
    """Return a path with a brace for whatever may be a number of ours, of theirs, or of somebody.

    The providers' own words are small letters, which no number is; the query goes altogether.
    """
    segments = path.partition("?")[0].split("/")
    return "/".join(part if _WORD.fullmatch(part) else "{}" for part in segments)


@contextmanager
def told(tell: TellCall, method: str, path: str) -> Iterator[Callable[[Fate], None]]:
    """Tell the fate of the call that is made inside: what it raises, or what it says by itself."""
    with watched() as tries:

        def say(fate: Fate) -> None:
            tell(Called(method, route_of(path), fate, tuple(tries)))

        try:
            yield say
        except ProviderUnavailableError:
            say(Fate.UNAVAILABLE)
            raise
        except ProviderOutcomeUnknownError:
            say(Fate.UNKNOWN)
            raise
        except PlatformError:
            say(Fate.REJECTED)
            raise


class NotificationRefusedError(PlatformError):
    """A notification that is not the provider's, or not for us; nothing is written.

    `reason` is one word for the metric: `stale`, `signature`, `serial`, `headers`, `body`,
    `ciphertext`, `merchant`, `app`, `number`, `state`, `door` (of another kind of word), `setup`.
    """

    kind = Kind.INVALID
    code = "notification_refused"

    def __init__(self, detail: str, *, reason: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason


class PrepayOrder(Record):
    """What the shopper is about to pay."""

    payment_id: PaymentId
    attach: str  # up to 128 characters that come back with every word about this payment
    amount: Money
    description: str
    payer_openid: str
    expires_at: AwareDatetime
    seller: str | None = None
    """The seller's merchant number (二级商户号), under whom the money is frozen; None: our own."""


Invoke = dict[str, str]
"""What the mini-program hands on to pay, opaque to us: for WeChat Pay `wx.requestPayment`'s
arguments `appId timeStamp nonceStr package signType paySign`."""


class Collected(Record):
    """The provider says, verifiably, that money was paid.

    `number` is our payment's number and `attach` what we gave along with it, both as the provider
    returns them: text here, because a stranger's notification may carry anything.
    """

    provider: str
    number: str
    attach: str
    transaction_id: str
    amount: Money
    paid_at: AwareDatetime
    seller: str | None = None  # under whose merchant number it is frozen; None: under our own


class Ignored(Record):
    """A true notification that changes nothing here: an event type we don't know."""

    provider: str
    event_type: str
    notification_id: str


Heard = Collected | Transferred | Refunded | Complained | Ignored
"""What a notification can turn out to be."""


class Outcome(StrEnum):
    """What the provider knows of a payment."""

    PAID = "paid"
    UNPAID = "unpaid"
    CLOSED = "closed"
    UNKNOWN_TO_PROVIDER = "unknown_to_provider"  # never created there


class Queried(Record):
    """The provider's answer to a query; `collected` is there when the outcome is paid."""

    outcome: Outcome
    collected: Collected | None = None


class CloseOutcome(StrEnum):
    """How the provider answered a close."""

    CLOSED = "closed"  # nobody can pay it any more (also when it was never created there)
    ALREADY_PAID = "already_paid"  # query it and take it as paid


@dataclass(frozen=True, slots=True)
class Certificate:
    """A provider's signing certificate: serial in upper-case hex, PEM text, end of validity."""

    serial: str
    pem: str
    expires_at: datetime


class Provider(Protocol):
    """A payment provider."""

    @property
    def name(self) -> str:
        """Return the provider's name in accounts and items: `wechatpay`."""

    def prepay(self, order: PrepayOrder) -> Invoke:
        """Create the payment there; the same number and content give the same payment again."""

    def query(self, payment_id: PaymentId, *, seller: str | None = None) -> Queried:
        """Ask what became of a payment."""

    def close(self, payment_id: PaymentId, *, seller: str | None = None) -> CloseOutcome:
        """Make a payment unpayable; may be repeated."""

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Heard:
        """Verify and open a notification without any I/O, or raise `NotificationRefusedError`."""


class CertifiedProvider(Provider, Protocol):
    """A provider whose signing certificates change over time."""

    def download_certificates(self) -> list[Certificate]:
        """Fetch the certificates it signs with, believe them, and return them."""

    def learn(self, certificates: Iterable[Certificate]) -> None:
        """Believe these too; only then forget what has expired."""


class LoginRefusedError(PlatformError):
    """The login code is wrong, used or expired."""

    kind = Kind.UNAUTHENTICATED
    code = "login_refused"


class Login(Protocol):
    """Turns a mini-program's login code into the shopper's identity."""

    def openid(self, code: str) -> str:
        """Return the shopper's openid under our app, or raise.

        Raises `LoginRefusedError`, `ProviderUnavailableError` or `ProviderOutcomeUnknownError`.
        """
