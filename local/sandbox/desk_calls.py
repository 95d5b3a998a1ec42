"""The calls of bills and of complaints: what a merchant does when the day is over."""

from local.sandbox.call import CONTROL, OBJECT, PAY, Call, shape
from local.sandbox.complaint import Complain, CompleteForm, PayerActs, ResponseForm
from local.sandbox.complaints import COMPLAINTS
from local.sandbox.plan import BillPlan

MADE = shape("hash_type", "hash_value", "download_url")
SHARING = "/v3/profitsharing"

DESK_CALLS = (
    Call(
        "get",
        "/v3/bill/tradebill",
        PAY,
        "A day's trade bill: bill_type ALL, SUCCESS or REFUND; tar_type GZIP or plain text",
        query=("bill_date",),
        optional=("bill_type", "tar_type", "sub_mchid"),
        gives=MADE,
    ),
    Call(
        "get",
        "/v3/bill/fundflowbill",
        PAY,
        "A day of the caller's own account (资金账单), account_type BASIC",
        query=("bill_date",),
        optional=("account_type", "tar_type"),
        gives=MADE,
    ),
    Call(
        "get",
        f"{SHARING}/bills",
        PAY,
        "A day's shares, their returns, what was unfrozen (分账账单)",
        query=("bill_date",),
        optional=("tar_type", "sub_mchid"),
        gives=MADE,
    ),
    Call(
        "get",
        "/v3/billdownload/file",
        PAY,
        "A bill's file, unsigned, for five minutes",
        query=("token",),
        gives_type="application/x-gzip",
    ),
    Call(
        "get",
        COMPLAINTS,
        PAY,
        "Complaints of some days (查询投诉单列表)",
        query=("begin_date", "end_date"),
        optional=("limit", "offset"),
        gives=OBJECT,
    ),
    Call(
        "get", f"{COMPLAINTS}/{{complaint_id}}", PAY, "A complaint (查询投诉单详情)", gives=OBJECT
    ),
    Call(
        "get",
        f"{COMPLAINTS}/{{complaint_id}}/negotiation-historys",
        PAY,
        "All that was said in a complaint",
        optional=("limit", "offset"),
        gives=OBJECT,
    ),
    Call(
        "post",
        f"{COMPLAINTS}/{{complaint_id}}/response",
        PAY,
        "Say something to the payer (回复用户)",
        body=ResponseForm,
        status=204,
    ),
    Call(
        "post",
        f"{COMPLAINTS}/{{complaint_id}}/complete",
        PAY,
        "Complete a complaint (反馈处理完成)",
        body=CompleteForm,
        status=204,
    ),
    Call("get", "/control/bills", CONTROL, "What is planted", gives=BillPlan, listed=True),
    Call(
        "post",
        "/control/bills",
        CONTROL,
        "Plant differences in a day's bill, break its file, let it be made later",
        body=BillPlan,
        gives=BillPlan,
    ),
    Call("get", "/control/complaints", CONTROL, "Every complaint", gives=OBJECT, listed=True),
    Call(
        "post",
        "/control/complaints",
        CONTROL,
        "Let a payer complain",
        body=Complain,
        gives=OBJECT,
    ),
    Call(
        "post",
        "/control/complaints/{complaint_id}",
        CONTROL,
        "Let a payer complain once more, or take it back",
        body=PayerActs,
        gives=OBJECT,
    ),
)
