"""The room's collaborators in production."""

from collections.abc import Mapping, Sequence
from functools import cache

from chalicelib import outside
from chalicelib.catalog.store import CatalogStore
from chalicelib.edge import observe
from chalicelib.ledger.balances import DebitGuards
from chalicelib.ledger.journal import Journal
from chalicelib.orders.model import UNSHIPPED
from chalicelib.orders.store import OrderStore
from chalicelib.providers.refunds import Refunded, RefundStatus
from chalicelib.refunds.model import REFUND, Word
from chalicelib.refunds.store import RefundStore
from chalicelib.refunds.usecases import (
    AcceptRefund,
    AdvanceRefund,
    CollectRefund,
    ReadRefunds,
    RefundHands,
    RefundUnshipped,
    SweepRefunds,
)
from chalicelib.settings import settings
from chalicelib.storage.due import DueList

authenticator = outside.authenticator


@cache
def store() -> RefundStore:
    """Return where refunds are kept."""
    return RefundStore(outside.table())


@cache
def accept_refund() -> AcceptRefund:
    """Return the way a refund is accepted."""
    return AcceptRefund(
        refunds=store(),
        orders=OrderStore(outside.table()),
        catalog=CatalogStore(outside.table()),
        journal=Journal(outside.table()),
        commits=outside.commits(),
        clock=outside.clock(),
    )


@outside.renewed
def collect_refund() -> CollectRefund:
    """Return the way released money is collected again."""
    from chalicelib.payments.wiring import wechatpay

    return CollectRefund(
        refunds=store(),
        journal=Journal(outside.table()),
        guards=DebitGuards(outside.table()),
        commits=outside.commits(),
        provider_name=wechatpay().name,
        provider=wechatpay().funds,
        platform=settings().wechatpay_mch_id,
    )


@outside.renewed
def advance_refund() -> AdvanceRefund:
    """Return the way refunds are brought to their end."""
    from chalicelib.payments.wiring import wechatpay

    return AdvanceRefund(
        refunds=store(),
        journal=Journal(outside.table()),
        commits=outside.commits(),
        clock=outside.clock(),
        provider_name=wechatpay().name,
        provider=wechatpay().refunds,
        collecting=collect_refund(),
        send_later=_send_later,
        tell=_tell,
        tell_delay=lambda delay: observe.count("RefundDelayed", delay=delay),
        tell_taken=_tell_taken,
    )


@cache
def sweep_refunds() -> SweepRefunds:
    """Return the way refunds under way are looked after."""
    return SweepRefunds(
        refunds=store(),
        accepting=accept_refund(),
        due=DueList(outside.table(), REFUND),
        commits=outside.commits(),
        clock=outside.clock(),
        send=_send,
    )


@cache
def refund_unshipped() -> RefundUnshipped:
    """Return the way the money of unshipped orders goes back."""
    return RefundUnshipped(
        orders=OrderStore(outside.table()),
        accepting=accept_refund(),
        due=DueList(outside.table(), UNSHIPPED),
        commits=outside.commits(),
        clock=outside.clock(),
        ship_days=settings().ship_days,
    )


@outside.renewed
def refund_hands() -> RefundHands:
    """Return what an operator can do."""
    return RefundHands(
        refunds=store(),
        journal=Journal(outside.table()),
        commits=outside.commits(),
        collecting=collect_refund(),
        send=_send,
    )


@cache
def read_refunds() -> ReadRefunds:
    """Return the way refunds are read."""
    return ReadRefunds(store())


def _send(commands: Sequence[Mapping[str, str]]) -> None:
    outside.commands_queue().send_many(commands)


def _send_later(command: Mapping[str, str], delay_seconds: int) -> None:
    outside.commands_queue().send(dict(command), delay_seconds=delay_seconds)


def _tell(word: Word, said: Refunded) -> None:
    """Count a provider's word about a refund, and alarm where a person must look."""
    observe.count("RefundWord", word=word, status=said.status)
    stuck = word is Word.BOOKED and said.status in {RefundStatus.ABNORMAL, RefundStatus.CLOSED}
    if stuck or word in {Word.CONTRADICTORY, Word.UNKNOWN}:
        observe.alarm(
            "a refund needs a person",
            word=word,
            status=said.status,
            number=said.number[:40],
            amount=said.amount.amount,
        )


def _tell_taken(seconds: int) -> None:
    observe.measure("RefundTakenSeconds", seconds, unit=observe.Unit.SECONDS)
