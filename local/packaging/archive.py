"""The zip: bytecode beside every source, and the same bytes for the same inputs."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

from local.packaging.errors import PackageError
from local.packaging.staging import PYTHON, ROOT, Architecture

BYTES_MAX = 15 * 1024 * 1024
_WHEN = (1980, 1, 1, 0, 0, 0)  # the first day that a zip knows
_HEADER_BYTES = 16

NEEDED = {
    *("app.py", "chalicelib", "chalice", "aws_lambda_powertools"),
    *("cryptography", "joserfc", "pydantic", "pydantic_core", "ulid"),
}
"""What must be in it, at its top."""

STRANGE = {
    *("tests", "local", "server", "benchmarks", "docs", "examples", "vendor", "bin"),
    *("boto3", "botocore", "s3transfer", "urllib3"),  # in Lambda's image
    *("requests", "moto", "pytest", "pip", "setuptools", "waitress", "psycopg"),
}
"""What must not."""

_SECRET_ENDS = (".pem", ".key", ".env", ".p12")
_ELF_MACHINES = {Architecture.X86_64: 0x3E, Architecture.ARM64: 0xB7}


def rebuild(packed: Path, work: Path) -> None:
    """Take Chalice's zip apart, compile it, and put it together again under the same name."""
    shutil.rmtree(work, ignore_errors=True)
    with zipfile.ZipFile(packed) as zipped:
        zipped.extractall(work)
    compile_folder(work)
    draft = packed.with_suffix(".tmp")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for path in sorted(path for path in work.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(work).as_posix(), _WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whose permissions follow
            entry.external_attr = (0o755 if path.suffix == ".so" else 0o644) << 16
            zipped.writestr(entry, path.read_bytes())
    draft.replace(packed)


def compile_folder(folder: Path) -> None:
    """Compile in a fresh process, so that nothing but the sources decides about the bytes.

    Without columns, which only a printed traceback would show: a fifth of the bytecode.
    """
    compiling = [sys.executable, "-X", "no_debug_ranges", "-m", "local.packaging.bytecode"]
    fixed = os.environ | {"PYTHONHASHSEED": "0"}
    subprocess.run([*compiling, str(folder)], check=True, cwd=ROOT, env=fixed)


def check(path: Path, architecture: Architecture) -> int:
    """Look into the zip, and return its size; raise `PackageError` at what can't be deployed."""
    with zipfile.ZipFile(path) as zipped:
        names = zipped.namelist()
        _check_names(names)
        for name in names:
            if name.endswith(".py"):
                _check_bytecode(zipped, name)
            elif name.endswith(".so"):
                _check_machine(name, zipped.read(name), architecture)
    size = path.stat().st_size
    if size > BYTES_MAX:
        raise PackageError(f"the zip has {size} bytes, of at most {BYTES_MAX}")
    return size


def _check_names(names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    if missing := NEEDED - tops:
        raise PackageError(f"the zip lacks {sorted(missing)}")
    if strange := STRANGE & tops:
        raise PackageError(f"the zip holds {sorted(strange)}, which nobody needs there")
    if secret := [name for name in names if name.endswith(_SECRET_ENDS)]:
        raise PackageError(f"the zip holds what looks like a secret: {secret}")
    sources = {cache_from_source(name, optimization="") for name in names if name.endswith(".py")}
    if orphans := {name for name in names if name.endswith(".pyc")} - sources:
        raise PackageError(f"bytecode of no source: {sorted(orphans)[:5]}")
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "chalicelib").rglob("*.py")}
    if unpacked := ours - set(names):
        raise PackageError(f"the zip lacks {sorted(unpacked)[:5]}")


def _check_bytecode(zipped: zipfile.ZipFile, name: str) -> None:
    """Refuse a source without bytecode that Python would take unasked, made of this very source."""
    try:
        bytecode = zipped.read(cache_from_source(name, optimization=""))
    except KeyError:
        raise PackageError(f"{name} is not compiled") from None
    hashed = MAGIC_NUMBER + (1).to_bytes(4, "little") + source_hash(zipped.read(name))
    if bytecode[:_HEADER_BYTES] != hashed:
        raise PackageError(f"the bytecode of {name} is of another source, or is checked")


def _check_machine(name: str, binary: bytes, architecture: Architecture) -> None:
    """Refuse an extension for another processor or another Python."""
    machine = int.from_bytes(binary[18:20], "little")
    if binary[:4] != b"\x7fELF" or machine != _ELF_MACHINES[architecture]:
        raise PackageError(f"{name} is not for {architecture}")
    tag = f"cpython-{PYTHON.replace('.', '')}"
    if "cpython-" in name and tag not in name:
        raise PackageError(f"{name} is not for Python {PYTHON}")
