"""Who counts what the use cases tell: nobody, unless a test listens."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.payments.model import Closing
from chalicelib.refunds.model import Delay
from chalicelib.settlement.model import Settled
from chalicelib.storage.commit import Effort


@dataclass(frozen=True, slots=True)
class Counts:
    """The hooks by which outcomes are counted that need no alarm."""

    committed: Callable[[Effort], None] = lambda _effort: None
    closing: Callable[[Closing], None] = lambda _closing: None
    settled: Callable[[Settled], None] = lambda _settled: None
    delay: Callable[[Delay], None] = lambda _delay: None


NOBODY = Counts()
