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


@dataclass(frozen=True, slots=True)
class Paid:
    """One order as its capture leaves it: journal entry, order head, outbox row."""

    number: int
    run: str

    def puts(self) -> Iterator[Put]:
        """Return the items."""
        at = datetime.now(UTC)
        order_id = OrderId.derive(self.run, str(self.number))
        merchant_id = MERCHANTS[self.number % len(MERCHANTS)]
        payment_id = PaymentId.derive(self.run, str(self.number))
        amount = fen(1 + self.number % 9999)
        movement = postings.captured(
            payment_id,
            order_id=order_id,
            merchant_id=merchant_id,
            provider="wechatpay",
            amount=amount,
            reference=f"42000{payment_id[-23:]}",
        )
        text = entry_of(movement, at=at).model_dump_json()
        head: Item = {
            "member": _MEMBER,
            "merchant": merchant_id,
            "state": "paid",
            "total": amount.amount,
            "due": 0,
            "held": amount.amount,
            "currency": "CNY",
            "subject": "高山乌龙茶",
            "created_at": instant_text(at),
            "expires_at": instant_text(at),
            "request": "",
        }
        yield Put(keys.order(order_id), head)
        yield Put(keys.journal(movement.key), {"entry": text})
        yield outbox.row_put(
            outbox.new_row_id(at, os.urandom),
            outbox.shard_of(order_id),
            kind="payment.captured",
            about=payment_id,
            at=at,
            facts={},
            entry=text,
        )


def write(batches: Batches, run: str, numbers: range) -> None:
    """Write the traces of so many captures."""
    for start in range(numbers.start, numbers.stop, 1000):
        some = range(start, min(start + 1000, numbers.stop))
        puts = [put for number in some for put in Paid(number, run).puts()]
        batches.put([Put(put.key, put.item) for put in puts])
