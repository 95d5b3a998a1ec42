"""Everything here needs PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.pgwire import Wire

_LONG = {"test_simulated", "test_servers", "test_costs"}


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    with Wire(postgres_url) as wire:
        yield wire


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.postgres)
            if item.path.stem in _LONG:
                item.add_marker(pytest.mark.slow)
