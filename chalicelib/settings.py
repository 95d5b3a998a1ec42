"""Configuration is environment only, read once, refused early when it can't be right.

Read with pydantic alone: pydantic-settings takes longer to import than all of pydantic, for sources
that are not used here (docs/decisions/0021-cold-starts-are-counted.md).
"""

import os
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_origin

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import from_json

from chalicelib.kernel.limits import Limited


class FundsModel(StrEnum):
    """Whose money it is while it is held."""

    PARTNER = "partner"  # the seller is the payee; held money is frozen under it at the provider
    DIRECT = "direct"  # the platform's own shop: collected under our merchant number


SHIP_DAYS_BEFORE_FREEZE_ENDS = 2
"""So long before its freeze ends a dispute is over; then what was not shipped can still go back."""


class Settings(BaseModel):
    """Every knob. Secrets may be named instead of told: see `storage/secrets.py`."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # the input holds secrets
    )

    stage: str = "local"
    funds_model: FundsModel = FundsModel.DIRECT
    storage_url: SecretStr | None = None  # postgresql://…; none is DynamoDB
    storage_connections_max: int = Field(default=20, ge=1, le=500)  # of one process
    storage_prepared: bool = True  # off behind a pooler that can't carry prepared statements
    main_table: str = "shoukuan-local-main"
    log_table: str = "shoukuan-local-log"
    bookings_queue: str = "shoukuan-local-bookings"  # verified notifications that met a throttle
    commands_queue: str = "shoukuan-local-commands"  # work to do outside, such as closing an order
    events_queue: str = "shoukuan-local-events"  # what happened, for the rooms that listen
    settlements_queue: str = "shoukuan-local-settlements"  # who is to be settled and paid
    reconciliations_queue: str = "shoukuan-local-reconciliations"  # days to be reconciled by hand
    documents_bucket: str = "shoukuan-local-documents"  # what people hand in, as it came
    lake_bucket: str = "shoukuan-local-lake"  # the numbered list as files

    public_base_url: str = "http://127.0.0.1:8000"  # where the provider reaches our notifications
    order_ttl_seconds: int = Field(default=1800, ge=300, le=86_400)
    ship_days: int = Field(default=15, ge=1, le=60)  # then an unshipped order's money goes back
    receipt_days: int = Field(default=10, ge=1, le=28)  # then goods are taken as received
    platform_fee_basis_points: int = Field(default=0, ge=0, le=3000)  # of an order's total
    platform_fee_rates: dict[str, Annotated[int, Field(ge=0, le=3000)]] = {}  # `level/category`
    payout_minimum_fen: int = Field(default=100, ge=10)  # less waits for the next settlement
    freeze_days: int = Field(default=30, ge=1, le=180)  # the provider's limit to frozen money
    round_milliseconds: int = Field(default=1000, ge=10, le=60_000)  # between rounds of numbering
    development_payees: bool = False  # development only: whoever has no account gets a made-up one
    session_ttl_seconds: int = Field(default=7200, ge=60, le=86_400)
    session_key: SecretStr  # signs shoppers' sessions; 32 bytes or more
    session_key_previous: SecretStr | None = None  # verifies those that are still good

    rate_limits: dict[Limited, Annotated[int, Field(ge=1)]] = {}  # a minute, instead of our own
    rate_limits_enabled: bool = True  # development only: off
    trusted_proxies: int = Field(default=0, ge=0, le=8)  # of ours, before the door; see security.md

    oidc_issuer: str
    oidc_audience: str = "shoukuan"

    wechatpay_base_url: str = "https://api.mch.weixin.qq.com"
    wechatpay_fallback_url: str | None = (
        None  # api2.mch.weixin.qq.com when the base is the real one
    )
    wechatpay_mch_id: str
    wechatpay_app_id: str
    wechatpay_serial_no: str
    wechatpay_private_key: SecretStr
    wechatpay_api_v3_key: SecretStr
    wechatpay_api_v3_key_previous: SecretStr | None = None
    wechatpay_fee_basis_points: Annotated[int, Field(ge=0, le=100)] | None = None  # as agreed
    wechatpay_public_key_id: str | None = None
    wechatpay_public_key: SecretStr | None = None

    wechat_api_base_url: str = "https://api.weixin.qq.com"
    wechat_app_secret: SecretStr
    wechat_app_secret_previous: SecretStr | None = None

    shipping_reports: bool = True  # WeChat is told of shipments (发货信息管理)
    wechat_push_token: SecretStr | None = None  # both as set in WeChat's console
    wechat_push_aes_key: SecretStr | None = None
    wechat_push_token_previous: SecretStr | None = None
    wechat_push_aes_key_previous: SecretStr | None = None

    business_clock_file: Path | None = None  # development only: seconds added to business time

    def __init__(self) -> None:
        """Read the environment, each field under its own name; an empty text is none."""
        given = {name.lower(): text for name, text in os.environ.items() if text}
        fields = type(self).model_fields.items()
        super().__init__(
            **{name: _read(field, given[name]) for name, field in fields if name in given}
        )

    @property
    def production(self) -> bool:
        """Tell whether real money may flow."""
        return self.stage in {"prod", "production"}

    @model_validator(mode="after")
    def _coherent(self) -> "Settings":
        if self.production and self.business_clock_file:
            raise ValueError("BUSINESS_CLOCK_FILE is for development only")
        if self.production and self.development_payees:
            raise ValueError("DEVELOPMENT_PAYEES is for development only")
        if self.production and (told := self._literals()):
            raise ValueError(
                f"in production secrets are named (secret:… or file:…), not told: {', '.join(told)}"
            )
        if self.production and not self.rate_limits_enabled:
            raise ValueError("RATE_LIMITS_ENABLED=false is for development only")
        if self.production and not self.public_base_url.startswith("https://"):
            raise ValueError("PUBLIC_BASE_URL must be https in production")
        if self.ship_days >= self.freeze_days - SHIP_DAYS_BEFORE_FREEZE_ENDS:
            raise ValueError(
                "SHIP_DAYS must be less than FREEZE_DAYS minus 2, so that the money of an unshipped"
                " order goes back while the provider still freezes it"
            )
        url = self.storage_url.get_secret_value() if self.storage_url else ""
        if url and not url.startswith(("postgresql://", "postgres://", "secret:", "file:")):
            raise ValueError("STORAGE_URL must begin with postgresql://")
        if bool(self.wechatpay_public_key_id) != bool(self.wechatpay_public_key):
            raise ValueError("WECHATPAY_PUBLIC_KEY_ID and WECHATPAY_PUBLIC_KEY go together")
        if bool(self.wechat_push_token) != bool(self.wechat_push_aes_key):
            raise ValueError("WECHAT_PUSH_TOKEN and WECHAT_PUSH_AES_KEY go together")
        return self

    def _literals(self) -> list[str]:
        """Return the settings that hold a secret itself; WeChat Pay's public key is none."""
        return [
            name.upper()
            for name, value in self
            if isinstance(value, SecretStr)
            and name != "wechatpay_public_key"
            and not value.get_secret_value().startswith(("secret:", "file:"))
        ]


def _read(field: FieldInfo, text: str) -> Any:
    """Read a table, which is written as JSON; what is none is left for the field to refuse."""
    if get_origin(field.annotation) is not dict:
        return text
    try:
        return from_json(text)
    except ValueError:
        return text


@cache
def settings() -> Settings:
    """Return this process's configuration."""
    return Settings()
