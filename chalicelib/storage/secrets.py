"""Secrets by reference, as they are now: what is changed there is known here without a restart.

    secret:<name>            the text of a secret in Secrets Manager
    secret:<name>#<field>    one text of a secret that is a JSON object: what changes together
                             (a key and the one before it) stands in one, and is read in one;
                             of a plain text `#previous` is empty, and any other field is all of it
    file:/run/secrets/<x>    a mounted file, without its last newline; `#<field>` too
    anything else            the secret itself, for development

A secret of Secrets Manager is asked for again after five minutes, a file when it has changed. What
can't be had any more serves on as it was known.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, Generic, TypeVar

from chalicelib.kernel.errors import TryAgainError

SECRET, FILE = "secret:", "file:"
PREVIOUS = "previous"
_BUILDS_MAX, _HELD = 3, "held"
FRESH_SECONDS = 300
AGAIN_SECONDS = 30
"""How often a key that nobody knows may make us look, before the five minutes are over."""

Built = TypeVar("Built")
Fetch = Callable[[str], str]
"""Return the text of a named secret, or raise `SecretUnavailableError`."""


class SecretUnavailableError(TryAgainError):
    """A secret can't be had, and was never known here; the log says which."""

    code = "secret_unavailable"


def is_reference(text: str) -> bool:
    """Tell whether a setting names a secret, rather than being one."""
    return text.startswith((SECRET, FILE))


def from_secrets_manager(name: str) -> str:
    """Ask Secrets Manager, quickly or not at all."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(_client().get_secret_value(SecretId=name)["SecretString"])
    except (BotoCoreError, ClientError) as error:
        raise SecretUnavailableError("a secret can't be had", name=name) from error


@cache
def _client() -> Any:
    from chalicelib import aws  # only where secrets are named

    return aws.client(
        "secretsmanager", connect_timeout=1.0, read_timeout=2.0, retries={"total_max_attempts": 3}
    )


def revealed(text: str) -> str:
    """Return a secret once, for a tool that runs and ends."""
    return Vault(from_secrets_manager, monotonic).reveal(text)


@dataclass(frozen=True, slots=True)
class _Known:
    text: str
    mark: object  # of a file, what changes with it
    at: float


class Vault:
    """Reveals what settings name; whoever builds something of it can be told that it changed."""

    def __init__(self, fetch: Fetch, monotonic: Callable[[], float]) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._noting = threading.local()
        self._looked_at = -float(AGAIN_SECONDS)

    def reveal(self, text: str) -> str:
        """Return the text itself, or the secret that it names; one that is not there is empty."""
        if not is_reference(text):
            return text
        source, _, field = text.partition("#")
        whole = self._whole(source)
        revealed = _field(whole, field) if field else whole
        for notes in getattr(self._noting, "stack", ()):
            notes.setdefault(text, revealed)  # what was built first is what must still hold
        return revealed

    def look_again(self) -> bool:
        """Ask anew for what is known, at most once in thirty seconds; tell whether any changed."""
        with self._lock:
            now = self._monotonic()
            if now - self._looked_at < AGAIN_SECONDS:
                return False
            self._looked_at = now
            before = {source: known.text for source, known in list(self._known.items())}
        changed = [self._read(source).text != text for source, text in before.items()]
        return any(changed)

    @contextmanager
    def noting(self) -> Iterator[Mapping[str, str]]:
        """Note what is revealed to this thread meanwhile."""
        stack: list[dict[str, str]] = self._noting.__dict__.setdefault("stack", [])
        notes: dict[str, str] = {}
        stack.append(notes)
        try:
            yield notes
        finally:
            stack.pop()

    def _whole(self, source: str) -> str:
        known = self._known.get(source)
        if known is not None and self._still(source, known):
            return known.text
        if known is not None and source.startswith(SECRET):
            # One asks; whoever comes meanwhile is served with what was known.
            self._known[source] = _Known(known.text, known.mark, self._monotonic())
        return self._read(source).text

    def _still(self, source: str, known: _Known) -> bool:
        if source.startswith(FILE):
            return _mark(source) in {known.mark, None}
        return self._monotonic() - known.at < FRESH_SECONDS

    def _read(self, source: str) -> _Known:
        mark: object = _mark(source) if source.startswith(FILE) else None
        try:
            is_file = source.startswith(FILE)
            text = _text(source) if is_file else self._fetch(source.removeprefix(SECRET))
        except (OSError, UnicodeDecodeError, SecretUnavailableError):
            if source not in self._known:
                raise SecretUnavailableError("a secret can't be had", name=source) from None
            text, mark = self._known[source].text, self._known[source].mark
        self._known[source] = known = _Known(text, mark, self._monotonic())
        return known


class Renewed(Generic[Built]):
    """What is built once, and once more whenever a secret in it has changed."""

    def __init__(self, build: Callable[[], Built], vault: Callable[[], Vault]) -> None:
        self._build = build
        self._vault = vault
        self._kept = cache(dict[str, tuple[Built, Mapping[str, str]]])  # where `@cache` keeps
        self.__name__, self.__doc__ = build.__name__, build.__doc__

    def __call__(self) -> Built:
        """Return it; whoever is building around it depends on its secrets too."""
        vault, held = self._vault(), self._kept().get(_HELD)
        if held is not None:
            built, notes = held
            if all(vault.reveal(text) == revealed for text, revealed in notes.items()):
                return built
        for _ in range(_BUILDS_MAX):
            with vault.noting() as notes:
                built = self._build()
            if all(vault.reveal(text) == revealed for text, revealed in notes.items()):
                break  # nothing changed meanwhile: what belongs together was read together
        self._kept()[_HELD] = (built, notes)
        return built

    def cache_clear(self) -> None:
        """Forget it."""
        self._kept.cache_clear()


def _field(whole: str, field: str) -> str:
    """Return a field; a text that is no JSON object is each of its fields but what was before."""
    try:
        fields = json.loads(whole)
    except ValueError:
        fields = None
    if isinstance(fields, dict):
        value = fields.get(field)
        return "" if value is None else str(value)
    return "" if field == PREVIOUS else whole


def _mark(source: str) -> tuple[int, int, int] | None:
    """Return what changes with a file; None where there is none now."""
    try:
        told = Path(source.removeprefix(FILE)).stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_ino, told.st_size


def _text(source: str) -> str:
    return Path(source.removeprefix(FILE)).read_text().removesuffix("\n")
