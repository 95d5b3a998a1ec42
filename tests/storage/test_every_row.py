"""All rows of a partition, however many pages they take."""

from chalicelib.disputes.model import Dispute, DisputeState, Evidence, Party
from chalicelib.disputes.store import DisputeStore
from chalicelib.kernel.ids import DisputeId, EvidenceId, OrderId
from chalicelib.storage import keys
from chalicelib.storage.table import Put, Table, every_row
from chalicelib.storage.values import Key
from tests.fakes.clock import START
from tests.fakes.house import House


def test_rows_beyond_a_page_are_walked_too(table: Table) -> None:
    spots = [Key(keys.MAIN, "some", f"row/{number:03}") for number in range(250)]
    for start in range(0, 250, 25):
        table.write_batch([Put(spot, {}) for spot in spots[start : start + 25]], ())
    found = [key for key, _ in every_row(table, keys.MAIN, "some", between=("row/", "row/~"))]
    assert found == spots


def test_who_answered_last_of_many_has_answered(quick_house: House) -> None:
    order_id = OrderId.derive("disputed")
    dispute = Dispute(
        id=DisputeId.derive("dispute"),
        order_id=order_id,
        state=DisputeState.OPEN,
        reason="空包裹",
        opened_at=START,
        decide_by=START,
    )
    names = sorted(EvidenceId.derive(str(number)) for number in range(120))
    store = DisputeStore(quick_house.table)
    for name in names:
        said = Evidence(
            id=name,
            order_id=order_id,
            dispute_id=dispute.id,
            party=Party.MERCHANT if name == names[-1] else Party.SHOPPER,
            said_at=START,
            text="说",
        )
        with quick_house.commits() as work:
            store.said(work, said)
    found = store.evidence(dispute)
    assert len(found) == 120
    assert any(one.party is Party.MERCHANT for one in found)
