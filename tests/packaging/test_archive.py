"""What is in the zip, and that what should not be there is found."""

import shutil
import zipfile
from collections.abc import Callable
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from local.packaging import archive
from local.packaging.errors import PackageError
from local.packaging.staging import Architecture

X86_64, ARM64 = Architecture.X86_64, Architecture.ARM64


def test_the_zip_is_fit_and_small(zipped: Path) -> None:
    assert 5_000_000 < archive.check(zipped, X86_64) <= 15 * 1024 * 1024


def test_the_same_inputs_are_the_same_bytes(zipped: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    shutil.copy(zipped, again)
    archive.rebuild(again, tmp_path / "work")
    assert again.read_bytes() == zipped.read_bytes()


def test_python_takes_the_bytecode_and_never_looks_at_the_source(
    zipped: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(zipped) as packed:
        source = packed.read("chalicelib/kernel/money.py")
        bytecode = packed.read(cache_from_source("chalicelib/kernel/money.py", optimization=""))
    assert bytecode[4:8] == b"\x01\x00\x00\x00", "made from a hash, and unchecked"
    assert source.startswith(b'"""Money')


def renamed(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        files[name] = b""

    return change


def without(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        for found in [one for one in files if one.startswith(name)]:
            del files[found]

    return change


def edited(files: dict[str, bytes]) -> None:
    files["app.py"] += b"\n"


def checked(files: dict[str, bytes]) -> None:
    name = cache_from_source("app.py", optimization="")
    files[name] = files[name][:4] + b"\x03\x00\x00\x00" + files[name][8:]


MONEY = "chalicelib/kernel/money.py"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without("pydantic_core/"), "lacks"),
        (without(MONEY), "lacks|no source"),
        (without(cache_from_source(MONEY, optimization="")), "money.py is not compiled"),
        (renamed("tests/conftest.py"), "which nobody needs"),
        (renamed("botocore/__init__.py"), "which nobody needs"),
        (renamed("chalicelib/merchant.pem"), "looks like a secret"),
        (renamed("chalicelib/__pycache__/gone.cpython-311.pyc"), "no source"),
        (edited, "of another source"),
        (checked, "is checked"),
    ],
)
def test_what_can_not_be_deployed_is_found(
    zipped: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], sentence: str
) -> None:
    with zipfile.ZipFile(zipped) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    change(files)
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(broken, "w") as draft:
        for name, body in files.items():
            draft.writestr(name, body)
    with pytest.raises(PackageError, match=sentence):
        archive.check(broken, X86_64)


def test_another_processor_is_found(zipped: Path) -> None:
    with pytest.raises(PackageError, match="is not for arm64"):
        archive.check(zipped, ARM64)


def test_too_large_is_found(zipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "BYTES_MAX", 1000)
    with pytest.raises(PackageError, match="bytes"):
        archive.check(zipped, X86_64)
