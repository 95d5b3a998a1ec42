"""An order's life in any order of events, step by step: the books are right after every step."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from typing_extensions import override

from chalicelib.kernel.money import Money, fen
from chalicelib.orders.model import Order
from chalicelib.providers.port import Collected
from tests.fakes.rooms import TTL_SECONDS
from tests.simulation.invariants import check
from tests.simulation.stage import Stage


class Life(RuleBasedStateMachine):
    """Shoppers, payments, words of the provider, waiting and closing, as hypothesis likes."""

    orders = Bundle("orders")
    payments = Bundle("payments")
    words = Bundle("words")

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage()
        self.merchant_id = self.stage.merchant()
        self.product_id = self.stage.product(self.merchant_id, stock=5, shards=2)
        self.member_id = self.stage.rooms.sign_in.sign_in("a").id

    @rule(target=orders, quantity=st.integers(1, 3), key=st.sampled_from("abcd"))
    def place(self, quantity: int, key: str) -> Any:
        placed: list[Order] = []
        self.stage.attempt(
            lambda: placed.append(
                self.stage.order(
                    self.member_id, self.merchant_id, self.product_id, quantity=quantity, key=key
                )
            )
        )
        return placed[0] if placed else None

    @rule(target=payments, order=orders, key=st.sampled_from("xy"))
    def start(self, order: Order | None, key: str) -> Any:
        if order is None:
            return None
        start = self.stage.rooms.start_payment.start
        numbers: list[str] = []
        self.stage.attempt(
            lambda: numbers.append(start(self.member_id, order.id, "wechatpay", key=key).payment.id)
        )
        return numbers[0] if numbers else None

    @rule(target=words, number=payments)
    def pay(self, number: str | None) -> Any:
        return None if number is None else self.stage.provider.pay(number)

    @rule(word=words, times=st.integers(1, 3))
    def say(self, word: Collected | None, times: int) -> None:
        for _ in range(times if word else 0):
            assert word is not None
            self.stage.deliver(word)

    @rule(word=consumes(words), amount=st.integers(1, 9999))
    def lie(self, word: Collected | None, amount: int) -> None:
        if word is not None:
            self.stage.deliver(word.evolve(amount=fen(amount)))

    @rule(seconds=st.sampled_from([10, TTL_SECONDS, TTL_SECONDS + 61]))
    def wait(self, seconds: int) -> None:
        self.stage.world.pause(seconds)

    @rule()
    def sweep(self) -> None:
        self.stage.attempt(self.stage.rooms.sweep.sweep)
        while self.stage.commands.messages:
            self.stage.attempt(self.stage.work_commands)

    @invariant()
    def the_books_are_right(self) -> None:
        check(self.stage, settled=False)

    @override
    def teardown(self) -> None:
        self.stage.settle()
        check(self.stage, settled=True)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


def test_an_amount_of_another_currency_is_not_the_same_money() -> None:
    assert Money(amount=1, currency="USD") != fen(1)
