"""The client: what is sent, what an answer means, and the three fates over two hosts."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.providers.port import (
    CloseOutcome,
    Outcome,
    Provider,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
    Queried,
)
from chalicelib.providers.transport import Answer, NoAnswerError, NotSentError, Timeouts
from chalicelib.providers.wechatpay.client import WeChatPay
from tests.providers import far_side as far

PREPAID = far.answer({"prepay_id": "wx201410272009395522657a690389285100"})
NOT_SENT = NotSentError("NewConnectionError")
NO_ANSWER = NoAnswerError("ReadTimeoutError")
BUSY = far.answer({"code": "FREQUENCY_LIMITED"}, status=429)
BROKEN = far.answer({"code": "SYSTEM_ERROR"}, status=500)
EDGE_PAGE = Answer(502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>")
SIGN_TEST = far.tampered(PREPAID, Wechatpay_Signature="WECHATPAY/SIGNTEST/" + "A" * 325)


def refused(status: int, code: str) -> Answer:
    return far.answer({"code": code, "message": "人看的"}, status=status)


def test_it_is_a_provider() -> None:
    pay, _ = far.client()
    provider: Provider = pay
    assert provider.name == "wechatpay"


def test_a_prepay_is_spelled_exactly() -> None:
    pay, wire = far.client(PREPAID)
    invoke = pay.prepay(far.prepay_order())
    (call,) = wire.calls
    assert (call.method, call.url) == ("POST", "https://pay.test/v3/pay/transactions/jsapi")
    assert call.body.decode() == (
        '{"appid":"wxd678efh567hg6787","mchid":"1900009191","description":"一杯拿铁",'
        '"out_trade_no":"pay_01KAMBPZR0000000000000000A",'
        '"time_expire":"2026-11-24T16:30:00+08:00",'
        '"attach":"ord_01KAMBPZR0000000000000000A",'
        '"notify_url":"https://shop.test/v1/notifications/wechatpay",'
        '"amount":{"total":1999,"currency":"CNY"},'
        '"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}'
    )
    assert set(invoke) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert {name: call.headers[name] for name in call.headers if name != "Authorization"} == {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "shoukuan/0.1",
        "Wechatpay-Serial": far.PUBLIC_KEY_ID,
    }


def test_the_serial_header_is_for_public_key_mode() -> None:
    changes = far.without_public_key() | {"fallback_url": None}
    pay, wire = far.client(refused(404, "ORDER_NOT_EXIST"), **changes)
    with pytest.raises(ProviderOutcomeUnknownError):  # nobody's key is known yet
        pay.query(far.PAYMENT)
    assert "Wechatpay-Serial" not in wire.calls[0].headers


def test_a_repeat_is_the_same_bytes_freshly_signed() -> None:
    pay, wire = far.client(NO_ANSWER, PREPAID, PREPAID)
    pay.prepay(far.prepay_order())
    pay.prepay(far.prepay_order())
    assert len({call.body for call in wire.calls}) == 1
    assert len({call.headers["Authorization"] for call in wire.calls}) == 3


@pytest.mark.parametrize("length", [1, 127, 128, 1000])
def test_a_description_is_cut_at_127_characters(length: int) -> None:
    pay, wire = far.client(PREPAID)
    pay.prepay(far.prepay_order(description="拿" * length))
    assert json.loads(wire.calls[0].body)["description"] == "拿" * min(length, 127)


def test_a_path_before_the_paths_is_sent_and_signed() -> None:
    pay, wire = far.client(far.answer(status=204), base_url="http://127.0.0.1:8010/wechat/")
    assert pay.close(far.PAYMENT) is CloseOutcome.CLOSED
    path = f"/wechat/v3/pay/transactions/out-trade-no/{far.PAYMENT}/close"
    call = wire.calls[0]
    assert call.url == f"http://127.0.0.1:8010{path}"
    signature = call.headers["Authorization"].split('signature="')[1].split('"')[0]
    nonce = call.headers["Authorization"].split('nonce_str="')[1].split('"')[0]
    message = f"POST\n{path}\n{far.NOW_SECONDS}\n{nonce}\n".encode() + call.body + b"\n"
    assert signature == far.sign(message, far.rsa_key("merchant"))


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("SUCCESS", Outcome.PAID),
        ("REFUND", Outcome.PAID),
        ("NOTPAY", Outcome.UNPAID),
        ("USERPAYING", Outcome.UNPAID),
        ("CLOSED", Outcome.CLOSED),
        ("REVOKED", Outcome.CLOSED),
    ],
)
def test_what_a_query_says(state: str, outcome: Outcome) -> None:
    told = far.trade(trade_state=state)
    if outcome is not Outcome.PAID:
        told = far.trade(
            trade_state=state, transaction_id=None, payer=None, success_time=None, attach=None
        )
    pay, wire = far.client(far.answer(told))
    queried = pay.query(far.PAYMENT)
    assert queried.outcome is outcome
    assert (queried.collected is not None) == (outcome is Outcome.PAID)
    if queried.collected is not None:
        assert queried.collected == pay.read_notification(*far.notification())
    assert wire.calls[0].url == (
        f"https://pay.test/v3/pay/transactions/out-trade-no/{far.PAYMENT}?mchid={far.MCH_ID}"
    )
    assert (wire.calls[0].method, wire.calls[0].body) == ("GET", b"")
    assert "Content-Type" not in wire.calls[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        far.answer(far.trade(out_trade_no=str(far.OTHER_PAYMENT))),
        far.answer(far.trade(out_trade_no=None)),
        far.answer(far.trade(trade_state="INVENTED")),
        far.answer(far.trade(trade_state=["SUCCESS"])),
        far.answer(far.trade(mchid="1900000001")),
        far.answer(far.trade(appid="wx0")),
        far.answer(far.trade(success_time=None)),
        far.answer(far.trade(amount={"payer_total": 1})),
        far.answer(far.trade(), at=far.NOW_SECONDS - 300),
        far.answer(far.trade(), by="forger"),
        far.answer(far.trade(), serial="AB"),
        far.tampered(far.answer(far.trade()), Wechatpay_Nonce="other"),
        Answer(200, {}, far.json_bytes(far.trade())),
        far.answer(),
        far.answer(["list"]),
        Answer(200, far.signed(b'{"a":1,"a":1}'), b'{"a":1,"a":1}'),
        Answer(200, {"Content-Type": "text/html"}, b"<html>welcome to the hotel"),
        Answer(302, {"Location": "https://elsewhere.test/"}, b""),
        refused(404, ""),
        Answer(404, {}, b'{"code":5}'),
        Answer(404, {}, b"<html>Not Found</html>"),
        far.tampered(refused(404, "ORDER_NOT_EXIST"), Wechatpay_Nonce="other"),
        EDGE_PAGE,
        BROKEN,
    ],
)
def test_an_answer_that_cannot_be_relied_on_is_none(answer: Answer) -> None:
    pay, wire = far.client(answer, answer)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.query(far.PAYMENT)
    assert wire.hosts == [far.BASE, far.FALLBACK]


@pytest.mark.parametrize(
    "body",
    [{}, {"prepay_id": ""}, {"prepay_id": 5}, {"prepay_id": "a\nb"}, {"prepay_id": "x" * 65}],
)
def test_a_prepay_without_its_id_is_unknown(body: dict[str, Any]) -> None:
    pay, _ = far.client(far.answer(body), fallback_url=None)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.prepay(far.prepay_order())


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDERNOTEXIST"])
def test_what_was_never_created_is_unknown_there_and_closed(code: str) -> None:
    pay, _ = far.client(refused(404, code), refused(404, code))
    assert pay.query(far.PAYMENT) == Queried(outcome=Outcome.UNKNOWN_TO_PROVIDER)
    assert pay.close(far.PAYMENT) is CloseOutcome.CLOSED


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, "ORDERPAID", CloseOutcome.ALREADY_PAID),
        (400, "ORDER_PAID", CloseOutcome.ALREADY_PAID),
        (403, "ORDERPAID", CloseOutcome.ALREADY_PAID),
        (400, "ORDER_CLOSED", CloseOutcome.CLOSED),
        (403, "ORDERCLOSED", CloseOutcome.CLOSED),
        (400, "ORDER_NOT_EXIST", None),
        (400, "INVALID_REQUEST", None),
        (401, "SIGN_ERROR", None),
        (404, "RESOURCE_NOT_EXISTS", None),
    ],
)
def test_what_a_refused_close_means(status: int, code: str, outcome: CloseOutcome | None) -> None:
    pay, _ = far.client(refused(status, code))
    if outcome is not None:
        assert pay.close(far.PAYMENT) is outcome
        return
    with pytest.raises(ProviderRejectedError) as caught:
        pay.close(far.PAYMENT)
    assert caught.value.facts["provider_code"] == code


def test_a_refusal_has_facts_and_is_final() -> None:
    pay, wire = far.client(refused(403, "OUT_TRADE_NO_USED"))
    with pytest.raises(ProviderRejectedError) as caught:
        pay.prepay(far.prepay_order())
    assert caught.value.facts == {
        "provider_code": "OUT_TRADE_NO_USED",
        "provider_status": 403,
        "provider_request_id": "08F78BB5AF0610D302",
    }
    assert "人看的" not in str(caught.value)
    assert wire.hosts == [far.BASE]


def test_who_is_not_known_is_refused_without_a_signature() -> None:
    pay, wire = far.client(Answer(401, {}, b'{"code":"SIGN_ERROR","message":"x"}'))
    with pytest.raises(ProviderRejectedError):
        pay.prepay(far.prepay_order())
    assert len(wire.calls) == 1


@dataclass(frozen=True)
class Row:
    """Two hosts' steps, and what comes of them."""

    first: Answer | Exception
    second: Answer | Exception | None
    fate: type[Exception] | None


