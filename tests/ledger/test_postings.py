"""Every movement of money: balanced, keyed, and guarded where it must be."""

import pytest

from chalicelib.kernel.ids import MerchantId, OrderId, PaymentId
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger import postings
from chalicelib.ledger.chart import Side
from chalicelib.ledger.journal import balances, entry_of, read_entry
from chalicelib.ledger.movement import Guard, Movement, Posting, assert_balanced
from chalicelib.storage.commit import CommitRefusedError
from tests.fakes.clock import START
from tests.fakes.house import House

PAYMENT, ORDER, MERCHANT = PaymentId.derive("p"), OrderId.derive("o"), MerchantId.derive("m")

MOVEMENTS: dict[str, tuple[Movement, dict[str, int]]] = {
    "captured": (
        postings.captured(
            PAYMENT,
            order_id=ORDER,
            merchant_id=MERCHANT,
            provider="wechatpay",
            amount=fen(3998),
            reference="42",
        ),
        {"provider:wechatpay:clearing": 3998, f"merchant:{MERCHANT}:held": -3998},
    ),
    "captured late": (
        postings.captured_late(
            PAYMENT, order_id=ORDER, provider="wechatpay", amount=fen(3998), reference="42"
        ),
        {"provider:wechatpay:clearing": 3998, "platform:suspense": -3998},
    ),
    "parked": (
        postings.parked("wechatpay/abc", provider="wechatpay", amount=fen(7), reference="42"),
        {"provider:wechatpay:clearing": 7, "platform:suspense": -7},
    ),
    "released": (
        postings.released(ORDER, 1, merchant_id=MERCHANT, amount=fen(3998), fee=fen(24)),
        {
            f"merchant:{MERCHANT}:held": 3998,
            f"merchant:{MERCHANT}:available": -3974,
            "platform:fees": -24,
        },
    ),
    "released, no fee": (
        postings.released(ORDER, 2, merchant_id=MERCHANT, amount=fen(3998), fee=fen(0)),
        {f"merchant:{MERCHANT}:held": 3998, f"merchant:{MERCHANT}:available": -3998},
    ),
    "released, all of it fee": (
        postings.released(ORDER, 3, merchant_id=MERCHANT, amount=fen(1), fee=fen(1)),
        {f"merchant:{MERCHANT}:held": 1, "platform:fees": -1},
    ),
}


@pytest.mark.parametrize("name", MOVEMENTS)
def test_where_money_goes(name: str) -> None:
    movement, expected = MOVEMENTS[name]
    entry = entry_of(movement, at=START)
    assert {account: of["CNY"] for account, of in balances([entry]).items()} == expected
    assert read_entry({"entry": entry.model_dump_json()}) == entry


def test_a_payment_is_captured_once_in_time_or_late() -> None:
    assert MOVEMENTS["captured"][0].key == MOVEMENTS["captured late"][0].key
    assert MOVEMENTS["captured"][0].key == f"captured/{PAYMENT}"


def test_a_release_is_guarded_by_what_the_order_holds() -> None:
    movement, _ = MOVEMENTS["released"]
    assert movement.guards == (Guard(account=f"escrow:{ORDER}", amount=fen(3998)),)


def test_a_fee_is_a_part_of_what_is_released() -> None:
    with pytest.raises(AssertionError):
        postings.released(ORDER, 1, merchant_id=MERCHANT, amount=fen(10), fee=fen(11))


def test_a_small_parts_fee_may_give_a_fen_back() -> None:
    movement = postings.released(ORDER, 1, merchant_id=MERCHANT, amount=fen(10), fee=fen(-1))
    sides = {one.account: (one.side, one.amount.amount) for one in movement.postings}
    assert sides["platform:fees"] == (Side.DEBIT, 1)
    assert sides[f"merchant:{MERCHANT}:available"] == (Side.CREDIT, 11)


@pytest.mark.parametrize("amount", [fen(0), fen(-1)])
def test_nothing_and_less_than_nothing_do_not_move(amount: Money) -> None:
    with pytest.raises(AssertionError):
        postings.parked("x", provider="wechatpay", amount=amount, reference="42")


def test_an_entry_that_does_not_balance_is_our_bug() -> None:
    lame = (Posting(account="a", side=Side.DEBIT, amount=fen(1)),)
    with pytest.raises(AssertionError):
        assert_balanced(lame)
    two_currencies = (
        *lame,
        Posting(account="b", side=Side.CREDIT, amount=Money(amount=1, currency="USD")),
    )
    with pytest.raises(AssertionError):
        assert_balanced(two_currencies)


def test_only_a_release_is_guarded() -> None:
    guarded = {name for name, (movement, _) in MOVEMENTS.items() if movement.guards}
    assert guarded == {name for name in MOVEMENTS if name.startswith("released")}


def test_a_movement_whose_guards_are_not_in_the_commit_is_our_bug(quick_house: House) -> None:
    guarded = MOVEMENTS["parked"][0].evolve(guards=(Guard(account="wallet", amount=fen(7)),))
    with pytest.raises(AssertionError, match="guard"), quick_house.commits() as work:
        quick_house.journal.post(work, guarded, event="x.done", about="x")
    assert quick_house.entries() == []


def test_posting_twice_is_impossible_for_ever(house: House) -> None:
    movement = MOVEMENTS["captured"][0]
    with house.commits() as work:
        house.journal.post(work, movement, event="payment.captured", about=PAYMENT)
    with pytest.raises(CommitRefusedError) as refused, house.commits() as work:
        house.journal.post(work, movement, event="payment.captured", about=PAYMENT)
    old = refused.value.refusals["journal"]
    assert old is not None
    assert read_entry(old) == house.journal.find(movement.key)
    assert len(house.entries()) == 1
