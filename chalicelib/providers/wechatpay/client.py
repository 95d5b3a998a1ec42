"""WeChat Pay behind the port.

Its desks (paying, funds, refunds, bills, complaints) are imported by whoever asks at them: a
notification starts without them.
"""

import threading
from collections.abc import Iterable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import PaymentId, Randomness
from chalicelib.providers.port import (
    Certificate,
    CloseOutcome,
    Heard,
    Invoke,
    PrepayOrder,
    Queried,
    TellCall,
    tell_nobody,
)
from chalicelib.providers.wechatpay import mapping
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.keys import KeyRing
from chalicelib.providers.wechatpay.notify import NotificationReader
from chalicelib.providers.wechatpay.sealed import SealKeys
from chalicelib.providers.wechatpay.signing import MerchantKey

if TYPE_CHECKING:
    from chalicelib.providers.transport import Downloads, Timeouts, Transport
    from chalicelib.providers.wechatpay.bills import WeChatBills
    from chalicelib.providers.wechatpay.complaints import WeChatComplaints
    from chalicelib.providers.wechatpay.exchange import Exchange
    from chalicelib.providers.wechatpay.funds import WeChatFunds
    from chalicelib.providers.wechatpay.paying import WeChatPaying
    from chalicelib.providers.wechatpay.refunds import WeChatRefunds

_CERTIFICATES = "/v3/certificates"


class WeChatPay:
    """One merchant's WeChat Pay (the port's `Provider`)."""

    name = mapping.NAME

    def __init__(
        self,
        account: WeChatPayAccount,
        *,
        transport: "Transport",
        clock: Clock,
        randomness: Randomness,
        certificates: Iterable[Certificate] = (),
        timeouts: "Timeouts | None" = None,
        tell: TellCall = tell_nobody,
    ) -> None:
        self._account = account
        self._clock = clock
        self._randomness = randomness
        self._seal_keys = SealKeys(account.api_v3_key, account.api_v3_key_previous)
        self._reader = NotificationReader(account, self._seal_keys)
        self._ring = _first_ring(account).add(certificates)
        self._ring_lock = threading.Lock()
        self._transport = transport
        self._timeouts = timeouts
        self._tell = tell
        if isinstance(account.private_key_pem, str):
            assert self._key, "a key that is at hand is tried at once"

    @cached_property
    def _exchange(self) -> "Exchange":
        """Return the way questions are asked; who is only told things asks none."""
        from chalicelib.providers.transport import Timeouts
        from chalicelib.providers.wechatpay.exchange import Exchange

        return Exchange(
            hosts=self._account.hosts,
            key=lambda: self._key,
            public_key_id=self._account.public_key_id,
            ring=lambda: self._ring,
            transport=self._transport,
            clock=self._clock,
            randomness=self._randomness,
            timeouts=self._timeouts or Timeouts(),
            tell=self._tell,
        )

    @property
    def _paying(self) -> "WeChatPaying":
        from chalicelib.providers.wechatpay.paying import WeChatPaying

        return WeChatPaying(self._account, self._exchange, self._clock, self._randomness)

    @cached_property
    def _key(self) -> MerchantKey:
        """Return the key we sign with; where nothing is ever signed, it is never fetched."""
        account, pem = self._account, self._account.private_key_pem
        return MerchantKey.load(
            mch_id=account.mch_id,
            serial_no=account.serial_no,
            pem=pem if isinstance(pem, str) else pem(),
        )

    @property
    def funds(self) -> "WeChatFunds":
        """Return the same merchant's sharing, unfreezing and paying out."""
        from chalicelib.providers.wechatpay.funds import WeChatFunds

        return WeChatFunds(self._account, self._exchange)

    @property
    def refunds(self) -> "WeChatRefunds":
        """Return the same merchant's refunds."""
        from chalicelib.providers.wechatpay.refunds import WeChatRefunds

        return WeChatRefunds(self._account, self._exchange)

    def bills(self, downloads: "Downloads") -> "WeChatBills":
        """Return the same merchant's bills."""
        from chalicelib.providers.wechatpay.bills import WeChatBills

        return WeChatBills(self._account, self._exchange, downloads)

    @property
    def complaints(self) -> "WeChatComplaints":
        """Return what payers complain of to the same merchant."""
        from chalicelib.providers.wechatpay.complaints import WeChatComplaints

        return WeChatComplaints(self._account, self._exchange)

    @property
    def serials(self) -> frozenset[str]:
        """Return the serials of the keys that are believed."""
        return self._ring.serials

    def learn(self, certificates: Iterable[Certificate]) -> None:
        """Believe these too; only then forget what has expired."""
        with self._ring_lock:
            ring = self._ring.add(certificates)
            self._ring = ring.without_expired(self._clock.protocol_now())

    def prepay(self, order: PrepayOrder) -> Invoke:
        """Create the payment (JSAPI下单), and sign what the mini-program starts it with."""
        return self._paying.prepay(order)

    def query(self, payment_id: PaymentId, *, seller: str | None = None) -> Queried:
        """Ask what became of a payment (查单)."""
        return self._paying.query(payment_id, seller=seller)

    def close(self, payment_id: PaymentId, *, seller: str | None = None) -> CloseOutcome:
        """Make a payment unpayable (关单)."""
        return self._paying.close(payment_id, seller=seller)

    def download_certificates(self) -> list[Certificate]:
        """Fetch the platform certificates (平台证书) and believe them; keep them for other starts.

        A merchant in public-key mode has none: an empty list, not an outage.
        """
        from chalicelib.providers.wechatpay.certificates import read_certificates
        from chalicelib.providers.wechatpay.exchange import Question, Refusal

        question = Question("GET", _CERTIFICATES, verified=False)
        certificates = self._exchange.ask(
            question,
            lambda answer: read_certificates(
                answer,
                seal_keys=self._seal_keys,
                ring=self._ring,
                now=self._clock.protocol_now(),
            ),
        )
        if not isinstance(certificates, Refusal):
            self.learn(certificates)
            return certificates
        if certificates.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return []
        raise certificates.error()

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Heard:
        """Verify and open a notification without any I/O."""
        now = self._clock.protocol_now()
        return self._reader.read(headers, body, ring=self._ring, now=now)


def _first_ring(account: WeChatPayAccount) -> KeyRing:
    if account.public_key_id is None or account.public_key_pem is None:
        return KeyRing()
    return KeyRing.of_public_key(account.public_key_id, account.public_key_pem)
