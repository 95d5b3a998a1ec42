"""What we depend on: pinned by hash, and under a licence that may travel as far as it does."""

import json
from email.message import EmailMessage
from importlib.metadata import PackageMetadata
from pathlib import Path
from typing import cast

import pytest

from local.check_deps import (
    APART,
    EXCEPTIONS,
    LOCKS,
    Kept,
    Place,
    found_wrong,
    heard,
    installed,
    licence_of,
    names,
    not_allowed,
    permissive,
    travelling,
    unpinned,
)

HASH = "--hash=sha256:" + "0" * 64
LGPL = Kept("lgpl-3.0-only", Place.IMAGE, "as a library")


@pytest.mark.parametrize("lock", [*LOCKS.values(), APART], ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_its_hashes(lock: Path) -> None:
    text = lock.read_text()
    assert len(names(text)) > 10
    assert unpinned(text) == []


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (f"good==1.0 \\\n    {HASH}\n    # via x\n", []),
        (f"good==1.0 ; python_version < '3.12' \\\n    {HASH}\n", []),
        (f"good[extra]==1.0+local \\\n    {HASH}\n", []),
        ("bare==1.0\n", ["bare==1.0"]),
        (f"open>=1.0 \\\n    {HASH}\n", ["open>=1.0"]),
        (f"nothing \\\n    {HASH}\n", ["nothing"]),
        (f"star==1.* \\\n    {HASH}\n", ["star==1.*"]),
        ("weak==1.0 \\\n    --hash=md5:00\n", ["weak==1.0"]),
        (f"git @ git+https://forge.example/x \\\n    {HASH}\n", ["git"]),
        ("-e .\n", ["-e"]),
        ("--extra-index-url https://evil.example\n", ["--extra-index-url"]),
    ],
)
def test_what_is_not_pinned_is_named(line: str, named: list[str]) -> None:
    assert unpinned(line) == named


def test_every_licence_is_allowed_where_it_travels() -> None:
    assert found_wrong() == []


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND PSF-2.0", True),
        ("MIT License; MIT No Attribution License (MIT-0)", True),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-only", False),
        ("SSPL-1.0", False),
        ("BUSL-1.1", False),
        ("LGPL-3.0-only", False),
        ("MPL-2.0", False),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_a_licence_asks_for_its_text_at_most(licence: str, *, allowed: bool) -> None:
    assert permissive(licence) is allowed


@pytest.mark.parametrize(
    ("licence", "place", "kept", "wrong"),
    [
        ("MIT", Place.ZIP, None, 0),
        ("AGPL-3.0-only", Place.ZIP, None, 1),
        ("AGPL-3.0-only", Place.DESK, None, 1),
        ("", Place.DESK, None, 1),
        ("LGPL-3.0-only", Place.IMAGE, LGPL, 0),
        ("LGPL-3.0-only", Place.DESK, LGPL, 0),
        ("LGPL-3.0-only", Place.ZIP, LGPL, 1),
        ("AGPL-3.0-only", Place.IMAGE, LGPL, 1),  # it changed since it was explained
    ],
)
def test_a_licence_travels_as_far_as_it_may(
    licence: str, place: Place, kept: Kept | None, wrong: int
) -> None:
    explained = {"tea": kept} if kept else {}
    assert len(not_allowed({"tea": licence}, {"tea": place}, explained)) == wrong


def test_every_exception_is_needed_and_explained() -> None:
    licences, places = installed(), travelling()
    for name, kept in EXCEPTIONS.items():
        assert not permissive(licences[name]), f"{name} needs none"
        assert kept.place is not Place.ZIP
        assert places[name] is kept.place, f"{name} does not travel as far as it may"
        assert kept.why


def test_a_distribution_that_names_no_licence_has_none() -> None:
    bare = EmailMessage()
    bare["Name"] = "tea"
    assert licence_of(cast(PackageMetadata, bare)) == ""
    bare["Classifier"] = "License :: OSI Approved"
    assert licence_of(cast(PackageMetadata, bare)) == ""
    bare["License-Expression"] = "MIT"
    assert licence_of(cast(PackageMetadata, bare)) == "MIT"


CLEAN = {"name": "tea", "version": "1", "vulns": []}
HOLED = {"name": "tea", "version": "1", "vulns": [{"id": "PYSEC-1"}]}
SKIPPED = {"name": "cup", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("looked_at", "said", "lenient", "strict"),
    [
        ([CLEAN], "no known holes", 0, 0),
        ([HOLED, SKIPPED], "PYSEC-1", 1, 1),
        ([CLEAN, SKIPPED], "nothing is known of cup", 0, 1),
        ([SKIPPED], "no vulnerability database could be asked", 0, 1),
        ([], "no vulnerability database could be asked", 0, 1),
        (None, "no vulnerability database could be asked", 0, 1),
    ],
)
def test_an_audit_that_could_not_be_made_is_not_called_clean(
    capsys: pytest.CaptureFixture[str],
    looked_at: list[dict[str, object]] | None,
    said: str,
    lenient: int,
    strict: int,
) -> None:
    told = "" if looked_at is None else json.dumps({"dependencies": looked_at})
    assert heard("lock", told, strict=False) == lenient
    out, err = capsys.readouterr()
    assert said in out + err
    assert heard("lock", told, strict=True) == strict
