"""What a house meets of the world, as a test brings it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.complaints.usecases import (
    TellAnswered,
    TellTaken,
)
from chalicelib.delivery.usecases import TellReceived, TellReport
from chalicelib.kernel.clock import Clock, Pause
from chalicelib.kernel.ids import OrderId, Randomness
from chalicelib.ledger.events import Message
from chalicelib.payments.usecases.capture import Tell
from chalicelib.providers.bills import Bills
from chalicelib.providers.complaints import Complaints
from chalicelib.providers.port import Login, Provider
from chalicelib.providers.refunds import RefundsPayments
from chalicelib.providers.shipping import Shipping
from chalicelib.refunds.usecases import TellWord as TellRefund
from chalicelib.refunds.usecases.advance import SendLater
from chalicelib.settlement.usecases import (
    TellWord,
)
from chalicelib.settlement.usecases.open import Send
from chalicelib.storage.lake import Lake
from chalicelib.storage.table import Table
from tests.fakes.counts import NOBODY, Counts
from tests.fakes.funds import Funds


@dataclass(frozen=True)
class Outside:
    """What the house meets of the world."""

    table: Table
    clock: Clock
    pause: Pause
    randomness: Randomness
    provider: Provider
    login: Login
    tell: Tell
    request_close: Callable[[OrderId], None]
    send_events: Callable[[Sequence[Message]], None]
    lake: Lake
    funds: Funds
    send_settlements: Send
    send_commands: Send
    shipping: Shipping
    back: RefundsPayments
    bills: Bills
    documents: Lake
    send_later: SendLater
    complaints: Complaints
    tell_payout: TellWord = lambda _word, _said: None
    tell_refund: TellRefund = lambda _word, _said: None
    tell_report: TellReport = lambda _order_id, _report: None
    tell_received: TellReceived = lambda _received, _about: None
    counts: Counts = NOBODY
    tell_taken: TellTaken = lambda _taken, _complaint, _about: None
    tell_answered: TellAnswered = lambda _answered, _case, _code: None
    partner: bool = False  # the seller is the payee
