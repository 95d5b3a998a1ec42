"""The calls of profit sharing: APIv3's own, and the control calls about money."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.sandbox.book import Book
from local.sandbox.control import from_here
from local.sandbox.funds import money
from local.sandbox.keys import SandboxKeys
from local.sandbox.merchant import check_app, queried
from local.sandbox.prepay import Form, parsed
from local.sandbox.shares import (
    FailReason,
    ReceiverForm,
    ReceiverGone,
    ReturnForm,
    SplitForm,
    UnfreezeForm,
)
from local.sandbox.sharing import Sharing
from local.sandbox.transfers import Transfers
from local.sandbox.wire import Answer, Handler, Request, json_answer, strict_json

ROOT = "/v3/profitsharing"


class Failing(Form):
    """Why shares to an account fail from now on; null: they don't."""

    fail_reason: FailReason | None


class SharingCalls:
    """Profit sharing over HTTP."""

    def __init__(
        self,
        book: Book,
        transfers: Transfers,
        *,
        keys: Callable[[], SandboxKeys],
        now: Callable[[], datetime],
    ) -> None:
        self._book = book
        self._sharing = Sharing(book, now=now)
        self._transfers = transfers
        self._keys = keys
        self._now = now

    def routes(self) -> dict[str, Handler]:
        """Return the calls; `unfreeze` is posted, so no number hides it."""
        return {
            f"POST {ROOT}/receivers/add": self._add,
            f"POST {ROOT}/receivers/delete": self._remove,
            f"POST {ROOT}/orders": self._share,
            f"POST {ROOT}/orders/unfreeze": self._unfreeze,
            f"GET {ROOT}/orders/{{number}}": self._look,
            f"GET {ROOT}/transactions/{{transaction_id}}/amounts": self._amounts,
            f"POST {ROOT}/return-orders": self._take_back,
            f"GET {ROOT}/return-orders/{{number}}": self._look_back,
            "GET /control/money": from_here(self._money),
            "POST /control/shares/{account}": from_here(self._fail),
        }

    def _add(self, request: Request) -> Answer:
        asked = parsed(ReceiverForm, strict_json(request.body))
        check_app(self._keys(), asked.appid)
        self._sharing.add(asked)
        return json_answer(200, _told(asked))

    def _remove(self, request: Request) -> Answer:
        asked = parsed(ReceiverGone, strict_json(request.body))
        check_app(self._keys(), asked.appid)
        self._sharing.remove(asked)
        return json_answer(200, _told(asked))

    def _share(self, request: Request) -> Answer:
        asked = parsed(SplitForm, strict_json(request.body))
        check_app(self._keys(), asked.appid)
        return json_answer(200, self._sharing.share(asked).told())

    def _unfreeze(self, request: Request) -> Answer:
        asked = parsed(UnfreezeForm, strict_json(request.body))
        return json_answer(200, self._sharing.unfreeze(asked).told())

    def _look(self, request: Request, number: str) -> Answer:
        asked = queried(request, ("transaction_id",), ("sub_mchid",))
        split = self._sharing.look(number, asked["transaction_id"], asked.get("sub_mchid"))
        return json_answer(200, split.told())

    def _amounts(self, request: Request, transaction_id: str) -> Answer:
        queried(request)
        unsplit = self._sharing.unsplit(transaction_id)
        return json_answer(200, {"transaction_id": transaction_id, "unsplit_amount": unsplit})

    def _take_back(self, request: Request) -> Answer:
        asked = parsed(ReturnForm, strict_json(request.body))
        return json_answer(200, self._sharing.take_back(asked).told())

    def _look_back(self, request: Request, number: str) -> Answer:
        asked = queried(request, ("out_order_no",), ("sub_mchid",))
        back = self._sharing.look_back(number, asked["out_order_no"], asked.get("sub_mchid"))
        return json_answer(200, back.told())

    def _money(self, request: Request) -> Answer:
        del request
        transfers = [bill.queried() for bill in self._transfers.bills()]
        held = money(self._book, self._now())
        return json_answer(200, {"transactions": held, "transfers": transfers})

    def _fail(self, request: Request, account: str) -> Answer:
        reason = parsed(Failing, strict_json(request.body)).fail_reason
        with self._book.lock:
            failing = {**self._book.preferences.failing}
            failing.pop(account, None)
            if reason:
                failing[account] = reason
            self._book.prefer(self._book.preferences.evolve(failing=failing))
        return json_answer(200, {"account": account, "fail_reason": reason})


def _told(asked: ReceiverGone) -> dict[str, Any]:
    return asked.model_dump(exclude={"appid", "sub_appid"}, exclude_none=True)
