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


def test_every_file_that_documents_point_to_is_there() -> None:
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"


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