U, Q, R = ProviderUnavailableError, ProviderOutcomeUnknownError, ProviderRejectedError
NO = refused(403, "RULE_LIMIT")
MATRIX = [
    Row(PREPAID, None, None),
    Row(NO, None, R),
    Row(NOT_SENT, PREPAID, None),
    Row(NOT_SENT, NOT_SENT, U),
    Row(NOT_SENT, BUSY, U),
    Row(NOT_SENT, NO_ANSWER, Q),
    Row(NOT_SENT, BROKEN, Q),
    Row(NOT_SENT, NO, R),
    Row(BUSY, PREPAID, None),
    Row(BUSY, BUSY, U),
    Row(BUSY, NOT_SENT, U),
    Row(BUSY, NO_ANSWER, Q),
    Row(NO_ANSWER, PREPAID, None),
    Row(NO_ANSWER, NO_ANSWER, Q),
    Row(NO_ANSWER, NOT_SENT, Q),  # the first host may have done it
    Row(NO_ANSWER, BUSY, Q),
    Row(NO_ANSWER, NO, R),
    Row(BROKEN, PREPAID, None),
    Row(BROKEN, BROKEN, Q),
    Row(BROKEN, NOT_SENT, Q),
    Row(EDGE_PAGE, PREPAID, None),
    Row(EDGE_PAGE, EDGE_PAGE, Q),
]


