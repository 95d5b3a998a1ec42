"""WeChat Pay behind the port."""

import threading
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode

from chalicelib.kernel.clock import Clock, milliseconds
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
from chalicelib.providers.transport import (
    ANSWER_BYTES_MAX,
    Answer,
    Downloads,
    Timeouts,
    Transport,
)
from chalicelib.providers.wechatpay import mapping
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.bills import WeChatBills
from chalicelib.providers.wechatpay.certificates import read_certificates
from chalicelib.providers.wechatpay.complaints import WeChatComplaints
from chalicelib.providers.wechatpay.exchange import NONCE_BYTES, Exchange, Question, Refusal
from chalicelib.providers.wechatpay.funds import WeChatFunds
from chalicelib.providers.wechatpay.keys import KeyRing
from chalicelib.providers.wechatpay.notify import NotificationReader
from chalicelib.providers.wechatpay.refunds import WeChatRefunds
from chalicelib.providers.wechatpay.sealed import SealKeys
from chalicelib.providers.wechatpay.signing import MerchantKey

_PAY = "/v3/pay/transactions"
_PARTNER_PAY = "/v3/pay/partner/transactions"
_CERTIFICATES = "/v3/certificates"

Reading = TypeVar("Reading")


class WeChatPay:
    """One merchant's WeChat Pay (the port's `Provider`)."""

    name = mapping.NAME

    def __init__(
        self,
        account: WeChatPayAccount,
        *,
        transport: Transport,
        clock: Clock,
        randomness: Randomness,
        certificates: Iterable[Certificate] = (),
        timeouts: Timeouts | None = None,
        tell: TellCall = tell_nobody,
    ) -> None:
        self._account = account
        self._clock = clock
        self._randomness = randomness
        self._key = MerchantKey.load(
            mch_id=account.mch_id, serial_no=account.serial_no, pem=account.private_key_pem
        )
        self._seal_keys = SealKeys(account.api_v3_key, account.api_v3_key_previous)
        self._reader = NotificationReader(account, self._seal_keys)
        self._ring = _first_ring(account).add(certificates)
        self._ring_lock = threading.Lock()
        self._exchange = Exchange(
            hosts=account.hosts,
            key=self._key,
            public_key_id=account.public_key_id,
            ring=lambda: self._ring,
            transport=transport,
            clock=clock,
            randomness=randomness,
            timeouts=timeouts or Timeouts(),
            tell=tell,
        )

    @property
    def funds(self) -> WeChatFunds:
        """Return the same merchant's sharing, unfreezing and paying out."""
        return WeChatFunds(self._account, self._exchange)

    @property
    def refunds(self) -> WeChatRefunds:
        """Return the same merchant's refunds."""
        return WeChatRefunds(self._account, self._exchange)

    def bills(self, downloads: Downloads) -> WeChatBills:
        """Return the same merchant's bills."""
        return WeChatBills(self._account, self._exchange, downloads)

    @property
    def complaints(self) -> WeChatComplaints:
        """Return what payers complain of to the same merchant."""
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
        path = _PAY if order.seller is None else _PARTNER_PAY
        question = Question("POST", f"{path}/jsapi", mapping.prepay_body(order, self._account))
        prepay_id = self._ask(question, lambda answer: mapping.prepay_id_in(_fields(answer)))
        if isinstance(prepay_id, Refusal):
            raise prepay_id.error()
        return self._invoke(prepay_id)

    def query(self, payment_id: PaymentId, *, seller: str | None = None) -> Queried:
        """Ask what became of a payment (查单)."""
        query = urlencode(self._who(seller))
        question = Question("GET", f"{_number(payment_id, seller)}?{query}")
        queried = self._ask(
            question,
            lambda answer: mapping.queried(
                _fields(answer), asked=payment_id, account=self._account, seller=seller
            ),
        )
        if not isinstance(queried, Refusal):
            return queried
        refused = mapping.query_refused(status=queried.status, code=queried.code)
        if refused is None:
            raise queried.error()
        return refused

    def close(self, payment_id: PaymentId, *, seller: str | None = None) -> CloseOutcome:
        """Make a payment unpayable (关单)."""
        body = mapping.compact(self._who(seller))
        question = Question("POST", f"{_number(payment_id, seller)}/close", body)
        closed = self._ask(question, lambda _: CloseOutcome.CLOSED)
        if not isinstance(closed, Refusal):
            return closed
        refused = mapping.close_refused(status=closed.status, code=closed.code)
        if refused is None:
            raise closed.error()
        return refused

    def download_certificates(self) -> list[Certificate]:
        """Fetch the platform certificates (平台证书) and believe them; keep them for other starts.

        A merchant in public-key mode has none: an empty list, not an outage.
        """
        question = Question("GET", _CERTIFICATES, verified=False)
        certificates = self._ask(
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

    def _ask(self, question: Question, read: Callable[[Answer], Reading]) -> Reading | Refusal:
        return self._exchange.ask(question, read)

    def _invoke(self, prepay_id: str) -> Invoke:
        timestamp = milliseconds(self._clock.protocol_now()) // 1000
        nonce = self._randomness(NONCE_BYTES).hex().upper()
        package = f"prepay_id={prepay_id}"
        return {
            "appId": self._account.app_id,
            "timeStamp": str(timestamp),
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._key.pay_sign(
                app_id=self._account.app_id, timestamp=timestamp, nonce=nonce, package=package
            ),
        }

    def _who(self, seller: str | None) -> Mapping[str, str]:
        if seller is None:
            return {"mchid": self._account.mch_id}
        return {"sp_mchid": self._account.mch_id, "sub_mchid": seller}


def _number(payment_id: PaymentId, seller: str | None) -> str:
    path = _PAY if seller is None else _PARTNER_PAY
    return f"{path}/out-trade-no/{quote(payment_id, safe='')}"


def _first_ring(account: WeChatPayAccount) -> KeyRing:
    if account.public_key_id is None or account.public_key_pem is None:
        return KeyRing()
    return KeyRing.of_public_key(account.public_key_id, account.public_key_pem)


def _fields(answer: Answer) -> Mapping[str, object]:
    return mapping.object_in(answer.body, bytes_max=ANSWER_BYTES_MAX)
