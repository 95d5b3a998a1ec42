"""WeChat Pay's own routes: every request is verified, all but a 401 and a file is signed."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from local.sandbox.book import Book
from local.sandbox.faults import Fault, FaultKind, instead_of_work
from local.sandbox.keys import PlatformCertificate, SandboxKeys
from local.sandbox.merchant import check_app, check_merchant, queried
from local.sandbox.orders import china_time
from local.sandbox.prepay import Close, Prepay, parsed
from local.sandbox.signing import (
    SIGNTEST,
    answer_serial,
    encrypted,
    signed_headers,
    spoiled,
    verify_request,
)
from local.sandbox.trades import Trades
from local.sandbox.wire import (
    Answer,
    Handler,
    RefusalError,
    Request,
    json_answer,
    strict_json,
)

TRANSACTIONS = "/v3/pay/transactions"
UNSIGNED = ("/v3/billdownload/file",)  # a file's hash was told before, in a signed answer


class Gateway:
    """The APIv3 server of one merchant."""

    def __init__(
        self,
        book: Book,
        trades: Trades,
        *,
        keys: Callable[[], SandboxKeys],
        now: Callable[[], datetime],
    ) -> None:
        self._book = book
        self._trades = trades
        self._keys = keys
        self._now = now

    def routes(self) -> dict[str, Handler]:
        """Return the calls of APIv3 that the sandbox knows."""
        return {
            f"POST {TRANSACTIONS}/jsapi": self._prepay,
            f"GET {TRANSACTIONS}/out-trade-no/{{number}}": self._query,
            f"GET {TRANSACTIONS}/id/{{number}}": self._query_transaction,
            f"POST {TRANSACTIONS}/out-trade-no/{{number}}/close": self._close,
            "GET /v3/certificates": self._certificates,
        }

    def answer(
        self, request: Request, work: Callable[[], Answer], fault: Fault | None = None
    ) -> Answer:
        """Verify, work, sign; with a fault, as badly as was planned."""
        kind = fault.kind if fault else None
        if kind is FaultKind.HTML_502:
            return instead_of_work(kind) or Answer(502)
        try:
            answer = instead_of_work(kind) or self._verified(request, work)
        except RefusalError as refusal:
            answer = refusal.answer()
        if answer.status == HTTPStatus.UNAUTHORIZED or kind is FaultKind.UNSIGNED:
            return answer  # a 401 is unsigned: it isn't known who asks
        if request.path in UNSIGNED and kind not in {FaultKind.BAD_SIGNATURE, FaultKind.SIGNTEST}:
            return answer
        return self._signed(request, answer, kind)

    def _verified(self, request: Request, work: Callable[[], Answer]) -> Answer:
        if not (request.header("Accept") and request.header("User-Agent")):
            raise RefusalError(400, "PARAM_ERROR", "Http头缺少Accept或User-Agent")
        verify_request(request, self._keys(), self._now())
        answer_serial(request, self._keys())
        is_json = request.header("Content-Type").lower().startswith("application/json")
        if request.body and not is_json:
            raise RefusalError(400, "PARAM_ERROR", "Http头Content-Type须为application/json")
        return work()

    def _signed(self, request: Request, answer: Answer, kind: FaultKind | None) -> Answer:
        keys = self._keys()
        try:
            serial = answer_serial(request, keys)
        except RefusalError:
            serial = keys.platform[-1].serial_no
        headers = signed_headers(keys, self._now(), answer.body, serial=serial)
        if kind is FaultKind.BAD_SIGNATURE:
            headers = spoiled(headers)
        if kind is FaultKind.SIGNTEST:
            headers = spoiled(headers, prefix=SIGNTEST)
        return answer.adding(headers)

    def _prepay(self, request: Request) -> Answer:
        asked = parsed(Prepay, strict_json(request.body))
        check_merchant(self._keys(), asked.mchid, field="/mchid", location="body")
        check_app(self._keys(), asked.appid)
        return json_answer(200, {"prepay_id": self._trades.prepay(asked).prepay_id})

    def _query(self, request: Request, number: str) -> Answer:
        self._asked_by_us(request)
        return json_answer(200, self._trades.query_of(number, None).transaction())

    def _query_transaction(self, request: Request, number: str) -> Answer:
        self._asked_by_us(request)
        return json_answer(200, self._trades.query_transaction(number).transaction())

    def _close(self, request: Request, number: str) -> Answer:
        asked = parsed(Close, strict_json(request.body))
        check_merchant(self._keys(), asked.mchid, field="/mchid", location="body")
        self._trades.close(number)
        return Answer(204)

    def _certificates(self, request: Request) -> Answer:
        del request
        if not self._book.preferences.certificates_listed:
            raise RefusalError(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书")
        listed = [self._sealed(each) for each in self._keys().platform]
        return json_answer(200, {"data": listed})

    def _sealed(self, each: PlatformCertificate) -> dict[str, object]:
        return {
            "serial_no": each.serial_no,
            "effective_time": china_time(each.effective_time),
            "expire_time": china_time(each.expire_time),
            "encrypt_certificate": encrypted(
                self._keys(), each.certificate.encode(), "certificate"
            ),
        }

    def _asked_by_us(self, request: Request) -> None:
        mchid = queried(request, ("mchid",))["mchid"]
        check_merchant(self._keys(), mchid, field="mchid", location="query")
