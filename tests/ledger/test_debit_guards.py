"""Accounts that many share and nobody may overdraw: two counters, one condition."""

import pytest

from chalicelib.kernel.ids import EntryId, MerchantId
from chalicelib.kernel.money import fen
from chalicelib.ledger import chart
from chalicelib.ledger.balances import InsufficientFundsError
from chalicelib.ledger.chart import Account, Side
from chalicelib.ledger.movement import Guard, Movement, Posting, assert_balanced
from chalicelib.storage.commit import CommitRefusedError
from tests.fakes.house import House

MERCHANT = MerchantId.derive("m")
AVAILABLE = chart.merchant_available(MERCHANT)


def moved(key: str, amount: int, debit: Account, credit: Account) -> Movement:
    """Move money as a later verb will: the guard follows from the account's kind."""
    lines = ((debit, Side.DEBIT), (credit, Side.CREDIT))
    postings = tuple(
        Posting(account=account.name, side=side, amount=fen(amount)) for account, side in lines
    )
    assert_balanced(postings)
    guarded = debit.kept is chart.Kept.COUNTED
    guards = (Guard(account=debit.name, amount=fen(amount)),) if guarded else ()
    return Movement(
        kind="moved", key=key, reference="", order_id=None, postings=postings, guards=guards
    )


def credit(house: House, key: str, amount: int) -> None:
    movement = moved(key, amount, chart.PLATFORM_SUSPENSE, AVAILABLE)
    with house.commits() as work:
        house.journal.post(work, movement, event="moved", about=EntryId.derive(key))


def debit(house: House, key: str, amount: int) -> None:
    movement = moved(key, amount, AVAILABLE, chart.merchant_payout(MERCHANT))
    with house.commits() as work:
        for guard in movement.guards:
            house.debit_guards.cover(work, guard)
        house.journal.post(
            work, movement, event="moved", about=EntryId.derive(key), guarded=movement.guards
        )


def test_a_debit_passes_up_to_what_is_folded_and_no_further(house: House) -> None:
    credit(house, "in/1", 1000)
    with pytest.raises(InsufficientFundsError):
        debit(house, "out/early", 1)  # a late fold refuses
    house.sequencer.run()
    debit(house, "out/1", 600)
    with pytest.raises(CommitRefusedError):
        debit(house, "out/2", 401)
    debit(house, "out/3", 400)
    with pytest.raises(CommitRefusedError):
        debit(house, "out/4", 1)
    credit(house, "in/2", 5)
    house.sequencer.run()
    debit(house, "out/5", 5)
    house.sequencer.run()
    shown = house.read_books.of_merchant(MERCHANT)
    assert (shown.available, shown.in_payout) == (fen(0), fen(1005))


def test_two_debits_at_once_can_not_both_take_the_last(house: House) -> None:
    credit(house, "in", 100)
    house.sequencer.run()
    guard = Guard(account=AVAILABLE.name, amount=fen(100))
    with pytest.raises(CommitRefusedError), house.commits() as slower:
        house.debit_guards.cover(slower, guard)
        debit(house, "faster", 100)


def test_a_debit_whose_guard_is_forgotten_is_a_bug(quick_house: House) -> None:
    movement = moved("out", 1, AVAILABLE, chart.merchant_payout(MERCHANT))
    with pytest.raises(AssertionError, match="guard"), quick_house.commits() as work:
        quick_house.journal.post(work, movement, event="moved", about="x")


def test_the_side_on_which_an_account_grows_is_known_by_its_name() -> None:
    for account in (
        chart.provider_clearing("wechatpay"),
        chart.merchant_held(MERCHANT),
        AVAILABLE,
        chart.merchant_payout(MERCHANT),
        chart.PLATFORM_SUSPENSE,
    ):
        assert chart.normal_side(account.name) is account.normal
    assert chart.merchant_of(AVAILABLE.name) == MERCHANT
    assert chart.merchant_of("platform:suspense") is None
