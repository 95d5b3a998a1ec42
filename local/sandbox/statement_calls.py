"""The calls of bills (账单): asked for by day, downloaded by a token, falsified for tests."""

import re
from collections.abc import Callable
from datetime import date

from local.sandbox.control import from_here
from local.sandbox.keys import SandboxKeys
from local.sandbox.merchant import queried
from local.sandbox.plan import BillPlan
from local.sandbox.prepay import parsed
from local.sandbox.statement import StatementKind
from local.sandbox.statements import Asked, Statements, no_statement
from local.sandbox.wire import Answer, Handler, Request, json_answer, param_error, strict_json

FILE = "/v3/billdownload/file"
TRADES = {
    "ALL": StatementKind.TRADE_ALL,
    "SUCCESS": StatementKind.TRADE_SUCCESS,
    "REFUND": StatementKind.TRADE_REFUND,
}
ACCOUNTS = {"BASIC", "OPERATION", "FEES"}
GZIP_TYPE = "application/x-gzip"
TEXT_TYPE = "text/plain; charset=utf-8"


class StatementCalls:
    """Bills over HTTP; a file is handed out unsigned."""

    def __init__(
        self,
        statements: Statements,
        *,
        keys: Callable[[], SandboxKeys],
        address: Callable[[Request], str],
    ) -> None:
        self._statements = statements
        self._keys = keys
        self._address = address

    def routes(self) -> dict[str, Handler]:
        """Return the calls."""
        return {
            "GET /v3/bill/tradebill": self._trade,
            "GET /v3/bill/fundflowbill": self._flow,
            "GET /v3/profitsharing/bills": self._shares,
            f"GET {FILE}": self._file,
            "GET /control/bills": from_here(self._list),
            "POST /control/bills": from_here(self._plant),
        }

    def _trade(self, request: Request) -> Answer:
        query = queried(request, ("bill_date",), ("bill_type", "tar_type", "sub_mchid"))
        bill_type = query.get("bill_type", "ALL")
        if bill_type not in TRADES:
            raise param_error("bill_type", "账单类型不支持", value=bill_type, location="query")
        return self._made(request, TRADES[bill_type], query)

    def _flow(self, request: Request) -> Answer:
        query = queried(request, ("bill_date",), ("account_type", "tar_type"))
        account = query.get("account_type", "BASIC")
        if account not in ACCOUNTS:
            raise param_error("account_type", "资金账户类型有误", value=account, location="query")
        if account != "BASIC":
            raise no_statement()  # nothing ever moves on the others
        return self._made(request, StatementKind.FUNDFLOW, query)

    def _shares(self, request: Request) -> Answer:
        query = queried(request, ("bill_date",), ("tar_type", "sub_mchid"))
        return self._made(request, StatementKind.SHARES, query)

    def _made(self, request: Request, kind: StatementKind, query: dict[str, str]) -> Answer:
        packed = query.get("tar_type")
        if packed not in {None, "GZIP"}:
            raise param_error("tar_type", "压缩类型有误", value=packed, location="query")
        made = self._statements.make(
            Asked(
                kind=kind,
                day=dated(query["bill_date"]),
                mch_id=self._keys().mch_id,
                sub_mchid=query.get("sub_mchid"),
                zipped=packed == "GZIP",
            )
        )
        url = f"{self._address(request)}{FILE}?token={made.token}"
        told = {"hash_type": "SHA1", "hash_value": made.hash_value, "download_url": url}
        return json_answer(200, told)

    def _file(self, request: Request) -> Answer:
        token = queried(request, ("token",))["token"]
        file = self._statements.file(token, self._keys().mch_id)
        return Answer(200, file.body, {"Content-Type": GZIP_TYPE if file.zipped else TEXT_TYPE})

    def _plant(self, request: Request) -> Answer:
        plan = parsed(BillPlan, strict_json(request.body))
        self._statements.plan(plan, self._keys().mch_id)
        return json_answer(200, plan.model_dump(mode="json"))

    def _list(self, request: Request) -> Answer:
        del request
        plans = [plan.model_dump(mode="json") for plan in self._statements.plans()]
        return json_answer(200, {"items": plans, "next": None})


def dated(text: str) -> date:
    """Read a `bill_date`."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise param_error("bill_date", "日期格式须为YYYY-MM-DD", value=text[:32], location="query")
