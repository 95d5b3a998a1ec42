"""What moves: balanced lines, and the guards that must be conditioned in the same commit."""

from collections.abc import Sequence

from chalicelib.kernel.ids import OrderId, PartnerId
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record
from chalicelib.ledger.chart import Account, Kept, Side


class Posting(Record):
    """One line of an entry: an amount on one side of an account."""

    account: str
    side: Side
    amount: Money


class Guard(Record):
    """A debit that the commit must cover with a condition on a stored remainder."""

    account: str
    amount: Money


Shares = Sequence[tuple[PartnerId, Money]]
"""What each partner earns of a release."""


class Movement(Record):
    """What a journal entry will say. `reference` is the provider's number of the same money."""

    kind: str
    key: str  # the business key: posting it twice is impossible
    reference: str
    order_id: OrderId | None
    postings: tuple[Posting, ...]
    guards: tuple[Guard, ...]


def movement(
    kind: str,
    key: str,
    lines: tuple[tuple[Account, Posting], ...],
    *,
    order_id: OrderId | None,
    reference: str,
) -> Movement:
    """Make a movement of lines that must balance, with the guards that their debits need."""
    postings = tuple(posting for _, posting in lines)
    assert_balanced(postings)
    guards = tuple(
        Guard(account=posting.account, amount=posting.amount)
        for account, posting in lines
        if account.kept in {Kept.GUARDED, Kept.COUNTED} and posting.side is not account.normal
    )
    return Movement(
        kind=kind,
        key=key,
        reference=reference,
        order_id=order_id,
        postings=postings,
        guards=guards,
    )


def assert_balanced(postings: tuple[Posting, ...]) -> None:
    """Assert that debits equal credits in every currency."""
    sums: dict[str, int] = {}
    for posting in postings:
        signed = posting.amount.amount if posting.side is Side.DEBIT else -posting.amount.amount
        sums[posting.amount.currency] = sums.get(posting.amount.currency, 0) + signed
    assert not any(sums.values()), "an entry sums to zero"
