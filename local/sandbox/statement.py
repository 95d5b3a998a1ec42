"""How a bill (账单) is written: a header, a row for each line, a summary of them, in WeChat's hand.

Every cell below a header begins with a backquote; money is spelled in yuan; nothing is quoted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Self

from local.sandbox.orders import CHINA

EOL = "\r\n"
FEES = {"手续费", "手续费总金额"}  # these have five decimals


class StatementKind(StrEnum):
    """Which bill of a day."""

    TRADE_ALL = "trade_all"
    TRADE_SUCCESS = "trade_success"
    TRADE_REFUND = "trade_refund"
    FUNDFLOW = "fundflow"
    SHARES = "shares"


class Raw(str):
    """A cell that is written as it is: for bills that are not what they should be."""

    __slots__ = ()


Cell = int | str | datetime  # whole fen, text, or an instant


@dataclass(frozen=True, slots=True)
class Sort:
    """Where a line of this sort says what it is about: the columns of its amount, state, fee."""

    amounts: tuple[str, ...] = ()
    state: str | None = None
    fee: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `number` is the merchant's own of what it is about."""

    at: datetime
    number: str
    sort: Sort
    cells: dict[str, Cell]

    def saying(self, **cells: Cell) -> Self:
        """Return the line with other cells."""
        return replace(self, cells=self.cells | cells)


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of bill is written."""

    columns: tuple[str, ...]
    summary: Callable[[Sequence[Line]], dict[str, Cell]]
    note: str  # the column of free text
    merchant: str | None  # the column of the merchant that asked

    def rows(self, lines: Sequence[Line]) -> list[str]:
        """Write the rows, without the ends of their lines."""
        summary = self.summary(lines)
        return [
            ",".join(self.columns),
            *(_row({name: line.cells[name] for name in self.columns}) for line in lines),
            ",".join(summary),
            _row(summary),
        ]


@dataclass(frozen=True, slots=True)
class Day:
    """A day in China, from midnight to midnight."""

    on: date

    @property
    def start(self) -> datetime:
        """Return its first instant."""
        return datetime.combine(self.on, time(), CHINA)

    @property
    def end(self) -> datetime:
        """Return the first instant after it."""
        return self.start + timedelta(days=1)

    def holds(self, at: datetime) -> bool:
        """Tell whether an instant is of this day."""
        return self.start <= at < self.end


def encoded(rows: Sequence[str]) -> bytes:
    """Spell rows as a file: UTF-8 with a byte order mark."""
    return "".join(f"{row}{EOL}" for row in rows).encode("utf-8-sig")


def yuan(fen: int) -> str:
    """Spell money in yuan, with two decimals."""
    whole, part = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{part:02}"


def numbered(prefix: str, at: datetime, seed: str) -> str:
    """Make a number of WeChat Pay's out of what it stands for: always the same one."""
    digits = int.from_bytes(sha256(f"{prefix} {seed}".encode()).digest()[:8]) % 10**16
    return f"{prefix}{at.astimezone(CHINA):%Y%m%d}{digits:016}"


def counted(lines: Sequence[Line], column: str) -> int:
    """Sum a column of money."""
    return sum(cell for line in lines if isinstance(cell := line.cells[column], int))


def _row(cells: dict[str, Cell]) -> str:
    return ",".join(f"`{_spelled(name, cell)}" for name, cell in cells.items())


def _spelled(name: str, cell: Cell) -> str:
    if isinstance(cell, datetime):
        return f"{cell.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, int):
        return f"{yuan(cell)}000" if name in FEES else yuan(cell)
    if isinstance(cell, Raw):
        return cell
    flat = cell.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return flat.replace(",", "\\ ")
