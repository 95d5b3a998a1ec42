"""A large day against the provider's bills: seconds, lines a second, and the peak of memory.

Each size is compared by a process of its own, so that its peak is its own. LINES says how many.
"""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from benchmarks.large_day import DAY, SEEN, Expected, LargeDay, sha1_of
from chalicelib.providers.bills import BillKind, Bills
from chalicelib.providers.transport import Answer
from chalicelib.reconciliation.model import Outcome
from chalicelib.reconciliation.usecases import CompareDay
from chalicelib.reconciliation.usecases.compare import Compared
from chalicelib.reconciliation.usecases.run import quietly
from tests.providers import far_side

SECONDS_AIM = 180
_NOT_FOUND = Answer(400, {}, b'{"code":"NO_STATEMENT_EXIST"}')


@dataclass(frozen=True, slots=True)
class FolderLake:
    """A lake in a folder."""

    folder: Path

    def put(self, name: str, body: bytes) -> None:
        """Keep a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def put_file(self, name: str, file: BinaryIO) -> None:
        """Keep a file of any size."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        file.seek(0)
        with path.open("wb") as kept:
            shutil.copyfileobj(file, kept)

    def get(self, name: str) -> bytes:
        """Return a file's bytes."""
        return (self.folder / name).read_bytes()

    def names(self, prefix: str) -> Iterator[str]:
        """Return the names of one folder's files, in their order."""
        return iter(sorted(f"{prefix}{path.name}" for path in (self.folder / prefix).iterdir()))


@dataclass(frozen=True, slots=True)
class FolderDownloads:
    """Downloads that come out of a folder."""

    folder: Path

    def download(
        self, url: str, headers: Mapping[str, str], into: BinaryIO, bytes_max: int
    ) -> Answer | None:
        """Write a file as it lies there."""
        assert headers["Authorization"]
        with (self.folder / url.rpartition("/")[2]).open("rb") as file:
            shutil.copyfileobj(file, into)
        assert into.tell() <= bytes_max
        return None


def bills_in(folder: Path) -> Bills:
    """Return the real client, asked for each kind of bill once, in front of a folder."""
    links = []
    for kind in BillKind:
        file = folder / f"{kind}.csv.gz"
        url = f"{far_side.BASE}/{file.name}"
        said = {"hash_type": "SHA1", "download_url": url}
        links.append(
            far_side.answer(said | {"hash_value": sha1_of(file)}) if file.exists() else _NOT_FOUND
        )
    client, _ = far_side.client(*links)
    return client.bills(FolderDownloads(folder))


def written(folder: Path, lines: int) -> Expected:
    """Write a day of so many lines."""
    return LargeDay(folder, FolderLake(folder), lines).write()


def comparing(folder: Path) -> CompareDay:
    """Return what compares the day that was written there."""
    lake = FolderLake(folder)
    return CompareDay("wechatpay", bills_in(folder), lake, lake, far_side.MCH_ID)


def found_in(compared: Compared) -> Counter[tuple[str, Outcome]]:
    """Count what was found, by kind."""
    return Counter((found.kind, found.outcome) for found in compared.found)


def measure(lines: int) -> None:
    """Print how a day of so many lines goes, after smaller ones."""
    print("\nA day against the provider's bills, in a process of its own; 100 differ in each\n")
    print("  lines of theirs      of ours   seconds   lines/s   peak MB")
    for size in sorted({10_000, lines // 10, lines}):
        with tempfile.TemporaryDirectory() as name:
            expected = written(Path(name), size)
            run = subprocess.run(
                [sys.executable, "-m", "benchmarks.reconciling", name],
                check=True,
                capture_output=True,
                text=True,
            )
        told = json.loads(run.stdout)
        assert Counter(told["found"]) == Counter(
            {f"{kind} {outcome}": times for (kind, outcome), times in SEEN.items()}
        ), told["found"]
        assert (told["fees"], told["closing"]) == (expected.fees, expected.closing)
        theirs = told["lines"]
        print(
            f"  {theirs:15,} {expected.ours:12,} {told['seconds']:9.1f}"
            f" {(theirs + expected.ours) / told['seconds']:9,.0f} {told['peak_kb'] / 1024:9.0f}"
        )
    print(f"  just the 100 were found each time (aim: a million within {SECONDS_AIM} s)")


def _peak_kb() -> int:
    """Return this process's own peak; Linux's `getrusage` may tell that of whoever started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return int(status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0])


def _main(folder: Path) -> None:
    ours = comparing(folder)
    began = time.perf_counter()
    compared = ours.compare(DAY, quietly)
    seconds = time.perf_counter() - began
    assert compared.flows is not None
    found = {f"{kind} {outcome}": times for (kind, outcome), times in found_in(compared).items()}
    lines = sum(lines for lines, _ in compared.counts.values())
    told = {
        "found": found,
        "lines": lines + compared.flows.lines,
        "fees": compared.fees,
        "closing": compared.flows.closing,
        "seconds": seconds,
        "peak_kb": _peak_kb(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
