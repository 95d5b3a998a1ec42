"""The README shows what works: its demo is the demo's own words."""

import re
from pathlib import Path

import pytest

from tests.stories.conftest import QUICK

ROOT = Path(__file__).parent.parent


def shape(text: str) -> str:
    """Leave out what differs from run to run: ports, ids, positions, times."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", text)
    text = re.sub(r"\d{4}-\d\d-\d\d(T[0-9:.]+Z)?", "day", text)
    text = re.sub(r"position \d+|(?m:^  \d+(?=,))", "", text)
    return re.sub(r"\b[a-z]{3}_[0-9A-Z]{26}\b", "id", text)


def prose(page: Path) -> str:
    """Leave out what is quoted."""
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return where a page can be entered, as a forge names its headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_place_that_documents_point_to_is_there() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for file, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", prose(page)):
            target = page.parent / file if file else page
            assert target.exists(), f"{page.name} points to {file}"
            assert not anchor or anchor in anchors(target), f"{page.name}: no {file}#{anchor}"


@pytest.mark.parametrize(
    ("folder", "pages"), [("decisions", "[0-9]*.md"), ("problems", "[!R]*.md")]
)
def test_an_index_lists_each_page_once(folder: str, pages: str) -> None:
    index = prose(ROOT / "docs" / folder / "README.md")
    listed = re.findall(r"^(?:\d+\.|\|) \[.*?\]\(([^)]+)\)", index, re.MULTILINE)
    assert listed == sorted(page.name for page in (ROOT / "docs" / folder).glob(pages))


def test_decisions_are_numbered_without_a_gap() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for number, page in enumerate(pages, 1):
        assert page.read_text().startswith(f"# {number}. "), page.name
        assert "Held by" in page.read_text(), f"{page.name} does not say what holds it"


def test_a_diagram_has_no_semicolon() -> None:
    """Mermaid takes one for the end of a line, and shows an error instead."""
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for diagram in re.findall(r"```mermaid\n(.*?)```", page.read_text(), re.DOTALL):
            assert ";" not in diagram, page.name


def test_make_help_shows_each_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    shown = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    phony = makefile.partition(".PHONY: ")[2].split()
    assert (sorted(shown), len(shown)) == (sorted(phony), len(set(phony)))


@pytest.mark.slow
@pytest.mark.emulator
def test_the_readme_shows_what_the_demo_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from local import demo  # noqa: PLC0415  it sets the environment of this process

    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    assert demo.main() == 0
    printed = capsys.readouterr().out.strip()
    shown = (ROOT / "README.md").read_text().partition("$ make demo\n")[2].partition("\n```")[0]
    assert shape(shown) == shape(printed)
