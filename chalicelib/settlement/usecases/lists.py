"""Payouts by merchant and by day, kept by following the numbered list."""

from dataclasses import dataclass

from chalicelib.kernel.ids import PayoutId
from chalicelib.ledger.numbered import Batch
from chalicelib.settlement.model import CREATED
from chalicelib.settlement.store import filed
from chalicelib.storage.batches import Batches


@dataclass(frozen=True, slots=True)
class FilePayouts:
    """Files every payout under its merchant and its business day; where it stands, it says."""

    batches: Batches

    def read(self, batch: Batch) -> None:
        """File a batch; a payout has its place, so filing it again changes nothing."""
        self.batches.put(
            [
                put
                for row in (numbered.row for numbered in batch.rows)
                if row.kind == CREATED
                for put in filed(PayoutId(row.about), row.facts["merchant_id"], row.facts["day"])
            ]
        )
