"""What agreeing with the provider's books costs, beside its bills and the lake's files."""

from collections.abc import Callable, Iterator
from datetime import date

from benchmarks.meter import Reading
from chalicelib.ledger.days import business_day
from chalicelib.reconciliation.model import DiscrepancyState, Outcome, Resolution
from tests.fakes.house import House

Read = tuple[str, Reading]
Reader = Callable[[str, Callable[[], object]], Read]


def _closed(house: House) -> date:
    """Let the day end, and all of it be numbered."""
    house.catch_up()
    day = business_day(house.clock.now())
    house.clock.move(seconds=86_400)
    house.sequencer.run()
    return day


def _sold(house: House) -> None:
    payment = house.payment(house.order())
    house.capture.capture(house.provider.pay(payment.id))


def _settled(house: House) -> None:
    """Resolve what other measurements left between the books, so that nothing stands."""
    room = house.reconciling
    found, _ = room.read.standing(after=None, limit=100)
    for one in found:
        if one.state in {DiscrepancyState.OPEN, DiscrepancyState.WAITING}:
            how = Resolution.SUSPENSE if one.effect else Resolution.NOTHING
            room.settle.settle(one.id, how, "measured elsewhere")
    for _ in range(2):
        room.day.reconcile(_closed(house))
    assert not room.read.standing(after=None, limit=100)[0], "something stands"


def agreeing(house: House, read: Reader) -> Iterator[Read]:
    """Measure every verb once, on a day with one payment and one movement of nobody's verb."""
    room = house.reconciling
    day = _closed(house)
    yield read("ask for a run", lambda: room.request.request(day))
    room.day.reconcile(day)  # all that was measured before
    _settled(house)
    _sold(house)
    house.bill_books.drawn(100)
    day = _closed(house)
    name = day.isoformat()
    yield read("reconcile a day", lambda: room.day.reconcile(day))
    yield read("reconcile a day, again", lambda: room.day.reconcile(day))
    found = next(one for one in room.read.every(name) if one.outcome is Outcome.MISSING_HERE)
    yield read("take on a difference", lambda: room.settle.assign(found.id, "王芳", "asked"))
    settle = room.settle.settle
    yield read("resolve a difference", lambda: settle(found.id, Resolution.BANK, "drawn"))
    yield read("resolve a difference, again", lambda: settle(found.id, Resolution.BANK, "drawn"))
    yield read("a day's report", lambda: room.report.report(name))
    yield read("page of what stands", lambda: room.read.standing(after=None, limit=20))
