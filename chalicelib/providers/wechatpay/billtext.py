"""The text of a bill (账单): a header, rows, a second header and one row of totals.

    交易时间,公众账号ID,…,费率                     cells of a header stand bare
    `2026-11-24 10:00:00,`wx…,…,`0.38%            cells of a row begin with a backquote
    总交易单数,应结订单总金额,…
    `1,`39.98,…

Read as a stream, line by line, and refused whole at the first line and column that is not so: bills
are money. Cells are found by their header's name. Commas and line ends inside a cell come escaped,
so a bare one is a fault. Source: WeChat Pay's "下载交易账单", "下载资金账单" and "申请分账账单".
"""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from gzip import BadGzipFile
from typing import BinaryIO, NoReturn

from chalicelib.providers.bills import BillBrokenError

LINE_BYTES_MAX = 16_384
_DAY = timedelta(days=1)
_COUNTS = "笔数"  # how the name of a total that counts ends
_BOM = b"\xef\xbb\xbf"
_YUAN = re.compile(r"(-?)(\d{1,13})\.(\d\d)0{0,3}", re.ASCII)
_COUNT = re.compile(r"(\d{1,12})(?:\.0{1,2})?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d ([01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_NAME = re.compile(r"[^`]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns a bill may have, which it must, and what its totals count.

    `totals` names for each total the column it sums, or None where it counts the rows. What is no
    column is summed by the reader of the rows.
    """

    columns: frozenset[str]
    needed: frozenset[str]
    totals: Mapping[str, str | None]
    totals_begin: str | None  # how the second header begins; None: with whatever


@dataclass
class BillText:
    """One bill while it is read; `line` is where it stands, `amounts` what the row's sums add."""

    stream: BinaryIO
    layout: Layout
    day: date
    line: int = 0
    rows: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)
    columns: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._today = self.day.isoformat()
        self._eve = (self.day - _DAY).isoformat()
        self._morrow = (self.day + _DAY).isoformat()

    def cells(self) -> Iterator[Sequence[str]]:
        """Read the rows' cells in the order of `columns`, then check the totals."""
        self.columns = self._header()
        places = {name: at for at, name in enumerate(self.columns)}
        summed = [(name, places[name]) for name in self.layout.totals.values() if name in places]
        sums, amounts, commas = self.sums, self.amounts, len(places) - 1
        sums |= dict.fromkeys(places.keys() & set(self.layout.totals.values()), 0)
        while (text := self._next()) is not None:
            if not text.startswith("`"):
                self._check_totals(text.split(","))
                return
            cells = text[1:].split(",`")
            if len(cells) != commas + 1 or text.count(",") != commas:
                self._refuse_row(cells)
            self.rows += 1
            for name, at in summed:
                amounts[name] = self.yuan(cells[at], name)
                sums[name] += amounts[name]
            yield cells
        self.refuse("it ends without its totals", column=self.layout.totals_begin)

    def yuan(self, text: str, column: str) -> int:
        """Read yuan with two decimals as fen; more decimals must be zeros."""
        found = _YUAN.fullmatch(text)
        if found is None:
            self.refuse("no amount of yuan", column=column)
        sign, yuan, hundredths = found.groups()
        fen = int(yuan + hundredths)
        return -fen if sign else fen

    def instant(self, text: str, column: str) -> str:
        """Read an instant in China as RFC 3339; it must be of the bill's day.

        What happened within an hour of midnight may stand in the bill of either day.
        """
        if not _INSTANT.fullmatch(text):
            self.refuse("no instant", column=column)
        day, time = text[:10], text[11:]
        if day != self._today:
            late = day == self._eve and time >= "23:00:00"
            early = day == self._morrow and time < "01:00:00"
            if not late and not early:
                self.refuse("of another day", column=column, day=self._today)
        return f"{day}T{time}+08:00"

    def refuse(self, reason: str, *, column: str | None = None, **facts: str) -> NoReturn:
        """Refuse the bill, saying where; what stands there is not repeated."""
        where = {"line": self.line} | ({"column": column} if column else {})
        raise BillBrokenError(f"the bill is broken: {reason}", **where, **facts)

    def _header(self) -> Sequence[str]:
        text = self._next()
        if text is None:
            self.refuse("it is empty")
        columns = text.split(",")
        for at, column in enumerate(columns):
            if column not in self.layout.columns:
                self.refuse("an unknown column", column=column[:40])
            if column in columns[:at]:
                self.refuse("a column twice", column=column)
        for column in sorted(self.layout.needed - set(columns)):
            self.refuse("a column is missing", column=column)
        return columns

    def _next(self) -> str | None:
        """Read a line, or None at the end; an empty one can only be the last."""
        try:
            raw = self.stream.readline(LINE_BYTES_MAX + 1)
        except (EOFError, BadGzipFile, zlib.error):
            self.line += 1
            self.refuse("not compressed as it should be")
        if not raw:
            return None
        self.line += 1
        if len(raw) > LINE_BYTES_MAX:
            self.refuse("a line without an end", column=self._column(raw))
        if self.line == 1:
            raw = raw.removeprefix(_BOM)
        try:
            text = raw.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            self.refuse("not UTF-8", column=self._column(raw[: error.start]))
        if control := _CONTROL.search(text):
            self.refuse(
                "a control character", column=self._column(text[: control.start()].encode())
            )
        return text

    def _column(self, before: bytes) -> str | None:
        """Return the column of what follows this beginning of a row."""
        at = before.count(b",`")
        return self.columns[at] if before.startswith(b"`") and at < len(self.columns) else None

    def _refuse_row(self, cells: Sequence[str]) -> NoReturn:
        if len(cells) != len(self.columns):
            at = min(len(cells), len(self.columns) - 1)  # the first that is missing, or the last
            self.refuse("another number of cells than columns", column=self.columns[at])
        commas = [name for name, cell in zip(self.columns, cells, strict=True) if "," in cell]
        self.refuse("a bare comma in a cell", column=commas[0])

    def _check_totals(self, names: Sequence[str]) -> None:
        self._check_names(names)
        text = self._next()
        if text is None or not text.startswith("`"):
            self.refuse("it ends without its totals", column=names[0])
        cells = text[1:].split(",`")
        if len(cells) != len(names):
            at = min(len(cells), len(names) - 1)
            self.refuse("another number of totals than their header names", column=names[at])
        for name, cell in zip(names, cells, strict=True):
            self._check_total(name, cell)
        while (text := self._next()) is not None:
            if text:
                self.refuse("something after the totals", column=names[0])

    def _check_names(self, names: Sequence[str]) -> None:
        begins, totals = self.layout.totals_begin, self.layout.totals
        if (begins is not None and names[0] != begins) or not all(map(_NAME.fullmatch, names)):
            self.refuse("neither a row nor the totals", column=begins)
        for at, name in enumerate(names):
            if name in names[:at]:
                self.refuse("a total twice", column=name)
        if begins is None:
            return
        for name, summed in totals.items():
            if name not in names and (summed is None or summed in self.sums):
                self.refuse("a total is missing", column=name)

    def _check_total(self, name: str, cell: str) -> None:
        if name not in self.layout.totals:
            if self.layout.totals_begin is not None:
                self.refuse("an unknown total", column=name[:40])
            return
        summed = self.layout.totals[name]
        if summed is None or summed.endswith(_COUNTS):
            count = _COUNT.fullmatch(cell)
            rows = self.rows if summed is None else self.sums[summed]
            if count is None or int(count[1]) != rows:
                self.refuse("not as many rows as it says", column=name)
        elif self.yuan(cell, name) != self.sums.get(summed, 0) and summed in self.sums:
            self.refuse("the rows sum to something else", column=name)
