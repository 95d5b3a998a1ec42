"""Rules worth saying are worth a check."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.kernel.errors import PlatformError

ROOT = Path(__file__).parent.parent
CODE = sorted(
    path
    for top in ("app.py", "chalicelib", "server", "local", "tests", "benchmarks")
    for path in ([ROOT / top] if top.endswith(".py") else (ROOT / top).rglob("*.py"))
)
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 40

ROOMS = {
    *("ledger", "people", "catalog", "orders", "payments"),
    *("escrow", "refunds", "settlement", "delivery", "disputes", "complaints", "books"),
    *("health", "reconciliation"),
}
STORES = {
    *("people", "catalog", "orders", "payments"),
    *("refunds", "settlement", "delivery", "disputes", "complaints", "reconciliation"),
}
MONEY = [
    path
    for path in CODE
    if path.relative_to(ROOT).parts[:2] in {("chalicelib", room) for room in ROOMS}
    or path.name in {"money.py", "ids.py", "lifecycle.py", "record.py"}
]


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its signature and docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= FILE_LINES_MAX
    for function in functions(ast.parse(text)):
        assert code_lines(function) <= FUNCTION_LINES_MAX, function.name


@pytest.mark.parametrize("path", MONEY, ids=lambda path: str(path.relative_to(ROOT)))
def test_where_money_is_there_is_no_float_and_no_division(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.Div), "divide whole fen, and say how it rounds"
        assert not (isinstance(node, ast.Name) and node.id == "Decimal"), node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "float", node.lineno


def test_money_is_moved_on_one_page() -> None:
    movers = [
        path.relative_to(ROOT).as_posix()
        for path in CODE
        if path.is_relative_to(ROOT / "chalicelib")
        and re.search(r"\bSide\.(DEBIT|CREDIT)\b", path.read_text())
    ]
    assert movers == [
        "chalicelib/ledger/balances.py",  # sums, never posts
        "chalicelib/ledger/chart.py",
        "chalicelib/ledger/journal.py",  # sums, never posts
        "chalicelib/ledger/movement.py",  # balances what is posted
        "chalicelib/ledger/postings.py",
    ]


def test_only_that_page_makes_postings() -> None:
    makes = re.compile(r"(?<!class )\bPosting\(")
    assert [path.name for path in MONEY if makes.search(path.read_text())] == ["postings.py"]


def test_only_a_rooms_store_writes_its_items() -> None:
    writers = {
        path.relative_to(ROOT).as_posix()
        for path in CODE
        if path.is_relative_to(ROOT / "chalicelib")
        and re.search(r"\bwork\.(put|update|check|delete)\(", path.read_text())
    }
    assert writers == {
        "chalicelib/ledger/balances.py",  # debits of accounts that many share
        "chalicelib/ledger/journal.py",
        "chalicelib/ledger/logbook.py",
        "chalicelib/storage/due.py",
        *(f"chalicelib/{room}/store.py" for room in STORES),
    }


def test_only_the_lists_readers_write_in_batches() -> None:
    writers = {
        path.relative_to(ROOT).as_posix()
        for path in CODE
        if path.is_relative_to(ROOT / "chalicelib")
        and not path.is_relative_to(ROOT / "chalicelib" / "storage")
        and re.search(r"\bbatches\.(put|delete|guarded)\(", path.read_text())
    }
    assert writers == {
        "chalicelib/books/usecases/rebuild.py",
        "chalicelib/books/usecases/totals.py",
        "chalicelib/ledger/balances.py",
        "chalicelib/ledger/entries.py",
        "chalicelib/ledger/logbook.py",
        "chalicelib/orders/usecases/lists.py",
        "chalicelib/settlement/usecases/lists.py",
    }


def refusals(root: type[PlatformError]) -> Iterator[type[PlatformError]]:
    for error in root.__subclasses__():
        if error.__module__.startswith("chalicelib"):
            yield error
            yield from refusals(error)


def test_every_problem_has_its_page() -> None:
    import app  # noqa: F401, PLC0415  so that every room's errors are known

    codes = {error.code for error in refusals(PlatformError)}
    pages = {path.stem for path in (ROOT / "docs" / "problems").glob("*.md")} - {"README"}
    assert codes - pages == set(), "a problem's type leads to a page that is not there"
    assert pages - codes == set(), "a page for a problem that nobody raises"


def test_the_lock_files_name_no_place_of_their_own() -> None:
    for lock in ("requirements.txt", "requirements/dev.txt", "requirements/emulator.txt"):
        text = (ROOT / lock).read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"index-url|find-links|https?://", text)


def test_importing_the_notification_path_needs_no_network_library_of_the_tests() -> None:
    probe = (
        "import sys, app; sys.exit(bool({'requests', 'wechatpayv3', 'moto'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT, check=False).returncode == 0
