"""What a stage is told: `deploy/<stage>.env`, under the names that the README lists.

Each is a parameter of the template, named after the setting: WECHATPAY_MCH_ID is WechatpayMchId.
Secrets are never written there, only where they are kept: `shoukuan/<stage>/<name>`.
"""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from chalicelib.settings import Settings
from local.packaging.parameters import SECRETS, SECRETS_WHERE, named_after

PRODUCTION = {"prod", "production"}
_LINE = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")
_KEYS_WHERE = {"HasPreviousKey": "WECHATPAY_KEYS_CHANGE", "HasPushes": "WECHAT_PUSHES"}


class SettingsRefusedError(RuntimeError):
    """A stage's settings can't be right; the sentence is for a person."""


def read(path: Path, parameters: Collection[str]) -> dict[str, str]:
    """Read a stage's file; raise `SettingsRefusedError` at the first line that says nothing."""
    if not path.exists():
        raise SettingsRefusedError(f"{path} is not there: docs/deploy.md says what belongs in it")
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if (match := _LINE.fullmatch(line.strip())) is None:
            raise SettingsRefusedError(f"{path}, line {number}: NAME=value is expected")
        found[match["name"]] = match["value"].strip()
    if secret := sorted(set(found) & {*SECRETS, *SECRETS_WHERE}):
        raise SettingsRefusedError(f"{path}: `make secrets` keeps {', '.join(secret)}")
    strange = [name for name in found if named_after(name) not in parameters]
    if strange or "STAGE" in found:
        raise SettingsRefusedError(f"{path}: no setting is called {', '.join(strange) or 'STAGE'}")
    return found


def secrets_of(told: Mapping[str, str]) -> list[str]:
    """Return the secrets that a stage so told will read, and that must be kept before."""
    reads = {
        "HasWechatpayPublicKey": bool(told.get("WECHATPAY_PUBLIC_KEY_ID")),
        **{condition: told.get(name) == "yes" for condition, name in _KEYS_WHERE.items()},
    }
    return [*SECRETS, *(name for name, where in SECRETS_WHERE.items() if reads[where])]


def checked(stage: str, told: Mapping[str, str]) -> None:
    """Raise `SettingsRefusedError` where the functions themselves would refuse to start."""
    kept = dict.fromkeys(secrets_of(told), "secret:kept-elsewhere")
    try:
        with _environment({"STAGE": stage, **kept, **told}):
            Settings()
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, one['loc'])).upper() or 'together'}: {one['msg']}"
            for one in error.errors(include_input=False)
        ]
        raise SettingsRefusedError("; ".join(wrong)) from None


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Let this process see what a function will see."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
