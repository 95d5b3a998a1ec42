"""What a provider's books and ours say of a day, and where they differ."""

from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime

from chalicelib.kernel.errors import Kind, NotFoundError, PlatformError, TryAgainError
from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.kernel.lifecycle import Lifecycle
from chalicelib.kernel.record import Record
from chalicelib.providers.bills import BillFile

DONE, REFUSED = "reconciliation.done", "reconciliation.refused"
CHANGED, SETTLED = "discrepancy.changed", "discrepancy.settled"


class Outcome(StrEnum):
    """What came of holding a line of theirs against ours."""

    MATCHED = "matched"
    MISSING_HERE = "missing_here"  # the provider knows of it, and we don't
    MISSING_THERE = "missing_there"  # we booked it, and the provider's bill does not have it
    AMOUNT = "amount"  # both have it, with other amounts
    STATE = "state"  # both have it, and it failed there
    FEE = "fee"  # the provider kept another fee than its own rate says
    DUPLICATE = "duplicate"  # one of us has it more than once
    FEES = "fees"  # a day's fees, booked after the day had closed
    OPENING = "opening"  # the account opens with other money than it closed with the day before


class DiscrepancyState(StrEnum):
    """How far a difference has come."""

    WAITING = "waiting"  # it should turn up in another day's bill, or has not come to its end
    OPEN = "open"  # a person must look
    RESOLVED = "resolved"  # by an entry of ours, or by a person's remark where no money moves
    MATCHED = "matched"  # the other side turned up, or a corrected bill shows it no more


class DiscrepancyVerb(StrEnum):
    """What can happen to a difference."""

    OVERDUE = "overdue"
    RESOLVE = "resolve"
    MATCH = "match"


DISCREPANCY_LIFECYCLE = Lifecycle(
    {
        (DiscrepancyState.WAITING, DiscrepancyVerb.OVERDUE): DiscrepancyState.OPEN,
        (DiscrepancyState.WAITING, DiscrepancyVerb.RESOLVE): DiscrepancyState.RESOLVED,
        (DiscrepancyState.OPEN, DiscrepancyVerb.RESOLVE): DiscrepancyState.RESOLVED,
        (DiscrepancyState.WAITING, DiscrepancyVerb.MATCH): DiscrepancyState.MATCHED,
        (DiscrepancyState.OPEN, DiscrepancyVerb.MATCH): DiscrepancyState.MATCHED,
        (DiscrepancyState.RESOLVED, DiscrepancyVerb.MATCH): DiscrepancyState.RESOLVED,
    }
)


class Resolution(StrEnum):
    """How a person resolves what nothing else can."""

    BANK = "bank"  # money drawn to the bank, or paid in from it
    SUSPENSE = "suspense"  # nobody knows yet whose it is
    NOTHING = "nothing"  # no money is missing: the remark says why


class Theirs(NamedTuple):
    """A line of a bill as far as it is compared; all texts, so that it can be sorted on disk."""

    key: str
    kind: str
    number: str
    reference: str
    at: str
    amount: str
    effect: str  # what it does to what the provider keeps for us, signed
    frozen: str  # what it does to what is frozen under a seller, signed; 0 for our own account
    fee: str
    state: str
    payment: str
    seller: str
    rate: str
    bill: str
    line: str
    note: str


class Ours(NamedTuple):
    """A journal entry's effect on the provider's clearing; all texts, as above."""

    key: str
    entry: str  # the entry's business key
    at: str
    amount: str
    effect: str


class Found(Record):
    """A difference, as the comparison found it. Amounts are fen; `effect` is theirs less ours."""

    key: str
    outcome: Outcome
    kind: str  # what the line is about, or `entry` where only we have it
    effect: int
    theirs: int | None = None
    ours: int | None = None
    fee: int = 0
    number: str = ""
    reference: str = ""
    payment: str = ""
    seller: str = ""
    at: str = ""
    bill: str = ""
    line: int | None = None
    entry: str = ""
    note: str = ""
    pending: bool = False  # not at its end when the bill was made

    @property
    def moved(self) -> int:
        """Return how much it is about: what the bill says, or what only we do."""
        return self.theirs if self.theirs is not None else self.ours or 0


class Discrepancy(Found):
    """A difference that was written down (差错), and what became of it.

    It stands between the two books from `day` on, and no more on `gone_on`.
    """

    id: DiscrepancyId
    provider: str
    day: str
    state: DiscrepancyState
    found_at: AwareDatetime
    owner: str = ""
    remark: str = ""
    resolved_by: str = ""  # the business key of the entry that resolves it
    resolution: Resolution | None = None  # how a person resolved it
    signed_by: str = ""  # who resolved it by hand
    gone_on: str | None = None
    gone_by: str = ""  # what that day showed of it
    version: int = 0


class Count(Record):
    """So many lines of a kind came to this."""

    kind: str
    outcome: Outcome
    lines: int
    amount: int


class Standing(Record):
    """What of one outcome stands between the two books at a day's end."""

    outcome: Outcome
    state: DiscrepancyState
    items: int
    effect: int


class Reconciliation(Record):
    """A business day, as one run found it (对账结果). Amounts are fen.

    `own` is what the provider says that our own account held at the end, `frozen` what follows from
    its bills of what it froze under sellers; `ours` is the clearing at the day's close. What stands
    between them is listed; `unexplained` is what the list does not explain, and should be nothing.
    """

    provider: str
    day: str
    run: int
    at: AwareDatetime
    position: int
    bills: tuple[BillFile, ...]
    funnel: tuple[Count, ...]
    own: int
    frozen: int
    ours: int
    fees: int  # what the provider kept that day, in all
    fees_booked: int  # how many entries have booked it
    standing: tuple[Standing, ...]
    unexplained: int

    @property
    def theirs(self) -> int:
        """Return what the provider keeps for us."""
        return self.own + self.frozen


class Attempt(Record):
    """How the last attempt at a day went; a bill that was refused says where."""

    day: str
    at: AwareDatetime
    done: bool
    code: str = ""
    detail: str = ""
    facts: tuple[tuple[str, str], ...] = ()


class DiscrepancyNotFoundError(NotFoundError):
    """There is no such discrepancy."""

    code = "discrepancy_not_found"


class ReconciliationNotFoundError(NotFoundError):
    """The business day was not reconciled yet."""

    code = "reconciliation_not_found"


class ReconciliationOutOfOrderError(PlatformError):
    """The day before was not reconciled: what stands is carried from day to day."""

    kind = Kind.CONFLICT
    code = "reconciliation_out_of_order"


class DiscrepancyNotOpenError(PlatformError):
    """The discrepancy was resolved, or has turned up, or moves no money."""

    kind = Kind.CONFLICT
    code = "discrepancy_not_open"


class TooManyDiscrepanciesError(PlatformError):
    """So much differs that the file, not the money, must be wrong; nothing was written."""

    kind = Kind.CONFLICT
    code = "too_many_discrepancies"


class ReconciliationUnsettledError(TryAgainError):
    """Another run, or another hand, changed the same day or discrepancy at the same time."""

    code = "reconciliation_unsettled"
