"""The real protocol for a sample of seeds: our client, our verifier, RSA and AES-GCM, no network.

The gateway behind the transport keeps the simulated provider's books and signs its answers. The
same faults strike, one level lower: a request that was not sent, an answer that never came.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from benchmarks.signed import notification, signed_headers
from chalicelib.kernel.clock import milliseconds
from chalicelib.kernel.ids import PaymentId
from chalicelib.kernel.money import fen
from chalicelib.providers.port import (
    CloseOutcome,
    Collected,
    Outcome,
    PrepayOrder,
    ProviderRejectedError,
    Queried,
)
from chalicelib.providers.transport import Answer, NoAnswerError, NotSentError, Timeouts
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.client import WeChatPay
from local.sandbox.keys import SandboxKeys, public_text
from tests.simulation.ports import Fault, SimulatedProvider

Reply = tuple[int, dict[str, Any]]
_STATES = {Outcome.PAID: "SUCCESS", Outcome.UNPAID: "NOTPAY", Outcome.CLOSED: "CLOSED"}


class RealWire:
    """Our client on one end, the provider's books on the other."""

    def __init__(self, keys: SandboxKeys, books: SimulatedProvider) -> None:
        self._keys = keys
        self._books = books
        self._world = books.outside.world
        account = WeChatPayAccount(
            mch_id=keys.mch_id,
            app_id=keys.app_id,
            serial_no=keys.merchant_serial_no,
            private_key_pem=keys.merchant_private_key,
            api_v3_key=keys.api_v3_key,
            public_key_id=keys.public_key_id,
            public_key_pem=public_text(keys.public_key_private),
            base_url="https://gateway.example",
            notify_url="https://house.example/v1/notifications/wechatpay",
        )
        self.client = WeChatPay(account, transport=self, clock=self._world, randomness=os.urandom)

    def over(self, word: Collected) -> Collected:
        """Return what we read of a word after it came signed and sealed."""
        total = word.amount.amount
        sent = notification(
            self._keys,
            payment_id=word.number,
            attach=word.attach,
            total=total,
            timestamp=self._timestamp(),
            transaction_id=word.transaction_id,
            success_time=word.paid_at.isoformat(timespec="seconds"),
            amount={"total": total, "payer_total": total, "currency": word.amount.currency},
        )
        heard = self.client.read_notification(sent.headers, sent.body)
        assert isinstance(heard, Collected)
        assert heard == word.evolve(paid_at=heard.paid_at), "nothing is lost on the wire"
        return heard

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Answer:
        """Play the gateway (our client's `Transport`)."""
        assert headers["Authorization"].startswith("WECHATPAY2-SHA256-RSA2048 ")
        assert timeouts.total_seconds > 0
        name, effect = self._meant(method, urlsplit(url).path, body)
        errors: dict[Fault, Exception] = {
            Fault.FAIL: NotSentError("not sent"),
            Fault.SILENT: NoAnswerError("silence"),
            Fault.LOST: NoAnswerError("silence"),
        }
        if name == "prepay":
            errors[Fault.REJECT] = _SaysNoError()
        try:
            reply = self._books.outside.call("provider", name, effect, errors)
        except _SaysNoError:
            reply = 400, {"code": "PARAM_ERROR", "message": "no"}
        return self._signed(reply)

    def _meant(self, method: str, path: str, body: bytes) -> tuple[str, Callable[[], Reply]]:
        if path.endswith("/jsapi"):
            return "prepay", lambda: self._prepay(json.loads(body))
        number = PaymentId(path.removesuffix("/close").rpartition("/")[2])
        if method == "POST":
            return "close", lambda: self._close(number)
        return "query", lambda: self._query(number)

    def _prepay(self, asked: dict[str, Any]) -> Reply:
        order = PrepayOrder(
            payment_id=PaymentId(asked["out_trade_no"]),
            attach=asked["attach"],
            amount=fen(asked["amount"]["total"]),
            description=asked["description"],
            payer_openid=asked["payer"]["openid"],
            expires_at=datetime.fromisoformat(asked["time_expire"]),
        )
        try:
            self._books.book_prepay(order)
        except ProviderRejectedError as rejected:
            return 400, {"code": rejected.facts["provider_code"], "message": "no"}
        return 200, {"prepay_id": f"wx{order.payment_id}"}

    def _query(self, number: PaymentId) -> Reply:
        queried = self._books.book_query(number)
        if queried.outcome is Outcome.UNKNOWN_TO_PROVIDER:
            return 404, {"code": "ORDER_NOT_EXIST", "message": "no"}
        trade = {"out_trade_no": number, "trade_state": _STATES[queried.outcome]}
        return 200, trade | self._paid(queried)

    def _paid(self, queried: Queried) -> dict[str, Any]:
        word = queried.collected
        if word is None:
            return {}
        total = word.amount.amount
        return {
            "mchid": self._keys.mch_id,
            "appid": self._keys.app_id,
            "transaction_id": word.transaction_id,
            "attach": word.attach,
            "success_time": word.paid_at.isoformat(timespec="seconds"),
            "amount": {"total": total, "payer_total": total, "currency": word.amount.currency},
        }

    def _close(self, number: PaymentId) -> Reply:
        if self._books.book_close(number) is CloseOutcome.ALREADY_PAID:
            return 400, {"code": "ORDER_PAID", "message": "paid"}
        return 204, {}

    def _signed(self, reply: Reply) -> Answer:
        status, document = reply
        body = json.dumps(document).encode() if document else b""
        return Answer(status, signed_headers(self._keys, body, self._timestamp()), body)

    def _timestamp(self) -> int:
        return milliseconds(self._world.protocol_now()) // 1000


class _SaysNoError(Exception):
    """The gateway refuses, having done it all the same."""
