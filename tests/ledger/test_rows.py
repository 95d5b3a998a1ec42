"""The largest entry of every kind still fits into an outbox row of 1 KB."""

import os

import pytest

from chalicelib.kernel import trace
from chalicelib.kernel.ids import MerchantId, OrderId, PartnerId, PaymentId, PayoutId
from chalicelib.kernel.money import fen
from chalicelib.ledger import postings
from chalicelib.ledger.journal import entry_of
from chalicelib.ledger.movement import Movement
from chalicelib.orders.model import TOTAL_FEN_MAX
from chalicelib.people.model import PARTNERS_MAX
from chalicelib.storage import outbox
from chalicelib.storage.table import Put
from tests.fakes.clock import START

ORDER, MERCHANT, PAYOUT = OrderId.derive("o"), MerchantId.derive("m"), PayoutId.derive("p")
PART = fen(TOTAL_FEN_MAX // 10)
SHARES = [(PartnerId.derive(str(number)), PART) for number in range(PARTNERS_MAX)]
MOST = fen(10**14)
LARGEST = {
    "payment.captured_late": postings.captured_late(
        PaymentId.derive("p"),
        order_id=ORDER,
        provider="wechatpay",
        amount=fen(TOTAL_FEN_MAX),
        reference="4" * 32,
    ),
    "order.part_released": postings.released(
        ORDER, 99_999, merchant_id=MERCHANT, amount=fen(TOTAL_FEN_MAX), fee=PART, shares=SHARES
    ),
    "payout.shared": postings.shared(
        PAYOUT,
        order_id=ORDER,
        merchant_id=MERCHANT,
        provider="wechatpay",
        paid=SHARES[:1],
        missed=SHARES[1:],
        fee_missed=PART,
    ),
    "payout.created": postings.settled(MERCHANT, "2026-11-24", amount=MOST, debt=fen(10**13)),
    "payout.failed": postings.payout_failed(PAYOUT, merchant_id=MERCHANT, amount=MOST),
    "merchant.advanced": postings.advanced(MERCHANT, "f" * 32, amount=MOST),
}


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_entry_fits(kind: str) -> None:
    movement: Movement = LARGEST[kind]
    facts: dict[str, str] = {"merchant_id": MERCHANT}
    if kind != "order.part_released":
        facts["day"] = "2026-11-24"
    put = largest(kind, movement, facts, trace_="f" * 32)
    assert outbox.read_row(put.key, put.item).trace == "f" * 32, "nor does its trace cost any more"


def test_a_row_without_room_goes_without_its_trace() -> None:
    kind, facts = "order.part_released", {"merchant_id": str(MERCHANT), "day": "2026-11-24"}
    put = largest(kind, LARGEST[kind], facts, trace_="f" * 32)
    assert outbox.read_row(put.key, put.item).trace == ""


def test_a_row_of_old_is_read() -> None:
    put = largest("payout.failed", LARGEST["payout.failed"], {}, trace_="")
    assert "t" not in put.item
    assert outbox.read_row(put.key, put.item).trace == ""


def largest(kind: str, movement: Movement, facts: dict[str, str], *, trace_: str) -> Put:
    with trace.within(trace_):
        return outbox.row_put(
            outbox.new_row_id(START, os.urandom),
            0,
            kind=kind,
            about=PAYOUT,
            at=START,
            facts=dict(facts),
            entry=entry_of(movement, at=START.replace(microsecond=123456)).model_dump_json(),
        )
