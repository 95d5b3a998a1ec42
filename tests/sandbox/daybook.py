"""A merchant's day, played for tests of bills: what happens, and how its bills are fetched."""

import gzip
import hashlib
from typing import Any

from tests.sandbox.shop import BILLS, Reply, Shop, is_signed

Json = dict[str, Any]
DAY = "2026-11-24"
SUB = "1900000109"
REFUNDS = "/v3/refund/domestic/refunds"
SHARING = "/v3/profitsharing"
PATHS = {
    "trade_all": "/v3/bill/tradebill?bill_type=ALL&bill_date=",
    "trade_success": "/v3/bill/tradebill?bill_type=SUCCESS&bill_date=",
    "trade_refund": "/v3/bill/tradebill?bill_type=REFUND&bill_date=",
    "fundflow": "/v3/bill/fundflowbill?account_type=BASIC&bill_date=",
    "shares": f"{SHARING}/bills?bill_date=",
}


def paid(shop: Shop, number: str, total: int = 1000, **changed: Any) -> str:
    """Pay an order of the merchant's own; return WeChat Pay's number."""
    shop.prepaid(number, **{"amount": {"total": total, "currency": "CNY"}} | changed)
    return _pay(shop, number)


def paid_to_sub(shop: Shop, number: str, total: int = 1000, *, frozen: bool = True) -> str:
    """Pay an order of a sub-merchant's; return WeChat Pay's number."""
    form = shop.form(number)
    del form["appid"], form["mchid"]
    form |= {"sp_appid": shop.keys.app_id, "sp_mchid": shop.keys.mch_id, "sub_mchid": SUB}
    form |= {"payer": {"sp_openid": "oPartner"}, "settle_info": {"profit_sharing": frozen}}
    form |= {"amount": {"total": total, "currency": "CNY"}}
    reply = shop.call("POST", "/v3/pay/partner/transactions/jsapi", form)
    assert reply.status == 200, reply.body
    return _pay(shop, number)


def _pay(shop: Shop, number: str) -> str:
    told = shop.control("pay", out_trade_no=number, deliver=False).json
    return str(told["transaction_id"])


def refund(
    shop: Shop, out_trade_no: str, number: str, amount: int, total: int = 1000, **changed: Any
) -> str:
    """Ask for a refund; return WeChat Pay's number."""
    asked = {
        "out_trade_no": out_trade_no,
        "out_refund_no": number,
        "notify_url": shop.notify_url,
        "amount": {"refund": amount, "total": total, "currency": "CNY"},
    }
    reply = shop.call("POST", REFUNDS, asked | changed)
    assert reply.status == 200, reply.body
    return str(reply.json["refund_id"])


def end_refund(shop: Shop, number: str, outcome: str) -> None:
    assert shop.control(f"refunds/{number}", outcome=outcome, deliver=False).status == 200


def share(shop: Shop, payment: str, number: str, shares: dict[str, int], **changed: Any) -> Any:
    """Share a sub-merchant's payment, to its end."""
    receivers = [
        {"type": "MERCHANT_ID", "account": account, "amount": amount, "description": "佣金"}
        for account, amount in shares.items()
    ]
    asked = {
        "sub_mchid": SUB,
        "appid": shop.keys.app_id,
        "transaction_id": payment,
        "out_order_no": number,
        "receivers": receivers,
        "unfreeze_unsplit": False,
    } | changed
    reply = shop.call("POST", f"{SHARING}/orders", asked)
    assert reply.status == 200, reply.body
    return looked(shop, payment, number)


def unfreeze(shop: Shop, payment: str, number: str) -> Any:
    asked = {"sub_mchid": SUB, "transaction_id": payment, "out_order_no": number}
    reply = shop.call("POST", f"{SHARING}/orders/unfreeze", asked | {"description": "解冻"})
    assert reply.status == 200, reply.body
    return looked(shop, payment, number)


def looked(shop: Shop, payment: str, number: str) -> Any:
    path = f"{SHARING}/orders/{number}?transaction_id={payment}&sub_mchid={SUB}"
    return shop.call("GET", path).json


def take_back(shop: Shop, split: str, number: str, account: str, amount: int) -> Any:
    asked = {
        "sub_mchid": SUB,
        "out_order_no": split,
        "out_return_no": number,
        "return_mchid": account,
        "amount": amount,
        "description": "退回",
    }
    assert shop.call("POST", f"{SHARING}/return-orders", asked).status == 200
    path = f"{SHARING}/return-orders/{number}?out_order_no={split}&sub_mchid={SUB}"
    return shop.call("GET", path).json


def transfer(shop: Shop, number: str, outcome: str | None = None, amount: int = 500) -> str:
    """Ask for a transfer, and end it if so asked; return WeChat Pay's number."""
    told = shop.transfer(number, transfer_amount=amount).json
    if outcome:
        end_transfer(shop, number, outcome)
    return str(told["transfer_bill_no"])


def end_transfer(shop: Shop, number: str, outcome: str) -> None:
    assert shop.control(f"transfers/{number}", outcome=outcome, deliver=False).status == 200
    assert shop.call("GET", f"{BILLS}/out-bill-no/{number}").status == 200


def asked_for(shop: Shop, bill: str, day: str = DAY, more: str = "&tar_type=GZIP") -> Reply:
    return shop.call("GET", f"{PATHS[bill]}{day}{more}")


def downloaded(shop: Shop, told: Any) -> Reply:
    target = told["download_url"].removeprefix(shop.address)
    assert target.startswith("/v3/billdownload/file?token=")
    return shop.call("GET", target, headers={"Accept": "*/*"})


def text_of(shop: Shop, bill: str, day: str = DAY, more: str = "&tar_type=GZIP") -> str:
    """Fetch a bill as a good client does; return its text, without what begins it."""
    reply = asked_for(shop, bill, day, more)
    assert reply.status == 200, reply.body
    assert is_signed(shop.keys, reply.headers, reply.body)
    body = downloaded(shop, reply.json).body
    text = gzip.decompress(body) if "GZIP" in more else body
    digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    assert (reply.json["hash_type"], reply.json["hash_value"]) == ("SHA1", digest)
    return text.decode().removeprefix("\ufeff")


def rows_of(shop: Shop, bill: str, day: str = DAY, more: str = "") -> list[list[str]]:
    """Fetch a bill; return its data rows, cell by cell."""
    lines = text_of(shop, bill, day, more).split("\r\n")
    assert lines[-1] == ""
    return [line.removeprefix("`").split(",`") for line in lines[1:-3]]


def summary_of(shop: Shop, bill: str, day: str = DAY) -> list[str]:
    lines = text_of(shop, bill, day).split("\r\n")
    return lines[-2].removeprefix("`").split(",`")


def columns_of(shop: Shop, bill: str, *names: str, day: str = DAY) -> list[tuple[str, ...]]:
    """Fetch a bill; return these columns of its data rows."""
    header = text_of(shop, bill, day).split("\r\n")[0].split(",")
    places = [header.index(name) for name in names]
    return [tuple(row[place] for place in places) for row in rows_of(shop, bill, day)]


def plant(shop: Shop, bill: str, *differences: Json, **more: Any) -> Reply:
    """Plan what a day's bill says; without differences, the truth."""
    told = {"bill_date": DAY, "bill": bill, "differences": list(differences)} | more
    return shop.control("bills", **told)


def kind(name: str, number: str, **more: Any) -> Json:
    """Return a difference of this kind."""
    return {"kind": name, "number": number} | more
