"""What threads do to an order and a stock is linearizable: on the embedded AWS, on PostgreSQL."""

import random
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.catalog.model import OutOfStockError
from chalicelib.orders.model import OrderState, Wanted
from chalicelib.payments.model import Booking
from chalicelib.storage.commit import CommitRefusedError
from tests.conftest import dynamo_table
from tests.fakes.house import House
from tests.simulation.linear import Operation, Recorder, is_linearizable

THREADS, ROUNDS = 8, 12
REAL = [
    pytest.param("emulator", marks=pytest.mark.emulator),
    pytest.param("postgres", marks=pytest.mark.postgres),
]


def order_step(state: Any, name: str, argument: Hashable) -> tuple[Hashable, Hashable]:
    """An order: which payments were captured, and whether it is unpaid, paid or closed."""
    stands, captured = state
    match name:
        case "capture" if argument in captured:
            return state, Booking.REPEATED
        case "capture":
            in_time = stands == OrderState.UNPAID
            following = OrderState.PAID if in_time else stands
            answer = Booking.CAPTURED if in_time else Booking.LATE
            return (following, captured | {argument}), answer
        case "close" if stands == OrderState.UNPAID:
            return (OrderState.CLOSED, captured), True
        case "close":
            return state, False
        case _:
            return state, stands


def stock_step(left: Any, name: str, quantity: Hashable) -> tuple[Hashable, Hashable]:
    """A stock: what is left."""
    assert isinstance(quantity, int)
    if name == "look":
        return left, left
    return (left - quantity, True) if left >= quantity else (left, False)


def at_once(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))


@pytest.fixture(params=REAL)
def house(request: pytest.FixtureRequest) -> House:
    if request.param == "postgres":
        return House(request.getfixturevalue("postgres_table"))
    return House(dynamo_table(request.getfixturevalue("emulator_client")))


def test_an_orders_history_is_linearizable(house: House) -> None:
    for number in range(6):
        order = house.order()
        words = [house.provider.pay(house.payment(order).id) for _ in range(3)]
        recorder = Recorder()

        def close(order_id: Any = order.id) -> bool:
            try:
                with house.commits() as work:
                    house.orders.closed(work, order_id)
                    work.emit("order.closed", order_id)
            except CommitRefusedError:
                return False
            return True

        def act(
            thread: int, order: Any = order, words: Any = words, recorder: Any = recorder
        ) -> None:
            draw = random.Random(number * 100 + thread)  # noqa: B023, S311  it is repeatable
            for _ in range(ROUNDS // 2):
                word = draw.choice(words)
                match draw.choice("ccccxl"):
                    case "c":
                        recorder.record(
                            "capture", word.number, lambda w=word: house.capture.capture(w)
                        )
                    case "x":
                        recorder.record("close", None, close)
                    case _:
                        recorder.record("look", None, lambda: house.head(order.id).state)

        at_once(act)
        assert len(recorder.history) == THREADS * (ROUNDS // 2)
        assert is_linearizable(recorder.history, (OrderState.UNPAID, frozenset()), order_step)


def test_a_stocks_history_is_linearizable(house: House) -> None:
    merchant_id = house.merchant()
    product_id = house.product(merchant_id, stock=25)
    members = [house.member(f"m{number}") for number in range(THREADS)]
    recorder = Recorder()

    def act(thread: int) -> None:
        draw = random.Random(thread)  # noqa: S311  it is repeatable
        for number in range(ROUNDS // 2):
            quantity = draw.randint(1, 3)

            def place(quantity: int = quantity, number: int = number) -> bool:
                wanted = [Wanted(product_id=product_id, quantity=quantity)]
                try:
                    house.place_order.place(members[thread], merchant_id, wanted, key=str(number))
                except OutOfStockError:
                    return False
                return True

            recorder.record("take", quantity, place)
            recorder.record("look", 0, lambda: house.stock(product_id))

    at_once(act)
    assert is_linearizable(recorder.history, 25, stock_step)


@pytest.mark.parametrize(
    ("answers", "holds"),
    [
        ([("take", 2, True), ("look", 0, 1)], True),
        ([("take", 2, True), ("look", 0, 3)], False),  # a stale read
        ([("take", 2, True), ("take", 2, True)], False),  # sold twice
        ([("take", 4, False), ("take", 3, True), ("look", 0, 0)], True),
    ],
)
def test_the_checker_tells_right_from_wrong(
    answers: list[tuple[str, int, Hashable]], holds: object
) -> None:
    history = [
        Operation(number * 10, number * 10 + 5, name, argument, answer)
        for number, (name, argument, answer) in enumerate(answers)
    ]
    assert is_linearizable(history, 3, stock_step) is holds


def test_operations_that_overlap_may_have_come_in_either_order() -> None:
    late_look = Operation(0, 100, "look", 0, 3)
    take = Operation(10, 20, "take", 2, True)
    assert is_linearizable([take, late_look], 3, stock_step)
    assert not is_linearizable([take, Operation(30, 40, "look", 0, 3)], 3, stock_step)
