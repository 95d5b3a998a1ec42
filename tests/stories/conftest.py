"""One running house for all stories, in one process of the test run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.control import Control
from local.stack import Stack
from local.story import Story

QUICK = {"ROUND_MILLISECONDS": "50"}
"""A story waits for many rounds of numbering, and nothing else happens in between."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("house")
    with Stack(folder, overrides=QUICK) as running, Control(running):
        yield running


@pytest.fixture
def story(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws)
    monkeypatch.setenv("STORAGE_URL", stack.storage_url)
    told = Story(stack)
    yield told
    told.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep every story in the one process that runs the house."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.emulator)
            if item.get_closest_marker("xdist_group") is None:
                item.add_marker(pytest.mark.xdist_group("house"))
