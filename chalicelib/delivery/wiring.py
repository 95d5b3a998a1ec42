"""The room's collaborators in production."""

from collections.abc import Mapping, Sequence
from functools import cache, partial

from chalicelib import outside
from chalicelib.delivery.model import (
    REFUNDED,
    REFUSED_THERE,
    UNREPORTED,
    Received,
    Report,
    ReportState,
)
from chalicelib.delivery.store import ReportStore
from chalicelib.delivery.usecases import HearOfReceipts, ReportShipments
from chalicelib.edge import observe
from chalicelib.kernel.ids import OrderId
from chalicelib.ledger.journal import Journal
from chalicelib.payments.store import PaymentStore
from chalicelib.providers.port import NotificationRefusedError
from chalicelib.providers.shipping import Pushed
from chalicelib.providers.wechat.api import WeChatApi
from chalicelib.providers.wechat.push import WeChatPushes
from chalicelib.providers.wechat.shipping import WeChatShipping
from chalicelib.settings import settings
from chalicelib.storage.due import DueList

authenticator = outside.authenticator


@outside.renewed
def shipping() -> WeChatShipping:
    """Return who is told of shipments."""
    configured = settings()
    api = WeChatApi(
        app_id=configured.wechatpay_app_id,
        app_secret=outside.secret(configured.wechat_app_secret),
        app_secret_previous=outside.secret(configured.wechat_app_secret_previous),
        base_url=configured.wechat_api_base_url,
        transport=outside.transport(),
        clock=outside.clock(),
        tell=partial(outside.tell_call, "wechat"),
    )
    return WeChatShipping(api)


@outside.renewed
def pushes() -> WeChatPushes | None:
    """Return who reads WeChat's pushes, where they are set up."""
    configured = settings()
    token, key = configured.wechat_push_token, configured.wechat_push_aes_key
    if token is None or key is None:
        return None
    return WeChatPushes(
        app_id=configured.wechatpay_app_id,
        token=outside.secret(token),
        encoding_aes_key=outside.secret(key),
        token_previous=outside.secret(configured.wechat_push_token_previous),
        encoding_aes_key_previous=outside.secret(configured.wechat_push_aes_key_previous),
    )


def pushed_in(parameters: Mapping[str, str], body: bytes) -> Pushed:
    """Return what WeChat pushed; one that does not verify is tried with keys that changed since."""
    try:
        return _reader().read(parameters, body)
    except NotificationRefusedError as refused:
        if refused.reason != "signature" or not outside.look_again():
            raise
    return _reader().read(parameters, body)


def echo(parameters: Mapping[str, str]) -> str:
    """Return what proves to WeChat that this address is ours."""
    return _reader().echo(parameters)


def _reader() -> WeChatPushes:
    reader = pushes()
    if reader is None:
        raise NotificationRefusedError("pushes are not set up here", reason="setup")
    return reader


@outside.renewed
def report_shipments() -> ReportShipments:
    """Return the way WeChat is told of shipments."""
    return ReportShipments(
        reports=reports(),
        payments=PaymentStore(outside.table()),
        commits=outside.commits(),
        clock=outside.clock(),
        unreported=DueList(outside.table(), UNREPORTED),
        refused=DueList(outside.table(), REFUSED_THERE),
        shipping=shipping(),
        send=_send,
        tell=_tell_report,
        enabled=settings().shipping_reports,
    )


@outside.renewed
def hear_of_receipts() -> HearOfReceipts:
    """Return the way receipts in WeChat are heard of."""
    from chalicelib.escrow.wiring import release

    return HearOfReceipts(
        journal=Journal(outside.table()),
        release=release(),
        shipping=shipping(),
        send=_send,
        tell=_tell_received,
    )


@cache
def reports() -> ReportStore:
    """Return where reports are kept."""
    return ReportStore(outside.table())


def _send(commands: Sequence[Mapping[str, str]]) -> None:
    outside.commands_queue().send_many(commands)


def _tell_report(order_id: OrderId, report: Report) -> None:
    """Alarm where a person must correct what WeChat was told of a parcel."""
    if report.state is ReportState.REFUSED and report.reason != REFUNDED:
        observe.alarm("WeChat refuses a shipment", order_id=order_id, provider_code=report.reason)


def _tell_received(received: Received, about: str) -> None:
    """Count what a word about a delivery was, and alarm where our books say otherwise."""
    observe.count("ReceiptHeard", received=received, facts={"about": about[:40]})
    if received is Received.ELSEWHERE:
        observe.alarm("received in WeChat, and not receivable here", payment_id=about[:40])
