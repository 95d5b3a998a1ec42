"""Reporting shipments to WeChat (发货信息录入), and asking how far they have come.

Source: WeChat's "小程序发货信息管理服务": `upload_shipping_info`, `get_order`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.providers.port import (
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.shipping import Delivery, ShippingReport
from chalicelib.providers.wechat.api import WeChatApi, errcode_of

_CHINA = timezone(timedelta(hours=8))
_BY_TRANSACTION, _EXPRESS, _WHOLE = 2, 1, 1
_DESCRIPTION_CHARACTERS_MAX = 120
_UNKNOWN_PAYMENT = 10060001  # also for some seconds after the payment
_SHIPPED_ALREADY = 10060002
_SHIPPED, _CONFIRMED, _DONE, _SETTLING = 2, 3, 4, 6


@dataclass(frozen=True, slots=True)
class WeChatShipping:
    """The port's `Shipping`."""

    api: WeChatApi

    def report(self, report: ShippingReport) -> None:
        """Upload a parcel; one that WeChat knows already is well."""
        errcode = errcode_of(self.api.call("/wxa/sec/order/upload_shipping_info", _body(report)))
        if errcode in {0, _SHIPPED_ALREADY}:
            return
        if errcode == _UNKNOWN_PAYMENT:
            raise ProviderUnavailableError(
                "WeChat does not know the payment yet", provider_code=errcode
            )
        raise ProviderRejectedError("WeChat refuses the shipment", provider_code=errcode)

    def delivery(self, transaction_id: str) -> Delivery | None:
        """Ask by WeChat Pay's own number of the payment."""
        fields = self.api.call("/wxa/sec/order/get_order", {"transaction_id": transaction_id})
        errcode = errcode_of(fields)
        if errcode == _UNKNOWN_PAYMENT:
            return None
        if errcode:
            raise ProviderRejectedError("WeChat refuses the question", provider_code=errcode)
        order = fields.get("order")
        if not isinstance(order, dict) or order.get("transaction_id") != transaction_id:
            raise ProviderOutcomeUnknownError("WeChat's answer is about another payment")
        state, disputed = order.get("order_state"), order.get("in_complaint", False)
        if type(state) is not int or type(disputed) is not bool:
            raise ProviderOutcomeUnknownError("WeChat's answer can't be read")
        return Delivery(
            shipped=state in {_SHIPPED, _CONFIRMED, _DONE, _SETTLING},
            received=state in {_CONFIRMED, _DONE},
            disputed=disputed,
        )


def _body(report: ShippingReport) -> dict[str, Any]:
    parcel: dict[str, Any] = {
        "tracking_no": report.tracking_number,
        "express_company": report.carrier,
        "item_desc": report.description[:_DESCRIPTION_CHARACTERS_MAX],
    }
    if report.contact is not None:
        parcel["contact"] = {"consignor_contact": report.contact}
    return {
        "order_key": {
            "order_number_type": _BY_TRANSACTION,
            "transaction_id": report.transaction_id,
        },
        "logistics_type": _EXPRESS,
        "delivery_mode": _WHOLE,
        "shipping_list": [parcel],
        "upload_time": _china_time(report.shipped_at),
        "payer": {"openid": report.payer},
    }


def _china_time(at: datetime) -> str:
    return at.astimezone(_CHINA).isoformat(timespec="milliseconds")
