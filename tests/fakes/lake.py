"""A lake in memory."""

from collections.abc import Iterator
from typing import BinaryIO


class MemoryLake:
    """Keeps files; a name that is written again must hold the same bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, name: str, body: bytes) -> None:
        assert self.files.setdefault(name, body) == body, f"{name} was written with other bytes"

    def put_file(self, name: str, file: BinaryIO) -> None:
        file.seek(0)
        self.put(name, file.read())

    def get(self, name: str) -> bytes:
        return self.files[name]

    def names(self, prefix: str) -> Iterator[str]:
        return iter(sorted(name for name in self.files if name.startswith(prefix)))
