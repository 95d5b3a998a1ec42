"""What a stage is told: `deploy/<stage>.env`, under the names that the README lists.

Every setting is a parameter of the template, named after it: WECHATPAY_MCH_ID is WechatpayMchId.
Secrets are never written there, only where they are kept: `secret:shoukuan/<stage>/<name>`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource
from typing_extensions import override

from chalicelib.settings import Settings

PRODUCTION = {"prod", "production"}
_LINE = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")
_WIRED = re.compile(r"stage|\w+_(table|queue|bucket)")
_TEMPLATES_OWN = {"DOMAIN_NAME": "", "CERTIFICATE_ARN": ""}
"""What only the template asks, and no function: a domain of one's own, and its certificate."""

_DESCRIPTIONS = {
    "PUBLIC_BASE_URL": "https address at which the provider reaches the API",
    "OIDC_ISSUER": "issuer of merchants' and operators' tokens",
    "WECHATPAY_MCH_ID": "merchant number (商户号)",
    "WECHATPAY_APP_ID": "the mini-program's app id",
    "WECHATPAY_SERIAL_NO": "serial number of the merchant's API certificate",
}
_KEPT = "^(secret:.+)?$"


class SettingsRefusedError(RuntimeError):
    """A stage's settings can't be right; the sentence is for a person."""


def secret_name(stage: str, setting: str) -> str:
    """Say where a secret setting is kept."""
    return f"shoukuan/{stage}/{setting.lower().replace('_', '-')}"


def secrets(*, required: bool) -> list[str]:
    """Return the settings that are secrets: those that must be there, or those that may be."""
    return [
        name.upper()
        for name, field in Settings.model_fields.items()
        if _is_secret(field.annotation) and field.is_required() is required
    ]


def parameter_name(setting: str) -> str:
    """Spell a setting as the template's parameter."""
    return "".join(word.title() for word in setting.split("_"))


def parameters() -> dict[str, dict[str, Any]]:
    """Return the template's parameters: one for each setting that a person decides."""
    return {
        parameter_name(setting): {
            "Type": "String",
            "Description": _DESCRIPTIONS.get(setting, f"{setting}; empty means its default"),
            **({} if required else {"Default": ""}),
            **({"AllowedPattern": _KEPT} if setting in secrets(required=False) else {}),
        }
        for setting, required in _decided()
    }


def environment(stage: str) -> dict[str, Any]:
    """Return how functions are given those settings, and where they find their secrets."""
    given = {setting: {"Ref": parameter_name(setting)} for setting, _ in _decided()}
    kept = {name: f"secret:{secret_name(stage, name)}" for name in secrets(required=True)}
    return given | kept


def read(path: Path) -> dict[str, str]:
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
    known = {setting for setting, _ in _decided()} | set(_TEMPLATES_OWN)
    secret = set(found) & {*secrets(required=True), *secrets(required=False)}
    if secret:
        raise SettingsRefusedError(f"{', '.join(sorted(secret))}: `make secrets` keeps those")
    if strange := set(found) - known:
        raise SettingsRefusedError(f"{path}: no setting is called {', '.join(sorted(strange))}")
    return found


def checked(stage: str, told: Mapping[str, str]) -> None:
    """Raise `SettingsRefusedError` where the functions themselves would refuse to start."""
    stand_in = dict.fromkeys(secrets(required=True), "secret:kept-elsewhere")
    values = {"STAGE": stage} | stand_in | dict(told)

    class Told(Settings):
        """The same settings, of these values and not of this process's environment."""

        @classmethod
        @override
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            source = EnvSettingsSource(settings_cls)
            source.env_vars = {name.lower(): value for name, value in values.items() if value}
            return (source,)

    try:
        Told()
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, one['loc'])).upper() or 'together'}: {one['msg']}"
            for one in error.errors(include_input=False)
        ]
        raise SettingsRefusedError("; ".join(wrong)) from None


def kept_parameters(stage: str, kept: Collection[str]) -> dict[str, str]:
    """Return the settings that name optional secrets, of those which are kept somewhere."""
    return {
        setting: f"secret:{secret_name(stage, setting)}"
        for setting in secrets(required=False)
        if secret_name(stage, setting) in kept
    }


def _decided() -> Iterator[tuple[str, bool]]:
    """Yield what a person decides, and whether there is no default."""
    for name, field in Settings.model_fields.items():
        secret = _is_secret(field.annotation)
        if not _WIRED.fullmatch(name) and not (secret and field.is_required()):
            yield name.upper(), field.is_required() or name == "public_base_url"


def _is_secret(annotation: Any) -> bool:
    return SecretStr in {annotation, *get_args(annotation)}
