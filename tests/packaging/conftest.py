"""One package for all tests of it, built as `make package` builds it."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.package import package
from local.packaging.staging import Architecture


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep those that need the package in the one process that builds it, which takes long."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("package"))
            if {"packed"} & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the template and the zip."""
    folder = tmp_path_factory.mktemp("package")
    package("dev", Architecture.X86_64, folder / "out", folder / "work")
    return folder / "out"


@pytest.fixture(scope="session")
def zipped(packed: Path) -> Path:
    return packed / "deployment.zip"


@pytest.fixture(scope="session")
def template(packed: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((packed / "sam.json").read_text())
    return document


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = template["Resources"]
    return found
