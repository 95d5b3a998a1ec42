"""The room's collaborators in production.

What a notification needs is imported with the page; what other verbs need, where it is built.
"""

import json
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from chalicelib import outside
from chalicelib.edge import observe
from chalicelib.ledger.journal import Journal
from chalicelib.orders.store import OrderStore
from chalicelib.payments.model import Booking
from chalicelib.payments.store import PaymentStore
from chalicelib.payments.usecases.capture import Capture, Hear
from chalicelib.providers.port import Collected, Heard, NotificationRefusedError
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.client import WeChatPay
from chalicelib.settings import FundsModel, settings

if TYPE_CHECKING:
    from chalicelib.payments.usecases.ask import AskAboutPayment
    from chalicelib.payments.usecases.certificates import RefreshCertificates
    from chalicelib.payments.usecases.close import CloseOrder
    from chalicelib.payments.usecases.offers import Providers
    from chalicelib.payments.usecases.start import StartPayment

authenticator = outside.authenticator

_FALLBACKS = {"https://api.mch.weixin.qq.com": "https://api2.mch.weixin.qq.com"}
"""WeChat Pay's own second host, for when the first can't be reached."""

_LEARN_SECONDS = 600.0
_learned_at = 0.0


@outside.renewed
def wechatpay() -> WeChatPay:
    """Return WeChat Pay, knowing the certificates that were downloaded before this start."""
    configured = settings()
    public_key = configured.wechatpay_public_key
    previous = configured.wechatpay_api_v3_key_previous
    account = WeChatPayAccount(
        mch_id=configured.wechatpay_mch_id,
        app_id=configured.wechatpay_app_id,
        serial_no=outside.secret(configured.wechatpay_serial_no),
        private_key_pem=partial(outside.secret, configured.wechatpay_private_key),
        api_v3_key=outside.secret(configured.wechatpay_api_v3_key),
        api_v3_key_previous=outside.secret(previous) or None,
        public_key_id=outside.secret(configured.wechatpay_public_key_id) or None,
        public_key_pem=outside.secret(public_key) or None,
        base_url=configured.wechatpay_base_url,
        fallback_url=configured.wechatpay_fallback_url
        or _FALLBACKS.get(configured.wechatpay_base_url),
        notify_url=f"{configured.public_base_url}/v1/notifications/wechatpay",
    )
    return WeChatPay(
        account,
        transport=outside.transport(),
        clock=outside.clock(),
        randomness=outside.randomness,
        certificates=PaymentStore(outside.table()).certificates(WeChatPay.name),
        tell=partial(outside.tell_call, WeChatPay.name),
    )


def heard_in(headers: Mapping[str, str], body: bytes) -> "Heard":
    """Return what WeChat Pay says; what can't be opened is tried with keys that changed since."""
    try:
        return wechatpay().read_notification(headers, body)
    except NotificationRefusedError as refused:
        if refused.reason not in {"ciphertext", "serial"} or not outside.look_again():
            raise
    return wechatpay().read_notification(headers, body)


@outside.renewed
def providers() -> "Providers":
    """Return the providers that are offered here."""
    from chalicelib.payments.usecases.offers import offered

    return offered([wechatpay()])


@cache
def capture() -> Capture:
    """Return the way money is booked."""
    return Capture(
        payments=PaymentStore(outside.table()),
        orders=OrderStore(outside.table()),
        journal=Journal(outside.table()),
        commits=outside.commits(),
        tell=tell,
    )


def start_payment() -> "StartPayment":
    """Return the way a payment is started; here certificates that others downloaded are learnt.

    Never on a notification's path, which has no time for it.
    """
    global _learned_at  # noqa: PLW0603  when this process last looked
    now = outside.clock().monotonic()
    if now - _learned_at > _LEARN_SECONDS:
        _learned_at = now
        refresh_certificates().learn()
    return _start_payment()


@outside.renewed
def _start_payment() -> "StartPayment":
    from chalicelib.payments.usecases.start import StartPayment
    from chalicelib.people.wiring import seller_of

    return StartPayment(
        table=outside.table(),
        payments=PaymentStore(outside.table()),
        commits=outside.commits(),
        providers=providers(),
        capture=capture(),
        clock=outside.clock(),
        seller_of=seller_of,
        unfreezes=settings().funds_model is FundsModel.PARTNER,
    )


@outside.renewed
def close_order() -> "CloseOrder":
    """Return the way an overdue order is closed."""
    from chalicelib.catalog.store import CatalogStore
    from chalicelib.payments.usecases.close import CloseOrder

    return CloseOrder(
        payments=PaymentStore(outside.table()),
        orders=OrderStore(outside.table()),
        catalog=CatalogStore(outside.table()),
        commits=outside.commits(),
        providers=providers(),
        capture=capture(),
        clock=outside.clock(),
        tell=lambda closing: observe.count("OrderClosing", outcome=closing),
    )


@outside.renewed
def refresh_certificates() -> "RefreshCertificates":
    """Return the keeper of WeChat Pay's certificates."""
    from chalicelib.payments.usecases.certificates import RefreshCertificates

    return RefreshCertificates(
        payments=PaymentStore(outside.table()),
        commits=outside.commits(),
        provider=wechatpay(),
        clock=outside.clock(),
    )


@outside.renewed
def ask_about_payment() -> "AskAboutPayment":
    """Return the way payments are asked about."""
    from chalicelib.payments.usecases.ask import AskAboutPayment

    return AskAboutPayment(
        payments=PaymentStore(outside.table()),
        providers=providers(),
        capture=capture(),
        send_later=_send_later,
    )


@cache
def hear() -> Hear:
    """Return the way a provider's word is heard."""
    return Hear(capture=capture(), queue=_queue)


def hand_on(command: Mapping[str, str]) -> None:
    """Queue what another room does, before its word is acknowledged."""
    outside.commands_queue().send(dict(command))


def _send_later(command: Mapping[str, str], delay_seconds: int) -> None:
    outside.commands_queue().send(dict(command), delay_seconds=delay_seconds)


def _queue(collected: Collected) -> None:
    outside.bookings_queue().send({"collected": collected.model_dump_json()})
    observe.count("NotificationQueued", provider=collected.provider)


def tell(booking: Booking, collected: Collected) -> None:
    """Count what became of reported money, and alarm where a person must look."""
    observe.count(
        "NotificationBooked",
        provider=collected.provider,
        booking=booking,
        facts={"number": collected.number[:40], "transaction_id": collected.transaction_id[:40]},
    )
    if booking in {Booking.CONTRADICTORY, Booking.UNKNOWN, Booking.LATE}:
        observe.alarm(
            "money went to suspense",
            booking=booking,
            number=json.dumps(collected.number[:40]),
            amount=collected.amount.amount,
            currency=collected.amount.currency,
        )
