"""`make package`: the deployable template and zip, validated, completed, linted, and looked into.

    python -m local.package --stage prod --arch arm64

writes `build/package/sam.json` and `build/package/deployment.zip`.
"""

import argparse
import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from local.packaging import archive, template
from local.packaging.errors import PackageError
from local.packaging.staging import ROOT, Architecture, stage_project

OUT = ROOT / "build" / "package"
_WORK = ROOT / "build" / "packing"
_MERGED = ROOT / ".chalice" / "resources.json"


def main() -> int:
    """Package a stage; return the exit code."""
    parser = argparse.ArgumentParser(prog="make package")
    parser.add_argument("--stage", default=os.environ.get("STAGE", "dev"))
    parser.add_argument(
        "--arch",
        type=Architecture,
        default=Architecture(os.environ.get("ARCH", Architecture.X86_64)),
        choices=list(Architecture),
    )
    asked = parser.parse_args()
    try:
        package(asked.stage, asked.arch)
    except (PackageError, subprocess.CalledProcessError) as error:
        print(f"not packaged: {error}", file=sys.stderr)
        return 1
    return 0


def package(stage: str, architecture: Architecture, out: Path = OUT, work: Path = _WORK) -> None:
    """Stage, build, compile, complete, lint, and look into the zip."""
    project = stage_project(work / "project", stage=stage, architecture=architecture)
    chalice = "local.packaging.chalice_run"
    _run(sys.executable, "-m", chalice, str(project), stage, str(_MERGED), str(out))
    described, zipped = out / "sam.json", out / "deployment.zip"
    archive.rebuild(zipped, work / "unzipped")
    size = archive.check(zipped, architecture)
    document = json.loads(described.read_text())
    template.complete(document, stage)
    described.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    _run(str(Path(sys.executable).parent / "cfn-lint"), str(described))
    kinds = sorted({resource["Type"] for resource in document["Resources"].values()})
    print(f"{described}: {len(document['Resources'])} resources, cfn-lint clean")
    print("  " + ", ".join(kinds))
    digest = sha256(zipped.read_bytes()).hexdigest()
    print(f"{zipped}: {architecture}, {size // 1024} KB of at most {archive.BYTES_MAX // 1024}")
    print(f"  sha256 {digest}")


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
