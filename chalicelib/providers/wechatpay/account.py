"""Who we are to WeChat Pay, refused early when it can't be right."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

API_V3_KEY_BYTES = 32
NOTIFY_URL_LENGTH_MAX = 255
PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"


class InvalidAccountError(ValueError):
    """The account can't work; the sentence names the setting and never repeats a secret."""


@dataclass(frozen=True, slots=True)
class WeChatPayAccount:
    """A merchant number (商户号) with its keys, and where WeChat Pay and we are reached."""

    mch_id: str
    app_id: str
    serial_no: str
    private_key_pem: str | Callable[[], str] = field(repr=False)  # or who fetches it
    api_v3_key: str = field(repr=False)
    base_url: str
    notify_url: str
    api_v3_key_previous: str | None = field(default=None, repr=False)
    public_key_id: str | None = None
    public_key_pem: str | None = None
    fallback_url: str | None = None
    transfer_scene_id: str = "1005"
    """What transfers are for, as applied for with WeChat Pay; 1005 pays commissions (佣金报酬)."""

    transfer_reports: tuple[tuple[str, str], ...] = (
        ("岗位类型", "商家"),
        ("报酬说明", "货款结算"),
    )
    """What that scene asks to be told of each transfer."""

    def __post_init__(self) -> None:
        _require(r"[0-9]{6,32}", self.mch_id, "mch_id is digits")
        _require(r"[0-9A-Za-z_-]{1,32}", self.app_id, "app_id is letters and digits")
        _require(r"[0-9A-Fa-f]{1,64}", self.serial_no, "serial_no is hexadecimal")
        _require_api_v3_key(self.api_v3_key, "api_v3_key")
        if self.api_v3_key_previous is not None:
            _require_api_v3_key(self.api_v3_key_previous, "api_v3_key_previous")
        if (self.public_key_id is None) != (self.public_key_pem is None):
            raise InvalidAccountError("public_key_id and public_key_pem go together")
        if self.public_key_id is not None:
            _require(f"{PUBLIC_KEY_PREFIX}[0-9A-Za-z]+", self.public_key_id, "public_key_id")
        for url in self.hosts:
            _require_host(url)
        _require_notify_url(self.notify_url)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return where WeChat Pay is reached, the first choice first."""
        if self.fallback_url is None:
            return (self.base_url.rstrip("/"),)
        return self.base_url.rstrip("/"), self.fallback_url.rstrip("/")


def _require(pattern: str, text: str, sentence: str) -> None:
    if not re.fullmatch(pattern, text):
        raise InvalidAccountError(f"not as it should be: {sentence}")


def _require_api_v3_key(key: str, name: str) -> None:
    if not key.isascii():
        raise InvalidAccountError(f"{name} is ASCII")
    if len(key) != API_V3_KEY_BYTES:
        raise InvalidAccountError(f"{name} is {API_V3_KEY_BYTES} bytes long, not {len(key)}")


def _require_host(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise InvalidAccountError(f"not an address: {url!r}")
    if not parts.hostname:
        raise InvalidAccountError(f"no host in the address: {url!r}")
    if parts.query or parts.fragment or parts.username:
        raise InvalidAccountError(f"more than an address: {url!r}")


def _require_notify_url(url: str) -> None:
    _require_host(url)
    if len(url) > NOTIFY_URL_LENGTH_MAX:
        raise InvalidAccountError(f"notify_url is at most {NOTIFY_URL_LENGTH_MAX} characters")
