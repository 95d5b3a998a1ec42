"""Paying at WeChat Pay: creating a payment, asking what became of it, closing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from chalicelib.kernel.clock import Clock, milliseconds
from chalicelib.kernel.ids import PaymentId, Randomness
from chalicelib.providers.port import CloseOutcome, Invoke, PrepayOrder, Queried
from chalicelib.providers.transport import ANSWER_BYTES_MAX, Answer
from chalicelib.providers.wechatpay import mapping
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.exchange import NONCE_BYTES, Exchange, Question, Refusal

_PAY = "/v3/pay/transactions"
_PARTNER_PAY = "/v3/pay/partner/transactions"


@dataclass(frozen=True, slots=True)
class WeChatPaying:
    """One merchant's payments."""

    account: WeChatPayAccount
    exchange: Exchange
    clock: Clock
    randomness: Randomness

    def prepay(self, order: PrepayOrder) -> Invoke:
        """Create the payment (JSAPI下单), and sign what the mini-program starts it with."""
        path = _PAY if order.seller is None else _PARTNER_PAY
        question = Question("POST", f"{path}/jsapi", mapping.prepay_body(order, self.account))
        prepay_id = self.exchange.ask(
            question, lambda answer: mapping.prepay_id_in(_fields(answer))
        )
        if isinstance(prepay_id, Refusal):
            raise prepay_id.error()
        return self._invoke(prepay_id)

    def query(self, payment_id: PaymentId, *, seller: str | None = None) -> Queried:
        """Ask what became of a payment (查单)."""
        query = urlencode(self._who(seller))
        question = Question("GET", f"{_number(payment_id, seller)}?{query}")
        queried = self.exchange.ask(
            question,
            lambda answer: mapping.queried(
                _fields(answer), asked=payment_id, account=self.account, seller=seller
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
        closed = self.exchange.ask(question, lambda _: CloseOutcome.CLOSED)
        if not isinstance(closed, Refusal):
            return closed
        refused = mapping.close_refused(status=closed.status, code=closed.code)
        if refused is None:
            raise closed.error()
        return refused

    def _invoke(self, prepay_id: str) -> Invoke:
        timestamp = milliseconds(self.clock.protocol_now()) // 1000
        nonce = self.randomness(NONCE_BYTES).hex().upper()
        package = f"prepay_id={prepay_id}"
        return {
            "appId": self.account.app_id,
            "timeStamp": str(timestamp),
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self.exchange.key().pay_sign(
                app_id=self.account.app_id, timestamp=timestamp, nonce=nonce, package=package
            ),
        }

    def _who(self, seller: str | None) -> Mapping[str, str]:
        if seller is None:
            return {"mchid": self.account.mch_id}
        return {"sp_mchid": self.account.mch_id, "sub_mchid": seller}


def _number(payment_id: PaymentId, seller: str | None) -> str:
    path = _PAY if seller is None else _PARTNER_PAY
    return f"{path}/out-trade-no/{quote(payment_id, safe='')}"


def _fields(answer: Answer) -> Mapping[str, object]:
    return mapping.object_in(answer.body, bytes_max=ANSWER_BYTES_MAX)
