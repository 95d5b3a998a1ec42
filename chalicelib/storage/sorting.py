"""Sorting more than fits into memory: sorted runs on disk, merged while they are read.

What is sorted is rows of texts, by their first text. A run holds fifty thousand rows, so a million
take twenty small files and no more memory than the first fifty thousand did.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self, TextIO

ROWS_A_RUN = 50_000
_GROUP_ROWS_MAX = 1000
_UNIT = "\x1f"  # stands in no text that is sorted
_OPEN_MAX = 64  # runs that are merged at once: file handles are few in a small process

Row = Sequence[str]


class Sorter:
    """Takes rows in any order and gives them back by their first text; use it in a `with`."""

    def __init__(self, *, rows_a_run: int = ROWS_A_RUN) -> None:
        self._folder: TemporaryDirectory[str] | None = None  # made when memory is full
        self._rows_a_run = rows_a_run
        self._run: list[str] = []
        self._files: list[Path] = []
        self._named = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def add(self, row: Row) -> None:
        """Take a row; its texts hold no control character."""
        self._run.append(_UNIT.join(row))
        if len(self._run) >= self._rows_a_run:
            self._spill()

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        """Return the rows with the same first text together, in the order of that text.

        Of more than a thousand some are given at a time, so that memory stays what it is.
        """
        for first, rows in groupby(self._sorted(), key=lambda row: row[0]):
            while group := list(islice(rows, _GROUP_ROWS_MAX)):
                yield first, group

    def _sorted(self) -> Iterator[Row]:
        self._run.sort()
        while len(self._files) > _OPEN_MAX:
            some, self._files = self._files[:_OPEN_MAX], self._files[_OPEN_MAX:]
            self._write(_merged(some))
        lines = heapq.merge(_merged(self._files), iter(self._run))
        return (line.split(_UNIT) for line in lines)

    def _spill(self) -> None:
        self._run.sort()
        self._write(iter(self._run))
        self._run.clear()

    def _write(self, lines: Iterator[str]) -> None:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="shoukuan-sort-")
        file = Path(self._folder.name) / f"{self._named}"
        self._named += 1
        with file.open("w", encoding="utf-8", newline="\n") as run:
            run.writelines(f"{line}\n" for line in lines)
        self._files.append(file)


def joined(
    left: Iterable[tuple[str, list[Row]]], right: Iterable[tuple[str, list[Row]]]
) -> Iterator[tuple[str, list[Row], list[Row]]]:
    """Walk two sorted streams of groups side by side; who is missing on a side is empty there."""
    ours, theirs = iter(left), iter(right)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0] < other[0]):
            assert one is not None
            yield one[0], one[1], []
            one = next(ours, None)
        elif one is None or other[0] < one[0]:
            yield other[0], [], other[1]
            other = next(theirs, None)
        else:
            yield one[0], one[1], other[1]
            one, other = next(ours, None), next(theirs, None)


def _merged(files: Sequence[Path]) -> Iterator[str]:
    opened = [file.open(encoding="utf-8", newline="\n") for file in files]
    try:
        yield from heapq.merge(*(_lines(run) for run in opened))
    finally:
        for run in opened:
            run.close()
        for file in files:
            file.unlink(missing_ok=True)  # a reader that stops early may outlive the folder


def _lines(run: TextIO) -> Iterator[str]:
    return (line[:-1] for line in run)