@pytest.mark.parametrize("row", MATRIX)
def test_two_hosts_and_three_fates(row: Row) -> None:
    steps = [step for step in (row.first, row.second) if step is not None]
    pay, wire = far.client(*steps)
    if row.fate is None:
        assert pay.prepay(far.prepay_order())["package"].startswith("prepay_id=wx")
    else:
        with pytest.raises(row.fate):
            pay.prepay(far.prepay_order())
    assert wire.hosts == [far.BASE, far.FALLBACK][: len(steps)]
    assert len({call.body for call in wire.calls}) == 1


@pytest.mark.parametrize(
    ("step", "fate"), [(NOT_SENT, U), (BUSY, U), (NO_ANSWER, Q), (BROKEN, Q), (EDGE_PAGE, Q)]
)
def test_without_another_host_there_is_no_other_try(
    step: Answer | Exception, fate: type[Exception]
) -> None:
    pay, wire = far.client(step, fallback_url=None)
    with pytest.raises(fate):
        pay.close(far.PAYMENT)
    assert len(wire.calls) == 1


def test_a_sign_test_is_asked_again_at_the_same_host() -> None:
    pay, wire = far.client(SIGN_TEST, SIGN_TEST, PREPAID)
    pay.prepay(far.prepay_order())
    assert wire.hosts == [far.BASE] * 3
    assert len({call.body for call in wire.calls}) == 1


def test_sign_tests_for_ever_are_no_answer() -> None:
    pay, wire = far.client(*[SIGN_TEST] * 6)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.prepay(far.prepay_order())
    assert wire.hosts == [far.BASE] * 3 + [far.FALLBACK] * 3


@pytest.mark.parametrize("then", [NOT_SENT, BUSY])
def test_what_was_sign_tested_may_have_been_done(then: Answer | Exception) -> None:
    pay, wire = far.client(SIGN_TEST, then, NOT_SENT)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.prepay(far.prepay_order())
    assert wire.hosts == [far.BASE, far.BASE, far.FALLBACK]


def slow(clock: far.FakeClock, seconds: int, step: Exception) -> Any:
    """Return a step that takes a while, and then fails."""

    def fail(_: far.Call) -> Answer:
        clock.elapsed += seconds
        raise step

    return fail


@pytest.mark.parametrize(
    ("seconds", "step", "left", "fate"),
    [
        (0, NO_ANSWER, Timeouts(2, 5, 12), Q),
        (5, NO_ANSWER, Timeouts(2, 5, 7), Q),
        (9, NO_ANSWER, Timeouts(2, 3, 3), Q),
        (11, NO_ANSWER, Timeouts(1, 1, 1), Q),
        (12, NO_ANSWER, None, Q),
        (12, NOT_SENT, None, U),
        (99, NO_ANSWER, None, Q),
    ],
)
def test_the_whole_call_keeps_its_budget(
    seconds: int, step: Exception, left: Timeouts | None, fate: type[Exception]
) -> None:
    clock = far.FakeClock()
    pay, wire = far.client(slow(clock, seconds, step), step, clock=clock)
    with pytest.raises(fate):
        pay.query(far.PAYMENT)
    assert [call.timeouts for call in wire.calls[1:]] == ([left] if left else [])


def test_a_client_needs_no_environment_and_calls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "PATH", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    pay, wire = far.client()
    assert isinstance(pay, WeChatPay)
    assert wire.calls == []
