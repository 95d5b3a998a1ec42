"""Complaints in WeChat Pay's words: asked for, listed, answered, completed, and heard of."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from chalicelib.providers.complaints import (
    Complained,
    Complaint,
    ComplaintPage,
    ComplaintStatus,
    DisputedPayment,
)
from chalicelib.providers.port import (
    NotificationRefusedError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.transport import NoAnswerError, NotSentError
from chalicelib.providers.wechatpay.complaints import PAGE_LENGTH, WeChatComplaints
from tests.providers import far_side as far

SIGN_TEST_PREFIX = "WECHATPAY/SIGNTEST/"
ID = "200201820200101080076610000"
TRANSACTION = "4200002101202611240123456789"
KNOWN = Complaint(
    id=ID,
    complained_of="1911111111",
    status=ComplaintStatus.PENDING,
    words="空包裹",
    times=2,
    payments=(DisputedPayment(number=far.PAYMENT, transaction_id=TRANSACTION),),
)


def told(**changed: Any) -> dict[str, Any]:
    return {
        "complaint_id": ID,
        "complaint_time": "2026-11-24T15:59:59+08:00",
        "complaint_detail": "空包裹",
        "complainted_mchid": "1911111111",
        "complaint_state": "PENDING",
        "payer_phone": "sGdNeTHMQGlxCWiUyHu6XNO9GCYln2Luv4HhwJzZBfcL12sB",
        "complaint_order_info": [
            {"transaction_id": TRANSACTION, "out_trade_no": far.PAYMENT, "amount": 1999}
        ],
        "complaint_full_refunded": False,
        "incoming_user_response": True,
        "user_complaint_times": 2,
        "a_field_of_next_year": {"anything": "at all"},
    } | changed


@pytest.mark.parametrize("status", list(ComplaintStatus))
def test_a_complaint_is_read(status: ComplaintStatus) -> None:
    pay, wire = far.client(far.answer(told(complaint_state=status.upper())))
    assert pay.complaints.complaint(ID) == KNOWN.evolve(status=status)
    assert wire.calls[0].url == f"{far.BASE}/v3/merchant-service/complaints-v2/{ID}"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"complaint_detail": " 空\u0000包\u202e裹\n"}, {"words": "空 包 裹"}),
        ({"complaint_detail": "", "problem_description": "商品问题"}, {"words": "商品问题"}),
        ({"complaint_detail": None}, {"words": ""}),
        ({"complaint_detail": "长" * 5000}, {"words": "长" * 400}),
        ({"complainted_mchid": None}, {"complained_of": far.MCH_ID}),
        ({"user_complaint_times": 0}, {"times": 1}),
        ({"complaint_order_info": None}, {"payments": ()}),
    ],
)
def test_what_may_be_missing_or_odd_is_taken(
    changed: dict[str, Any], expected: dict[str, Any]
) -> None:
    pay, _ = far.client(far.answer(told(**changed)))
    assert pay.complaints.complaint(ID) == KNOWN.evolve(**expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"complaint_id": "other"},
        {"complaint_state": "LOST"},
        {"complaint_state": None},
        {"user_complaint_times": "2"},
        {"complaint_order_info": "none"},
        {"complaint_order_info": [{"out_trade_no": far.PAYMENT}]},
    ],
)
def test_an_answer_that_can_not_be_relied_on_is_none(wrong: dict[str, Any]) -> None:
    pay, _ = far.client(*[far.answer(told(**wrong))] * 2)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.complaints.complaint(ID)


@pytest.mark.parametrize(
    ("status", "code"), [(404, "RESOURCE_NOT_EXISTS"), (400, "RESOURCE_NOT_EXISTS")]
)
def test_a_complaint_that_is_not_there_is_none(status: int, code: str) -> None:
    pay, _ = far.client(far.answer({"code": code, "message": "x"}, status=status))
    assert pay.complaints.complaint(ID) is None


def test_what_is_open_is_listed_by_pages() -> None:
    rows = [told(complaint_id=f"c{number}") for number in range(PAGE_LENGTH - 1)]
    done = told(complaint_id="done", complaint_state="PROCESSED")
    pay, wire = far.client(
        far.answer({"data": [*rows, done], "limit": 50, "offset": 0, "total_count": 51}),
        far.answer({"data": [told(complaint_id="bad/../id"), told()], "limit": 50, "offset": 50}),
    )
    days = date(2026, 11, 17), date(2026, 11, 24)
    first = pay.complaints.open_between(*days, page=0)
    assert first == ComplaintPage(tuple(row["complaint_id"] for row in rows), more=True)
    assert pay.complaints.open_between(*days, page=1) == ComplaintPage((ID,), more=False)
    assert [call.url.partition("?")[2] for call in wire.calls] == [
        "begin_date=2026-11-17&end_date=2026-11-24&limit=50&offset=0",
        "begin_date=2026-11-17&end_date=2026-11-24&limit=50&offset=50",
    ]


def test_what_our_side_said_is_read_off_the_history() -> None:
    def step(kind: str, words: Any) -> dict[str, Any]:
        return {"log_id": "1", "operator": "x", "operate_type": kind, "operate_details": words}

    full = [step("USER_RESPONSE", "还没到")] * (PAGE_LENGTH - 1) + [step("MERCHANT_RESPONSE", "一")]
    last = [step("MERCHANT_RESPONSE", "二"), step("MERCHANT_RESPONSE", None)]
    pay, wire = far.client(far.answer({"data": full}), far.answer({"data": last}))
    assert list(pay.complaints.said(ID)) == ["一", "二"]
    assert wire.calls[1].url.endswith(f"/{ID}/negotiation-historys?limit=50&offset=50")


def test_an_answer_and_its_completion_name_whom_it_is_about() -> None:
    pay, wire = far.client(far.answer(status=204), far.answer(status=204))
    pay.complaints.respond(KNOWN, "退" * 300)
    pay.complaints.complete(KNOWN)
    assert [call.url.rpartition("/")[2] for call in wire.calls] == ["response", "complete"]
    assert json.loads(wire.calls[0].body) == {
        "complainted_mchid": "1911111111",
        "response_content": "退" * 200,
    }
    assert json.loads(wire.calls[1].body) == {"complainted_mchid": "1911111111"}


SIGN_TEST = {"Wechatpay_Signature": f"{SIGN_TEST_PREFIX}bm9pc2U="}


@pytest.mark.parametrize(
    ("step", "hosts"),
    [
        (NoAnswerError("silence"), 1),
        (far.answer({"code": "SYSTEM_ERROR", "message": "x"}, status=500), 1),
        (far.tampered(far.answer(status=204), **SIGN_TEST), 1),
        (far.tampered(far.answer(status=204), Wechatpay_Signature="bm9pc2U="), 1),
        (NotSentError("away"), 2),
    ],
)
def test_what_may_have_been_said_is_not_said_at_the_other_host(step: far.Step, hosts: int) -> None:
    pay, wire = far.client(*[step] * hosts)
    with pytest.raises((ProviderOutcomeUnknownError, ProviderUnavailableError)):
        pay.complaints.respond(KNOWN, "退款")
    assert len(wire.calls) == hosts


CALLS: list[Callable[[WeChatComplaints], object]] = [
    lambda desk: desk.complaint(ID),
    lambda desk: desk.open_between(date(2026, 11, 17), date(2026, 11, 24), page=0),
    lambda desk: desk.said(ID),
    lambda desk: desk.respond(KNOWN, "退款"),
    lambda desk: desk.complete(KNOWN),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("step", "fate"),
    [
        (far.answer({"code": "NO_AUTH", "message": "x"}, status=403), ProviderRejectedError),
        (
            far.answer({"code": "INVALID_REQUEST", "message": "x"}, status=400),
            ProviderRejectedError,
        ),
        (
            far.answer({"code": "FREQUENCY_LIMITED", "message": "x"}, status=400),
            ProviderUnavailableError,
        ),
        (
            far.answer({"code": "FREQUENCY_LIMITED", "message": "x"}, status=429),
            ProviderUnavailableError,
        ),
        (NotSentError("away"), ProviderUnavailableError),
        (NoAnswerError("silence"), ProviderOutcomeUnknownError),
        (
            far.answer({"code": "SYSTEM_ERROR", "message": "x"}, status=500),
            ProviderOutcomeUnknownError,
        ),
        (
            far.tampered(far.answer(told()), Wechatpay_Signature="bm9pc2U="),
            ProviderOutcomeUnknownError,
        ),
    ],
)
def test_every_call_has_three_fates(call: Any, step: far.Step, fate: type[Exception]) -> None:
    pay, _ = far.client(step, step)
    with pytest.raises(fate):
        call(pay.complaints)


def word(event: str = "COMPLAINT.CREATE", key: str = far.API_V3_KEY, **fields: Any) -> bytes:
    plain = {"complaint_id": ID, "action_type": "CREATE_COMPLAINT"} | fields
    sealed = far.sealed(far.json_bytes(plain), aad="complaint", key=key)
    return far.envelope(sealed, event_type=event)


def heard(body: bytes, **signing: Any) -> Any:
    pay, wire = far.client()
    try:
        return pay.read_notification(far.signed(body, **signing), body)
    except NotificationRefusedError as refused:
        return refused.reason
    finally:
        assert wire.calls == []


@pytest.mark.parametrize("event", ["COMPLAINT.CREATE", "COMPLAINT.STATE_CHANGE"])
@pytest.mark.parametrize("action", ["CREATE_COMPLAINT", "", None, "SOMETHING_NEW", 7])
def test_a_true_word_names_the_complaint(event: str, action: Any) -> None:
    said = heard(word(event, action_type=action))
    assert said == Complained(complaint_id=ID, action=action if isinstance(action, str) else "")


@pytest.mark.parametrize(
    ("body", "signing", "reason"),
    [
        (word(), {"by": "somebody"}, "signature"),
        (word(), {"serial": "PUB_KEY_ID_0"}, "serial"),
        (word(), {"at": far.NOW_SECONDS - 301}, "stale"),
        (word(key="other-merchants-key-other-merch0"), {}, "ciphertext"),
        (word(complaint_id=None), {}, "body"),
        (word(complaint_id=""), {}, "body"),
        (word(complaint_id="../../refunds"), {}, "body"),
        (word(complaint_id="a.b"), {}, "body"),
        (word(complaint_id="9" * 65), {}, "body"),
        (far.envelope({"anything": "at all"}, event_type="COMPLAINT.CREATE"), {}, "ciphertext"),
        (far.envelope(None, event_type="COMPLAINT.CREATE"), {}, "body"),
    ],
)
def test_a_word_that_is_forged_or_not_for_us_is_refused(
    body: bytes, signing: dict[str, Any], reason: str
) -> None:
    assert heard(body, **signing) == reason
