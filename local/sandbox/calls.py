"""Every call of the sandbox: one table, from which its description is written."""

from local.sandbox.bills import TransferForm
from local.sandbox.call import (
    CASHIER,
    CONTROL,
    FORM,
    LOGIN,
    OBJECT,
    OIDC,
    PAY,
    SCHEMA,
    SELF,
    TEXT,
    Call,
    shape,
)
from local.sandbox.control import Pay, Settings
from local.sandbox.desk_calls import DESK_CALLS
from local.sandbox.faults import Fault
from local.sandbox.orders import Notice, Preferences, Seen
from local.sandbox.parcels import UploadForm
from local.sandbox.prepay import Close, PartnerClose, PartnerPrepay, Prepay
from local.sandbox.refund import RefundForm
from local.sandbox.refunds import REFUNDS, RefundEnd
from local.sandbox.shares import (
    ReceiverForm,
    ReceiverGone,
    ReturnForm,
    SplitForm,
    UnfreezeForm,
)
from local.sandbox.sharing_calls import Failing
from local.sandbox.shipping_calls import ParcelEnd
from local.sandbox.transfer_calls import TransferEnd

CASHIER_FORM = OBJECT | {
    "properties": {"action": {"enum": ["pay", "cancel"]}},
    "required": ["action"],
}
PAID = OBJECT | {
    "properties": {
        "out_trade_no": TEXT,
        "transaction_id": {"type": ["string", "null"]},
        "trade_state": {"enum": ["SUCCESS", "NOTPAY", "CLOSED"]},
        "notification_id": {"type": ["string", "null"]},
        "deliveries": {"type": "array", "items": {"$ref": SCHEMA.format(model="Delivery")}},
    }
}

