"""A partner's calls (服务商模式): payments that a sub-merchant takes, asked for by its partner."""

from collections.abc import Callable

from local.sandbox.keys import SandboxKeys
from local.sandbox.merchant import check_app, check_merchant, queried
from local.sandbox.prepay import PartnerClose, PartnerPrepay, parsed
from local.sandbox.trades import Trades
from local.sandbox.wire import Answer, Handler, Request, json_answer, strict_json

TRANSACTIONS = "/v3/pay/partner/transactions"


class PartnerCalls:
    """The caller is the partner; a number is found under its own sub-merchant alone."""

    def __init__(self, trades: Trades, *, keys: Callable[[], SandboxKeys]) -> None:
        self._trades = trades
        self._keys = keys

    def routes(self) -> dict[str, Handler]:
        """Return the calls."""
        return {
            f"POST {TRANSACTIONS}/jsapi": self._prepay,
            f"GET {TRANSACTIONS}/out-trade-no/{{number}}": self._query,
            f"GET {TRANSACTIONS}/id/{{number}}": self._query_transaction,
            f"POST {TRANSACTIONS}/out-trade-no/{{number}}/close": self._close,
        }

    def _prepay(self, request: Request) -> Answer:
        asked = parsed(PartnerPrepay, strict_json(request.body))
        check_merchant(self._keys(), asked.sp_mchid, field="/sp_mchid", location="body")
        check_app(self._keys(), asked.sp_appid)
        return json_answer(200, {"prepay_id": self._trades.prepay(asked).prepay_id})

    def _query(self, request: Request, number: str) -> Answer:
        order = self._trades.query_of(number, self._sub_mchid(request))
        return json_answer(200, order.transaction())

    def _query_transaction(self, request: Request, number: str) -> Answer:
        order = self._trades.query_transaction(number, self._sub_mchid(request))
        return json_answer(200, order.transaction())

    def _close(self, request: Request, number: str) -> Answer:
        asked = parsed(PartnerClose, strict_json(request.body))
        check_merchant(self._keys(), asked.sp_mchid, field="/sp_mchid", location="body")
        self._trades.close(number, asked.sub_mchid)
        return Answer(204)

    def _sub_mchid(self, request: Request) -> str:
        asked = queried(request, ("sp_mchid", "sub_mchid"))
        check_merchant(self._keys(), asked["sp_mchid"], field="sp_mchid", location="query")
        return asked["sub_mchid"]
