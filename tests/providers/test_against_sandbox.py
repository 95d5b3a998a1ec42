"""The client against the sandbox, a second reading of the protocol, over loopback HTTP."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from typing_extensions import override

from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import PaymentId
from chalicelib.kernel.money import fen
from chalicelib.providers.complaints import Complained, Complaint, ComplaintStatus
from chalicelib.providers.port import (
    CloseOutcome,
    Collected,
    LoginRefusedError,
    NotificationRefusedError,
    Outcome,
    PrepayOrder,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
    Queried,
)
from chalicelib.providers.transport import Timeouts, UrllibTransport
from chalicelib.providers.wechat.login import WeChatLogin
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.client import WeChatPay
from local.sandbox import SandboxKeys, build, environment, serve
from tests.providers import far_side as far

TIMEOUTS = Timeouts(connect_seconds=2, read_seconds=1, total_seconds=8)
TRANSPORT = UrllibTransport(SystemClock())


@dataclass
class Letterbox:
    """A tiny receiver at our notify_url: it keeps what comes, as it came."""

    letters: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@dataclass(frozen=True)
class Side:
    """A running sandbox and everything to reach it."""

    address: str
    settings: dict[str, str]
    letterbox: Letterbox

    def pay(self, **changes: Any) -> WeChatPay:
        facts: dict[str, Any] = {
            "mch_id": self.settings["WECHATPAY_MCH_ID"],
            "app_id": self.settings["WECHATPAY_APP_ID"],
            "serial_no": self.settings["WECHATPAY_SERIAL_NO"],
            "private_key_pem": self.settings["WECHATPAY_PRIVATE_KEY"],
            "api_v3_key": self.settings["WECHATPAY_API_V3_KEY"],
            "public_key_id": self.settings["WECHATPAY_PUBLIC_KEY_ID"],
            "public_key_pem": self.settings["WECHATPAY_PUBLIC_KEY"],
            "base_url": self.address,
            "notify_url": self.letterbox.url,
        }
        return WeChatPay(
            WeChatPayAccount(**(facts | changes)),
            transport=TRANSPORT,
            clock=SystemClock(),
            randomness=os.urandom,
            timeouts=TIMEOUTS,
        )

    def login(self, **changes: Any) -> WeChatLogin:
        facts: dict[str, Any] = {
            "app_id": self.settings["WECHATPAY_APP_ID"],
            "app_secret": self.settings["WECHAT_APP_SECRET"],
        }
        return WeChatLogin(base_url=self.address, transport=TRANSPORT, **(facts | changes))

    def control(self, verb: str, **asked: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        url, body = f"{self.address}/control/{verb}", json.dumps(asked).encode()
        answer = TRANSPORT.send("POST", url, headers, body, TIMEOUTS)
        assert answer.status == 200, answer.body
        told = json.loads(answer.body)
        assert isinstance(told, dict)
        return told

    def fault(self, kind: str, *, times: int = 1, path: str = "/v3/", **more: Any) -> None:
        self.control("faults", kind=kind, times=times, path=path, **more)

    def told(self, payment_id: PaymentId, **asked: Any) -> tuple[dict[str, str], bytes]:
        """Let the payer pay, and return the notification as it was delivered."""
        self.control("pay", out_trade_no=payment_id, **asked)
        return self.letterbox.letters[-1]


@pytest.fixture(scope="module")
def letterbox() -> Iterator[Letterbox]:
    box = Letterbox()

    class Slot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box.letters.append((dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Slot)
    box.url = f"http://127.0.0.1:{server.server_port}/v1/notifications/wechatpay"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield box
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def running(letterbox: Letterbox) -> Iterator[Side]:
    keys = SandboxKeys.generate(datetime.now(UTC))
    server, address = serve(build(keys))
    yield Side(address, environment(keys, address), letterbox)
    server.stop()


@pytest.fixture
def side(running: Side) -> Side:
    """The sandbox, with nothing planned and nothing preferred."""
    running.control("reset")
    running.control("settings", sign_with="public_key", certificates_listed=True)
    running.letterbox.letters.clear()
    return running


def new_order(**changes: Any) -> PrepayOrder:
    now = datetime.now(UTC)
    at_ms = int(now.timestamp() * 1000)
    facts: dict[str, Any] = {
        "payment_id": PaymentId.mint(at_ms=at_ms, randomness=os.urandom),
        "expires_at": now + timedelta(minutes=30),
    }
    return far.prepay_order(**(facts | changes))


def test_a_payment_from_prepay_to_paid(side: Side) -> None:
    pay, order = side.pay(), new_order()
    assert pay.query(order.payment_id) == Queried(outcome=Outcome.UNKNOWN_TO_PROVIDER)
    invoke = pay.prepay(order)
    assert pay.prepay(order)["package"] == invoke["package"]
    assert pay.query(order.payment_id) == Queried(outcome=Outcome.UNPAID)
    collected = pay.read_notification(*side.told(order.payment_id))
    assert isinstance(collected, Collected)
    assert (collected.number, collected.attach) == (order.payment_id, order.attach)
    assert collected.amount == fen(1999)
    assert pay.query(order.payment_id) == Queried(outcome=Outcome.PAID, collected=collected)
    assert pay.close(order.payment_id) is CloseOutcome.ALREADY_PAID


def test_the_same_number_with_other_content_is_refused(side: Side) -> None:
    pay, order = side.pay(), new_order()
    pay.prepay(order)
    with pytest.raises(ProviderRejectedError) as caught:
        pay.prepay(order.evolve(amount=fen(2000)))
    assert caught.value.facts["provider_code"] == "INVALID_REQUEST"
    assert caught.value.facts["provider_request_id"]


def test_a_payment_closed(side: Side) -> None:
    pay, order = side.pay(), new_order()
    assert pay.close(order.payment_id) is CloseOutcome.CLOSED  # never created there
    pay.prepay(order)
    assert pay.close(order.payment_id) is CloseOutcome.CLOSED
    assert pay.close(order.payment_id) is CloseOutcome.CLOSED
    assert pay.query(order.payment_id) == Queried(outcome=Outcome.CLOSED)
    with pytest.raises(ProviderRejectedError):
        pay.prepay(order)


def test_the_longest_description_is_taken(side: Side) -> None:
    assert side.pay().prepay(new_order(description="拿" * 500))


def test_certificates_of_a_merchant_that_switches(side: Side) -> None:
    pay, order = side.pay(), new_order()
    pay.prepay(order)
    listed = pay.download_certificates()
    assert pay.serials == {each.serial for each in listed} | {
        side.settings["WECHATPAY_PUBLIC_KEY_ID"]
    }
    by_certificate = side.told(order.payment_id, sign_with="certificate")
    by_public_key = side.told(order.payment_id, sign_with="public_key")
    assert pay.read_notification(*by_certificate) == pay.read_notification(*by_public_key)


def test_a_new_certificate_is_unknown_until_it_is_downloaded(side: Side) -> None:
    pay, order = side.pay(), new_order()
    pay.prepay(order)
    old = pay.serials | {each.serial for each in pay.download_certificates()}
    serial = side.control("rotate")["serial_no"]
    letter = side.told(order.payment_id, sign_with="certificate")
    with pytest.raises(NotificationRefusedError) as caught:
        pay.read_notification(*letter)
    assert caught.value.reason == "serial"
    pay.download_certificates()
    assert isinstance(pay.read_notification(*letter), Collected)
    assert pay.serials == old | {serial}


def test_a_merchant_with_certificates_alone(side: Side) -> None:
    pay, order = side.pay(public_key_id=None, public_key_pem=None), new_order()
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.prepay(order)  # created there, but nobody's signature is known yet
    assert pay.download_certificates()
    assert pay.prepay(order)
    letter = side.told(order.payment_id, sign_with="certificate")
    assert isinstance(pay.read_notification(*letter), Collected)


def test_a_merchant_with_the_public_key_alone(side: Side) -> None:
    side.control("settings", certificates_listed=False)
    pay = side.pay()
    assert pay.download_certificates() == []
    assert pay.prepay(new_order())


@pytest.mark.parametrize(
    ("asked", "reason"), [({"sign_with": "signtest"}, "signature"), ({"mchid": "1"}, "merchant")]
)
def test_a_notification_that_is_refused(side: Side, asked: dict[str, str], reason: str) -> None:
    pay, order = side.pay(), new_order()
    pay.prepay(order)
    with pytest.raises(NotificationRefusedError) as caught:
        pay.read_notification(*side.told(order.payment_id, **asked))
    assert caught.value.reason == reason


def test_another_amount_is_told_as_it_is(side: Side) -> None:
    pay, order = side.pay(), new_order()
    pay.prepay(order)
    told = pay.read_notification(*side.told(order.payment_id, amount_total=1, currency="USD"))
    assert isinstance(told, Collected)
    assert (told.amount.amount, told.amount.currency) == (1, "USD")


@pytest.mark.parametrize(
    "changes",
    [
        {"private_key_pem": far.private_pem(far.rsa_key("somebody else"))},
        {"serial_no": "AB"},
        {"mch_id": "1900000001"},
    ],
)
def test_who_is_not_known_is_refused(side: Side, changes: dict[str, str]) -> None:
    with pytest.raises(ProviderRejectedError) as caught:
        side.pay(**changes).prepay(new_order())
    assert caught.value.facts["provider_code"] == "SIGN_ERROR"


@pytest.mark.parametrize(
    ("kind", "fate", "created"),
    [
        ("drop_answer", ProviderOutcomeUnknownError, True),
        ("unsigned", ProviderOutcomeUnknownError, True),
        ("bad_signature", ProviderOutcomeUnknownError, True),
        ("error_500", ProviderOutcomeUnknownError, False),
        ("html_502", ProviderOutcomeUnknownError, False),
        ("error_429", ProviderUnavailableError, False),
    ],
)
def test_misfortune_then_the_same_number_again(
    side: Side, kind: str, fate: type[Exception], *, created: bool
) -> None:
    pay, order = side.pay(), new_order()
    side.fault(kind)
    with pytest.raises(fate):
        pay.prepay(order)
    known = pay.query(order.payment_id).outcome
    assert known is (Outcome.UNPAID if created else Outcome.UNKNOWN_TO_PROVIDER)
    assert pay.prepay(order)["package"].startswith("prepay_id=")


@pytest.mark.parametrize(
    "kind", ["drop_answer", "unsigned", "bad_signature", "error_500", "html_502", "error_429"]
)
def test_misfortune_at_one_host_is_mended_at_the_other(side: Side, kind: str) -> None:
    pay, order = side.pay(fallback_url=side.address), new_order()
    side.fault(kind)
    assert pay.prepay(order)
    side.fault(kind)
    assert pay.query(order.payment_id).outcome is Outcome.UNPAID
    side.fault(kind)
    assert pay.close(order.payment_id) is CloseOutcome.CLOSED


def test_a_host_that_is_down_is_passed_over(side: Side) -> None:
    pay = side.pay(base_url="http://127.0.0.1:9", fallback_url=side.address)
    assert pay.prepay(new_order())


def test_a_sign_test_is_asked_again(side: Side) -> None:
    pay, order = side.pay(), new_order()
    side.fault("signtest", times=2)
    assert pay.prepay(order)
    side.fault("signtest", times=3)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.close(order.payment_id)
    assert pay.query(order.payment_id).outcome is Outcome.CLOSED


def test_a_slow_answer_is_no_answer(side: Side) -> None:
    pay, order = side.pay(), new_order()
    side.fault("delay", delay_ms=1500)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.prepay(order)
    assert pay.prepay(order)


def test_login(side: Side) -> None:
    openid = side.login().openid("a code")
    assert openid == side.login().openid("a code") != side.login().openid("another")
    assert side.pay().prepay(new_order(payer_openid=openid))


@pytest.mark.parametrize(
    ("code", "changes", "error"),
    [
        ("bad-1", {}, LoginRefusedError),
        ("used-1", {}, LoginRefusedError),
        ("busy-1", {}, ProviderUnavailableError),
        ("a code", {"app_secret": "wrong"}, ProviderUnavailableError),
        ("a code", {"app_id": "wx0"}, ProviderUnavailableError),
    ],
)
def test_login_refused(
    side: Side, code: str, changes: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        side.login(**changes).openid(code)


def complained(side: Side) -> Complaint:
    """Let a payer pay and complain, and return what we read of it."""
    order = new_order()
    side.pay().prepay(order)
    side.told(order.payment_id)
    told = side.control("complaints", out_trade_no=order.payment_id, text="空包裹")
    heard = [side.pay().read_notification(*letter) for letter in side.letterbox.letters]
    assert Complained(complaint_id=told["complaint_id"], action="CREATE_COMPLAINT") in heard
    found = side.pay().complaints.complaint(told["complaint_id"])
    assert found is not None
    assert (found.words, found.status, found.times) == ("空包裹", ComplaintStatus.PENDING, 1)
    assert [payment.number for payment in found.payments] == [order.payment_id]
    return found


def test_a_complaint_from_its_notification_to_its_completion(side: Side) -> None:
    desk, found = side.pay().complaints, complained(side)
    today = datetime.now(UTC).date()
    days = today - timedelta(days=1), today + timedelta(days=1)
    assert found.id in desk.open_between(*days, page=0).ids
    desk.respond(found, "退款 19.99 元")
    assert list(desk.said(found.id)) == ["退款 19.99 元"]
    desk.complete(found)
    done = desk.complaint(found.id)
    assert done is not None
    assert done.status is ComplaintStatus.PROCESSED
    assert found.id not in desk.open_between(*days, page=0).ids
    with pytest.raises(ProviderRejectedError):
        desk.complete(found)
    assert desk.complaint("nobody-complained") is None


def test_an_answer_that_was_done_in_silence_is_in_the_history(side: Side) -> None:
    desk, found = side.pay().complaints, complained(side)
    side.fault("drop_answer", path="/v3/merchant-service/*/response")
    with pytest.raises(ProviderOutcomeUnknownError):
        desk.respond(found, "退款")
    assert list(desk.said(found.id)) == ["退款"]
