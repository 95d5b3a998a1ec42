"""A copy of what travels, with its wheels, for Chalice to pack.

The wheels are installed here, by pip and with every hash checked, and Chalice is given an empty
list of requirements: by itself it checks no hash for arm64, and it may build from source.
"""

import json
import shutil
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

from local.packaging.regions import write_regions

ROOT = Path(__file__).parent.parent.parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_POLICY = {"Version": "2012-10-17", "Statement": []}  # `allowed.py` writes each function's own


class Architecture(StrEnum):
    """The processors that Lambda offers."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def platform(self) -> str:
        """Return how wheels spell it; Lambda's image has the glibc that this tag asks for."""
        machine = "aarch64" if self is Architecture.ARM64 else self.value
        return f"manylinux2014_{machine}"


def stage_project(into: Path, *, stage: str, architecture: Architecture) -> Path:
    """Copy what travels into a fresh folder, and return it."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    shutil.copy2(ROOT / "app.py", into)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "chalicelib", into / "chalicelib", ignore=ignored)
    write_regions(into / "chalicelib" / "regions")
    (into / "requirements.txt").write_text("")
    _configure(into / ".chalice", stage, architecture)
    _install(into / "vendor", architecture)
    return into


def _configure(folder: Path, stage: str, architecture: Architecture) -> None:
    folder.mkdir()
    config: dict[str, Any] = json.loads((ROOT / ".chalice" / "config.json").read_text())
    config |= {
        "autogen_policy": False,
        "lambda_architecture": architecture.value,
        "stages": {stage: {"api_gateway_stage": "api", "iam_policy_file": "policy.json"}},
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (folder / "policy.json").write_text(json.dumps(_POLICY))


def _install(into: Path, architecture: Architecture) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(into)]
    only = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation=cp"]
    wanted = [f"--platform={architecture.platform}", f"--python-version={PYTHON}"]
    locked = ["-r", str(ROOT / "requirements.txt")]
    subprocess.run([*pip, *only, *wanted, *locked], check=True)
    shutil.rmtree(into / "bin", ignore_errors=True)  # programs for a terminal
