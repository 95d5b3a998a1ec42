"""The sandbox as one WSGI application."""

import logging
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from wsgiref.types import StartResponse, WSGIEnvironment

from local.sandbox.bills import Bill
from local.sandbox.book import Book
from local.sandbox.cashier import Cashier
from local.sandbox.complaints import ComplaintCalls
from local.sandbox.control import Control
from local.sandbox.faults import Fault, FaultKind, Faults, instead_of_work
from local.sandbox.gateway import Gateway
from local.sandbox.keys import SandboxKeys, keep
from local.sandbox.login import Login
from local.sandbox.messenger import Messenger
from local.sandbox.oidc import Issuer
from local.sandbox.openapi import document
from local.sandbox.orders import Seen
from local.sandbox.parcels import Parcels
from local.sandbox.partner import PartnerCalls
from local.sandbox.pushes import Pushes
from local.sandbox.refunds import Refunds
from local.sandbox.sharing_calls import SharingCalls
from local.sandbox.shipping_calls import ShippingCalls
from local.sandbox.statement_calls import StatementCalls
from local.sandbox.statements import Statements
from local.sandbox.timetable import Timetable
from local.sandbox.trades import Trades
from local.sandbox.transfer_calls import TransferCalls
from local.sandbox.transfers import Transfers
from local.sandbox.wire import Answer, RefusalError, Request, Routes, json_answer

SAVED_WITHIN = timedelta(seconds=1)
RETRIES = tuple(timedelta(seconds=s) for s in (1, 1, 2, 5, 10, 10, 10, *[15] * 8))
FAULTLESS = ("/control/", "/healthz", "/openapi.json")
NUMBER_IN_PATH = re.compile(r"/(?:out-trade-no|out-bill-no)/([^/]+)")
NUMBER_IN_BODY = re.compile(
    rb'"out_(?:trade|bill|order|refund)_no"\s*:\s*"([0-9A-Za-z_\-|*]{1,64})"'
)

logger = logging.getLogger(__name__)
Now = Callable[[], datetime]


def system_now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


