"""Everything here needs PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.pgwire import Wire


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    with Wire(postgres_url) as wire:
        yield wire


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.postgres)
