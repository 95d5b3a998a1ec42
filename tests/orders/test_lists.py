"""Merchants' lists of orders: an order is where it stands, whoever was slow."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from typing_extensions import override

from chalicelib.orders import rules
from chalicelib.orders.model import OrderState
from chalicelib.orders.store import EVERYWHERE
from chalicelib.orders.usecases import ListOrders
from chalicelib.storage.values import Item, Key
from tests.fakes.house import House
from tests.fakes.table import MemoryTable


class Interrupted(MemoryTable):
    """Lets something happen right after orders were read."""

    def __init__(self) -> None:
        super().__init__()
        self.interruptions: list[Callable[[], object]] = []

    @override
    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        found = super().get_many(keys)
        if keys[0].pk.startswith("ord_") and self.interruptions:
            self.interruptions.pop(0)()
        return found


def listed_by_a_slow_reader(house: House, table: Interrupted) -> list[str]:
    """Let a reader with an old view of an order go on after the order was paid; say where it is."""
    order = house.order()
    word = house.provider.pay(house.payment(order).id)
    house.sequencer.run()

    def paid_meanwhile() -> None:
        house.capture.capture(word)
        house.sequencer.run()

    table.interruptions = [lambda: None, paid_meanwhile]  # it guesses wrong, then looks
    ListOrders(house.orders, house.batches).bring_up_to_date([order.id], new={order.id})
    places = house.orders.places(house.head(order.id))
    return [place for place, put in places.items() if put.key in table.items]


def test_a_slow_reader_never_moves_an_order_back() -> None:
    table = Interrupted()
    assert listed_by_a_slow_reader(House(table), table) == [EVERYWHERE, OrderState.PAID]


def test_that_test_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "is_behind", lambda listed, state: listed != state)
    table = Interrupted()
    assert listed_by_a_slow_reader(House(table), table) != [EVERYWHERE, OrderState.PAID]


@pytest.mark.parametrize("listed", [None, *OrderState])
def test_an_order_is_behind_only_where_it_can_have_been(listed: OrderState | None) -> None:
    assert rules.is_behind(listed, OrderState.REFUNDED) is (
        listed not in {OrderState.REFUNDED, OrderState.CLOSED}
    )
    assert rules.is_behind(listed, OrderState.UNPAID) is (listed is None)
