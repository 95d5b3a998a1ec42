"""Many commits' traces at once, as if their verbs had run: to see how the sequencer grows."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.kernel.clock import instant_text
from chalicelib.kernel.ids import MemberId, MerchantId, OrderId, PaymentId
from chalicelib.kernel.money import fen
from chalicelib.ledger import postings
from chalicelib.ledger.journal import entry_of
from chalicelib.storage import keys, outbox
from chalicelib.storage.batches import Batches
from chalicelib.storage.table import Put
from chalicelib.storage.values import Item

MERCHANTS = [MerchantId.derive("bench", str(number)) for number in range(100)]
_MEMBER = MemberId.derive("bench")


ROWS_AN_ORDER = 3


@dataclass(frozen=True, slots=True)
class Paid:
    """One order as it is left when it is paid: journal entry, order head, three outbox rows."""

    number: int
    run: str

    def puts(self) -> Iterator[Put]:
        """Return the items."""
        at = datetime.now(UTC)
        order_id = OrderId.derive(self.run, str(self.number))
        payment_id = PaymentId.derive(self.run, str(self.number))
        merchant_id = MERCHANTS[self.number % len(MERCHANTS)]
        movement = postings.captured(
            payment_id,
            order_id=order_id,
            merchant_id=merchant_id,
            provider="wechatpay",
            amount=fen(1 + self.number % 9999),
            reference=f"42000{payment_id[-23:]}",
        )
        text = entry_of(movement, at=at).model_dump_json()
        yield Put(keys.order(order_id), _head(merchant_id, 1 + self.number % 9999, at))
        yield Put(keys.journal(movement.key), {"entry": text})
        placed: Item = {"expires_at": instant_text(at), "merchant_id": merchant_id}
        started: Item = {"order_id": order_id, "merchant_id": merchant_id}
        yield _row(order_id, "order.placed", order_id, at, placed)
        yield _row(order_id, "payment.started", payment_id, at, started)
        yield _row(order_id, "payment.captured", payment_id, at, {}, entry=text)


def _head(merchant_id: MerchantId, amount: int, at: datetime) -> Item:
    return {
        "member": _MEMBER,
        "merchant": merchant_id,
        "state": "paid",
        "total": amount,
        "due": 0,
        "held": amount,
        "currency": "CNY",
        "subject": "高山乌龙茶",
        "created_at": instant_text(at),
        "expires_at": instant_text(at),
        "request": "",
    }


def _row(
    order_id: OrderId, kind: str, about: str, at: datetime, facts: Item, entry: str | None = None
) -> Put:
    row_id, shard = outbox.new_row_id(at, os.urandom), outbox.shard_of(order_id)
    return outbox.row_put(row_id, shard, kind=kind, about=about, at=at, facts=facts, entry=entry)


def write(batches: Batches, run: str, numbers: range) -> None:
    """Write the traces of so many orders."""
    for start in range(numbers.start, numbers.stop, 1000):
        some = range(start, min(start + 1000, numbers.stop))
        puts = [put for number in some for put in Paid(number, run).puts()]
        batches.put([Put(put.key, put.item) for put in puts])
