"""The threat model names tests: those are there, and each threat has one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "security.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def threats(page: str) -> dict[str, list[tuple[str, str]]]:
    """Return what each row of a table of threats is held by."""
    found: dict[str, list[tuple[str, str]]] = {}
    _, _, rest = page.partition("\n## Threats\n")
    told, _, _ = rest.partition("\n## ")
    for line in told.splitlines():
        if line.startswith("| ") and not line.startswith("| Threat |"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            found[cells[0]] = _TEST.findall(line)
    return found


@cache
def written(path: str) -> frozenset[str]:
    """Return the tests that a file holds."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


THREATS = threats(PAGE.read_text())


@pytest.mark.parametrize("threat", THREATS)
def test_each_threat_is_held_by_tests_that_are_there(threat: str) -> None:
    named = THREATS[threat]
    assert named, "nothing holds it"
    missing = [f"{path}::{test}" for path, test in named if test not in written(path)]
    assert missing == []


def test_a_threat_without_a_test_and_a_test_that_is_none_are_seen() -> None:
    rows = "| bare | hope |  |\n| gone | a test | `tests/security/test_threats.py::test_gone` |\n"
    page = f"\n## Threats\n\n| Threat | What | Held by |\n|---|---|---|\n{rows}\n## End\n"
    assert threats(page)["bare"] == []
    ((path, test),) = threats(page)["gone"]
    assert test not in written(path)


def test_no_test_is_named_where_it_is_not_looked_for() -> None:
    everywhere = _TEST.findall(PAGE.read_text())
    assert sorted(everywhere) == sorted(one for named in THREATS.values() for one in named)
