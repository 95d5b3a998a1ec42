"""Compile a folder, in a fresh process: `python -m local.packaging.bytecode FOLDER`.

Lambda's disk can't be written to, so what is not compiled here is compiled at every cold start. The
bytecode is marked *unchecked*: Python takes it as it is and never looks at the source beside it.
Run with a fixed hash seed, since the order of a set's constants follows it.
"""

import marshal
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from types import CodeType

_UNCHECKED = (0b01).to_bytes(4, "little")  # PEP 552: made from a hash that nobody checks


def main(folder: Path) -> None:
    """Write bytecode beside every source; names in tracebacks are relative to the folder."""
    for source in sorted(folder.rglob("*.py")):
        target = Path(cache_from_source(str(source), optimization=""))
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(compiled(source.read_bytes(), source.relative_to(folder).as_posix()))


def compiled(text: bytes, name: str) -> bytes:
    """Return the bytecode file of a source: PEP 552's header, then the code."""
    code = compile(text, name, "exec", dont_inherit=True, optimize=0)
    return MAGIC_NUMBER + _UNCHECKED + source_hash(text) + _stable(code)


def _stable(code: CodeType) -> bytes:
    """Marshal code so that the bytes depend on nothing but the code.

    Marshal marks what somebody else refers to, and who does depends on what ran before; a copy that
    was read back is referred to by itself alone.
    """
    return marshal.dumps(marshal.loads(marshal.dumps(code)))  # noqa: S302  our own bytes


if __name__ == "__main__":
    main(Path(sys.argv[1]))
