"""Commands look where the house stands, and never print a password."""

import json
from pathlib import Path

import pytest

from local.running import look_where_it_runs
from local.stack import write_run_file

URL = "postgresql://shoukuan:hidden@db.example:5432/house"


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "")  # so that what is set inside is taken back
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize(
    ("storage", "place"),
    [
        ("", "the running stack at http://aws"),
        (URL, "the running stack at http://aws on PostgreSQL at db.example:5432"),
    ],
)
def test_beside_a_running_stack_its_own_storage_is_looked_at(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, storage: str, place: str
) -> None:
    monkeypatch.setenv("STORAGE_URL", "postgresql://another/house")
    write_run_file(data_dir / "run.json", {"aws": "http://aws", "storage": storage})
    assert look_where_it_runs() == place
    assert json.loads((data_dir / "run.json").read_text())["storage"] == storage
    assert (data_dir / "run.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (URL, "the house on PostgreSQL at db.example:5432"),
        ("file:/run/secrets/storage_url", "the house on PostgreSQL"),
    ],
)
def test_without_one_the_named_database_is(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, url: str, place: str
) -> None:
    monkeypatch.setenv("STORAGE_URL", url)
    assert look_where_it_runs() == place


def test_where_nothing_is_named_that_is_said(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        look_where_it_runs()
    assert "no stack runs here" in capsys.readouterr().err
