"""Segments: the numbered list as files of JSON lines, one a batch, complete and in order.

    log/day=2026-11-24/0000000000000001.jsonl        a line a row, the position first
    manifest/day=2026-11-24/0000000000000001.json    its base, end, SHA-256, and the chain

A file is named by the position it begins with, in the folder of the business day that was open. The
chain binds each segment to all before it and stands in the list's head, so that a file that was
changed, or is missing, shows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from chalicelib.kernel.clock import instant_from
from chalicelib.kernel.errors import PlatformError
from chalicelib.kernel.record import Record
from chalicelib.ledger.numbered import Batch, NumberedRow
from chalicelib.storage import keys
from chalicelib.storage.lake import Lake
from chalicelib.storage.outbox import OutboxRow
from chalicelib.storage.values import Key

MANIFESTS = "manifest/"


class LakeBrokenError(PlatformError):
    """The lake's files are not what was written: one is missing, changed, or in another place."""

    code = "lake_broken"


class Manifest(Record):
    """What a segment holds: the rows base+1 … end."""

    base: int
    end: int
    day: str  # the business day that was open
    file: str
    sha256: str
    chain_before: str
    chain: str


def chain_after(chain_before: str, body: bytes) -> str:
    """Bind a segment to all before it."""
    return sha256(f"{chain_before}{sha256(body).hexdigest()}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class WriteSegments:
    """Writes each batch to the lake: the file first, then its manifest."""

    lake: Lake

    def read(self, batch: Batch) -> None:
        """Write a batch; again, it is the same files with the same bytes."""
        body = batch.lines
        place = f"day={batch.day}/{keys.position_text(batch.base + 1)}"
        manifest = Manifest(
            base=batch.base,
            end=batch.end,
            day=batch.day,
            file=f"log/{place}.jsonl",
            sha256=sha256(body).hexdigest(),
            chain_before=batch.chain_before,
            chain=chain_after(batch.chain_before, body),
        )
        self.lake.put(manifest.file, body)
        self.lake.put(f"{MANIFESTS}{place}.json", manifest.model_dump_json().encode())


@dataclass(frozen=True, slots=True)
class ReadSegments:
    """Reads the list back, checking that nothing is missing, changed or out of place."""

    lake: Lake

    def batches(self) -> Iterator[tuple[Manifest, list[NumberedRow]]]:
        """Return every segment in order, or raise `LakeBrokenError`."""
        names = sorted(self.lake.names(MANIFESTS), key=lambda name: name.rpartition("/")[2])
        end, chain = 0, ""
        for name in names:
            manifest = self._manifest(name)
            if (manifest.base, manifest.chain_before) != (end, chain):
                raise LakeBrokenError("the lake has a gap", after=end, found=name)
            yield manifest, self.rows(manifest)
            end, chain = manifest.end, manifest.chain

    def rows(self, manifest: Manifest) -> list[NumberedRow]:
        """Return a segment's rows, or raise `LakeBrokenError`."""
        rows = [_numbered(json.loads(line)) for line in self._body(manifest).splitlines()]
        expected = range(manifest.base + 1, manifest.end + 1)
        if [row.position for row in rows] != list(expected):
            raise LakeBrokenError("a segment is out of place", file=manifest.file)
        return rows

    def lines_on(self, day: str, span: tuple[int, int] | None = None) -> Iterator[bytes]:
        """Return the lines of a business day as they stand, or raise `LakeBrokenError`.

        For whoever looks for a few of a million: a line is read only where it is wanted. A day
        must be whole: `span` is the position after which it began, and where it closed.
        """
        before: Manifest | None = None
        for name in self.lake.names(f"{MANIFESTS}day={day}/"):
            manifest = self._manifest(name)
            if before and (manifest.base, manifest.chain_before) != (before.end, before.chain):
                raise LakeBrokenError("the lake has a gap", after=before.end, found=name)
            if span and not before and manifest.base != span[0]:
                raise LakeBrokenError("a day's first segment is missing", after=span[0], found=name)
            yield from self._body(manifest).splitlines()
            before = manifest
        if span and (before.end if before else span[0]) != span[1]:
            raise LakeBrokenError("a day's last segment is missing", day=day, before=span[1])

    def _body(self, manifest: Manifest) -> bytes:
        try:
            body = self.lake.get(manifest.file)
        except KeyError:
            raise LakeBrokenError("a segment is missing", file=manifest.file) from None
        if chain_after(manifest.chain_before, body) != manifest.chain:
            raise LakeBrokenError("a segment was changed", file=manifest.file)
        return body

    def _manifest(self, name: str) -> Manifest:
        try:
            return Manifest.model_validate_json(self.lake.get(name))
        except (KeyError, ValidationError):
            raise LakeBrokenError("a manifest is missing or changed", file=name) from None


def _numbered(line: dict[str, Any]) -> NumberedRow:
    pk, _, sk = str(line["row"]).partition("/")
    row = OutboxRow(
        key=Key(keys.LOG, pk, sk),
        kind=line["event"],
        about=line["about"],
        at=instant_from(line["at"]),
        facts=line["facts"],
        entry=json.dumps(line["entry"], ensure_ascii=False) if line["entry"] else None,
        trace=line.get("trace", ""),
    )
    return NumberedRow(line["position"], row)
