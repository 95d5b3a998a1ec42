"""What a capture does while the database conflicts, throttles or stays silent."""

from collections.abc import Sequence

import pytest
from typing_extensions import override

from chalicelib.kernel.money import fen
from chalicelib.payments.model import Booking
from chalicelib.storage.commit import CommitExhaustedError
from chalicelib.storage.table import (
    Action,
    Reason,
    ReasonCode,
    StoreSilentError,
    StoreThrottledError,
    TransactionCancelledError,
)
from tests.fakes.house import House
from tests.fakes.table import MemoryTable


class TroubledTable(MemoryTable):
    """Fails the next commits as it is told; `after` means that it was done all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.troubles: list[str] = []
        self.attempts = 0

    @override
    def transact(self, actions: Sequence[Action], token: str) -> None:
        self.attempts += 1
        trouble = self.troubles.pop(0) if self.troubles else ""
        match trouble:
            case "conflict" | "throttle":
                code = ReasonCode.CONFLICT if trouble == "conflict" else ReasonCode.THROTTLED
                reasons = [Reason(ReasonCode.NONE)] * (len(actions) - 1)
                raise TransactionCancelledError([Reason(code), *reasons])
            case "mixed":  # one item was held by another transaction, one condition failed
                reasons = [Reason(ReasonCode.CONFLICT), Reason(ReasonCode.CONDITION)]
                rest = [Reason(ReasonCode.NONE)] * (len(actions) - 2)
                raise TransactionCancelledError(reasons + rest)
            case "over capacity":
                raise StoreThrottledError(trouble)
            case "silent":
                raise StoreSilentError(trouble)
            case "silent after":
                super().transact(actions, token)
                raise StoreSilentError(trouble)
            case _:
                super().transact(actions, token)


@pytest.fixture
def troubled() -> tuple[House, TroubledTable]:
    table = TroubledTable()
    return House(table), table


@pytest.mark.parametrize(
    "trouble", ["conflict", "throttle", "mixed", "over capacity", "silent", "silent after"]
)
def test_passing_trouble_is_outlasted_and_money_moves_once(
    troubled: tuple[House, TroubledTable], trouble: str
) -> None:
    house, table = troubled
    order = house.order()
    house.payment(order)
    collected = house.provider.pay(house.payment(order).id)
    table.troubles = [trouble] * 3
    assert house.capture.capture(collected) is Booking.CAPTURED
    assert house.head(order.id).held == fen(3998)
    assert len(house.entries()) == 1


def test_trouble_that_stays_ends_inside_the_budget(troubled: tuple[House, TroubledTable]) -> None:
    house, table = troubled
    order = house.order()
    collected = house.provider.pay(house.payment(order).id)
    table.troubles = ["throttle"] * 1000
    table.attempts = 0
    with pytest.raises(CommitExhaustedError):
        house.capture.capture(collected, budget_seconds=4.0)
    assert sum(house.clock.pauses) <= 4.0 - 1.5  # the last attempt may take its time
    assert 5 < table.attempts < 100
    table.troubles = []
    assert house.capture.capture(collected) is Booking.CAPTURED