class Sandbox:
    """WeChat Pay, WeChat's login and an OIDC issuer, played for one merchant.

    Without `data_dir` it forgets when it stops. `now` judges signatures and tokens;
    `business_now` (the same, unless given) judges expiry and dates payments.
    """

    def __init__(
        self,
        keys: SandboxKeys,
        *,
        now: Now = system_now,
        business_now: Now | None = None,
        data_dir: Path | str | None = None,
        base_url: str | None = None,
        retries: Sequence[timedelta] = RETRIES,
    ) -> None:
        self.keys = keys
        self._now = now
        self._data_dir = data_dir
        self._base_url = base_url
        self._lock = Lock()
        self._save_planned = False
        self._faults = Faults()
        self._timetable = Timetable()
        state = Path(data_dir) / "sandbox" / "state.json" if data_dir else None
        self._book = Book(state, changed=self._save_soon)
        self._messenger = Messenger(
            self._book, self._timetable, keys=self._current_keys, now=now, retries=retries
        )
        self._pushes = Pushes(self._current_keys, now=now)
        self._gateway, self._routes = self._rooms(business_now or now)
        self._messenger.resume()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or, when a fault says so, close the connection instead."""
        request = Request.from_environ(environ)
        fault = None if request.path.startswith(FAULTLESS) else self._faults.take(request)
        answer = self._answer(request, fault)
        dropped = fault is not None and fault.kind is FaultKind.DROP_ANSWER
        self._book.saw(
            Seen(
                at=self._now(),
                method=request.method,
                path=request.path,
                status=None if dropped else answer.status,
                number=self._number(request),
                fault=fault.kind if fault else None,
            )
        )
        if dropped:
            raise ConnectionAbortedError  # waitress closes the connection without a word
        start_response(answer.status_line, list(answer.headers.items()))
        return [answer.body]

    def hurry(self) -> None:
        """Begin nothing more in the background; end planned delays now."""
        self._timetable.close()

    def close(self) -> None:
        """Stop what runs in the background and save; what is due is taken up at the next start."""
        self._timetable.close()
        self._messenger.close()
        self._pushes.close()
        if self._data_dir:
            self._book.save()

    def _rooms(self, business_now: Now) -> tuple[Gateway, Routes]:
        """Return the gateway, and the table of everything that can be called."""
        keys = self._current_keys
        trades = Trades(self._book, now=business_now)
        transfers = Transfers(self._book, now=business_now, ended=self._tell_the_end)
        gateway = Gateway(self._book, trades, keys=keys, now=self._now)
        control = Control(self._book, trades, self._messenger, self._faults, rotate=self._rotate)
        sharing = SharingCalls(self._book, transfers, keys=keys, now=business_now)
        statements = Statements(self._book, now=business_now, token_now=self._now)
        parcels = Parcels(self._book, now=business_now)
        shipping = ShippingCalls(parcels, self._pushes, self._timetable, keys=keys, now=self._now)
        routes = {
            "GET /healthz": lambda _: json_answer(200, {"status": "ok"}),
            "GET /openapi.json": lambda request: json_answer(200, document(self._address(request))),
            **gateway.routes(),
            **PartnerCalls(trades, keys=keys).routes(),
            **Login(keys).routes(),
            **Issuer(keys=keys, now=self._now, base_url=self._address).routes(),
            **Cashier(trades, self._messenger).routes(),
            **control.routes(),
            **sharing.routes(),
            **shipping.routes(),
            **Refunds(self._book, self._messenger, keys=keys, now=business_now).routes(),
            **ComplaintCalls(self._book, self._messenger, keys=keys, now=business_now).routes(),
            **TransferCalls(transfers, self._messenger, keys=keys).routes(),
            **StatementCalls(statements, keys=keys, address=self._address).routes(),
        }
        return gateway, Routes(routes)

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        if fault and fault.delay_ms:
            self._timetable.pause(timedelta(milliseconds=fault.delay_ms))
        if request.path.startswith("/v3/"):
            answer = self._gateway.answer(request, lambda: self._worked(request), fault)
        else:
            answer = instead_of_work(fault.kind if fault else None) or self._plain(request)
        return answer.adding({"Request-ID": secrets.token_hex(16).upper()})

    def _plain(self, request: Request) -> Answer:
        try:
            return self._worked(request)
        except RefusalError as refusal:
            return refusal.answer()

    def _worked(self, request: Request) -> Answer:
        try:
            return self._routes.find(request)()
        except RefusalError:
            raise
        except Exception as bug:
            logger.exception("%s %s failed", request.method, request.path)
            raise RefusalError(500, "SYSTEM_ERROR", "系统异常，请稍后重试") from bug

    def _number(self, request: Request) -> str | None:
        """Return the merchant's number that a request is about, wherever it stands."""
        if in_path := NUMBER_IN_PATH.search(request.path):
            return in_path[1]
        if in_body := NUMBER_IN_BODY.search(request.body):
            return in_body[1].decode()
        last = request.path.rpartition("/")[2]
        found = self._book.order_by_transaction_id(last) or self._book.order_by_prepay_id(last)
        return found.out_trade_no if found else None

    def _tell_the_end(self, bill: Bill) -> None:
        """Tell of what time has ended: in the background, for the merchant may be asking."""
        notice = self._messenger.transfer_notice(bill)
        self._messenger.send_later(notice, times=1, delay=timedelta())

    def _current_keys(self) -> SandboxKeys:
        return self.keys

    def _rotate(self) -> str:
        with self._lock:
            self.keys = self.keys.rotated(self._now())
            if self._data_dir:
                keep(self._data_dir, self.keys)
            return self.keys.platform[-1].serial_no

    def _address(self, request: Request) -> str:
        return self._base_url or f"http://{request.header('Host')}"

    def _save_soon(self) -> None:
        with self._lock:
            if self._save_planned or not self._data_dir:
                return
            self._save_planned = True
        self._timetable.after(SAVED_WITHIN, self._save)

    def _save(self) -> None:
        with self._lock:
            self._save_planned = False
        self._book.save()


build = Sandbox
"""Build the application: the name by which tests and runners ask for it."""