NUMBERED = "/v3/pay/transactions/out-trade-no/{out_trade_no}"
BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
BILL = f"{BILLS}/out-bill-no/{{out_bill_no}}"
PARTNER = "/v3/pay/partner/transactions"
SHARING = "/v3/profitsharing"
CALLS = (
    Call(
        "post",
        "/v3/pay/transactions/jsapi",
        PAY,
        "Prepay (下单)",
        body=Prepay,
        gives=shape("prepay_id"),
    ),
    Call("get", NUMBERED, PAY, "Query by our number", query=("mchid",), gives=OBJECT),
    Call(
        "get",
        "/v3/pay/transactions/id/{transaction_id}",
        PAY,
        "Query by WeChat Pay's number",
        query=("mchid",),
        gives=OBJECT,
    ),
    Call("post", f"{NUMBERED}/close", PAY, "Close (关单)", body=Close, status=204),
    Call(
        "post",
        f"{PARTNER}/jsapi",
        PAY,
        "Prepay for a sub-merchant (服务商下单)",
        body=PartnerPrepay,
        gives=shape("prepay_id"),
    ),
    Call(
        "get",
        f"{PARTNER}/out-trade-no/{{out_trade_no}}",
        PAY,
        "Query a sub-merchant's by our number",
        query=("sp_mchid", "sub_mchid"),
        gives=OBJECT,
    ),
    Call(
        "get",
        f"{PARTNER}/id/{{transaction_id}}",
        PAY,
        "Query a sub-merchant's by WeChat Pay's number",
        query=("sp_mchid", "sub_mchid"),
        gives=OBJECT,
    ),
    Call(
        "post",
        f"{PARTNER}/out-trade-no/{{out_trade_no}}/close",
        PAY,
        "Close a sub-merchant's",
        body=PartnerClose,
        status=204,
    ),
    Call("post", BILLS, PAY, "Transfer (商家转账)", body=TransferForm, gives=OBJECT),
    Call("get", BILL, PAY, "A transfer by our number", gives=OBJECT),
    Call(
        "get",
        f"{BILLS}/transfer-bill-no/{{transfer_bill_no}}",
        PAY,
        "A transfer by WeChat Pay's number",
        gives=OBJECT,
    ),
    Call("post", f"{BILL}/cancel", PAY, "Cancel a transfer (撤销转账)", gives=OBJECT),
    Call(
        "post",
        f"{SHARING}/receivers/add",
        PAY,
        "Add a receiver (添加分账接收方)",
        body=ReceiverForm,
        gives=OBJECT,
    ),
    Call(
        "post",
        f"{SHARING}/receivers/delete",
        PAY,
        "Delete a receiver",
        body=ReceiverGone,
        gives=OBJECT,
    ),
    Call("post", f"{SHARING}/orders", PAY, "Share (请求分账)", body=SplitForm, gives=OBJECT),
    Call(
        "post",
        f"{SHARING}/orders/unfreeze",
        PAY,
        "Unfreeze what is left (解冻剩余资金)",
        body=UnfreezeForm,
        gives=OBJECT,
    ),
    Call(
        "get",
        f"{SHARING}/orders/{{out_order_no}}",
        PAY,
        "A share order or an unfreezing",
        query=("transaction_id",),
        optional=("sub_mchid",),
        gives=OBJECT,
    ),
    Call(
        "get",
        f"{SHARING}/transactions/{{transaction_id}}/amounts",
        PAY,
        "What is still frozen",
        gives=OBJECT,
    ),
    Call(
        "post",
        f"{SHARING}/return-orders",
        PAY,
        "Take a share back (分账回退)",
        body=ReturnForm,
        gives=OBJECT,
    ),
    Call(
        "get",
        f"{SHARING}/return-orders/{{out_return_no}}",
        PAY,
        "A return",
        query=("out_order_no",),
        optional=("sub_mchid",),
        gives=OBJECT,
    ),
    Call("post", REFUNDS, PAY, "Refund (申请退款)", body=RefundForm, gives=OBJECT),
    Call(
        "get",
        f"{REFUNDS}/{{out_refund_no}}",
        PAY,
        "A refund",
        optional=("sub_mchid",),
        gives=OBJECT,
    ),
    Call("get", "/v3/certificates", PAY, "Platform certificates, encrypted", gives=OBJECT),
    Call(
        "get",
        "/sns/jscode2session",
        LOGIN,
        "A code for an openid; codes that begin with bad, used, busy are refused, with status 200",
        query=("appid", "secret", "js_code", "grant_type"),
        gives=OBJECT,
        gives_type="text/plain",
    ),
    Call(
        "post",
        "/cgi-bin/stable_token",
        LOGIN,
        "An access token, the same one while it lives; refusals have status 200",
        body=shape("grant_type", "appid", "secret"),
        gives=OBJECT,
    ),
    Call(
        "post",
        "/wxa/sec/order/upload_shipping_info",
        LOGIN,
        "Report a shipment (发货信息录入); refusals have status 200",
        query=("access_token",),
        body=UploadForm,
        gives=OBJECT,
    ),
    Call(
        "post",
        "/wxa/sec/order/get_order",
        LOGIN,
        "How far a payment's parcel has come",
        query=("access_token",),
        body=shape("transaction_id"),
        gives=OBJECT,
    ),
    Call(
        "get",
        "/oidc/.well-known/openid-configuration",
        OIDC,
        "Discovery",
        gives=shape("issuer", "token_endpoint", "jwks_uri"),
    ),
    Call("get", "/oidc/jwks", OIDC, "The issuer's public keys", gives=OBJECT),
    Call(
        "post",
        "/oidc/token",
        OIDC,
        "A token for operator, merchant:<id> or partner:<id>",
        body=shape("grant_type", "client_id"),
        body_type=FORM,
        gives=shape("access_token", "token_type"),
    ),
    Call("get", "/cashier/{prepay_id}", CASHIER, "A page to pay on", gives_type="text/html"),
    Call(
        "post",
        "/cashier/{prepay_id}",
        CASHIER,
        "Press 支付 or 取消",
        body=CASHIER_FORM,
        body_type=FORM,
        status=303,
    ),
    Call("post", "/control/pay", CONTROL, "Play the payer", body=Pay, gives=PAID),
    Call("post", "/control/faults", CONTROL, "Plan a fault", body=Fault, gives=Fault),
    Call("get", "/control/faults", CONTROL, "Faults to come", gives=Fault, listed=True),
    Call("get", "/control/requests", CONTROL, "Recent requests", gives=Seen, listed=True),
    Call("get", "/control/orders", CONTROL, "Every order", gives=OBJECT, listed=True),
    Call(
        "get",
        "/control/notifications",
        CONTROL,
        "Every notification and its deliveries",
        gives=Notice,
        listed=True,
    ),
    Call("get", "/control/money", CONTROL, "Where all money lies, to the fen", gives=OBJECT),
    Call(
        "post",
        "/control/shares/{account}",
        CONTROL,
        "Let shares to an account fail",
        body=Failing,
        gives=OBJECT,
    ),
    Call("get", "/control/transfers", CONTROL, "Every transfer", gives=OBJECT, listed=True),
    Call(
        "post",
        "/control/transfers/{out_bill_no}",
        CONTROL,
        "Play the payee of a transfer",
        body=TransferEnd,
        gives=OBJECT,
    ),
    Call(
        "post",
        "/control/parcels/{number}",
        CONTROL,
        "Let a parcel be received, settled or complained of, and push it",
        body=ParcelEnd,
        gives=OBJECT,
    ),
    Call("get", "/control/refunds", CONTROL, "Every refund", gives=OBJECT, listed=True),
    Call(
        "post",
        "/control/refunds/{out_refund_no}",
        CONTROL,
        "Bring a refund to an end",
        body=RefundEnd,
        gives=OBJECT,
    ),
    Call("post", "/control/token", CONTROL, "Let the access token be over", gives=OBJECT),
    Call(
        "post",
        "/control/settings",
        CONTROL,
        "What holds from now on: keys, balances, how sharing goes",
        body=Settings,
        gives=Preferences,
    ),
    Call("post", "/control/rotate", CONTROL, "A new certificate", gives=shape("serial_no")),
    Call("post", "/control/reset", CONTROL, "Forget orders and faults, not keys", gives=OBJECT),
    Call("get", "/healthz", SELF, "Whether it answers", gives=shape("status")),
    Call("get", "/openapi.json", SELF, "This document", gives=OBJECT),
    *DESK_CALLS,
)
