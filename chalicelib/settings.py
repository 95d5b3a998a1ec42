"""Configuration is environment only, read once, refused early when it can't be right."""

from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class FundsModel(StrEnum):
    """Whose money it is while it is held."""

    DIRECT = "direct"  # the platform's own shop: collected under our merchant number


class Settings(BaseSettings):
    """Every knob. Texts of secrets may be given as `secret:<name>`: see `storage/secrets.py`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # the input holds secrets
    )

    stage: str = "local"
    funds_model: FundsModel = FundsModel.DIRECT
    main_table: str = "shoukuan-local-main"
    log_table: str = "shoukuan-local-log"
    bookings_queue: str = "shoukuan-local-bookings"  # verified notifications that met a throttle
    commands_queue: str = "shoukuan-local-commands"  # work to do outside, such as closing an order
    events_queue: str = "shoukuan-local-events"  # what happened, for the rooms that listen
    lake_bucket: str = "shoukuan-local-lake"  # the numbered list as files

    public_base_url: str = "http://127.0.0.1:8000"  # where the provider reaches our notifications
    order_ttl_seconds: int = Field(default=1800, ge=300, le=86_400)
    receipt_days: int = Field(default=10, ge=1, le=28)  # then goods are taken as received
    platform_fee_basis_points: int = Field(default=0, ge=0, le=3000)  # of what is released
    session_ttl_seconds: int = Field(default=7200, ge=60, le=86_400)
    session_key: SecretStr  # signs shoppers' sessions; 32 bytes or more

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
    wechatpay_public_key_id: str | None = None
    wechatpay_public_key: SecretStr | None = None

    wechat_api_base_url: str = "https://api.weixin.qq.com"
    wechat_app_secret: SecretStr

    business_clock_file: Path | None = None  # development only: seconds added to business time

    @property
    def production(self) -> bool:
        """Tell whether real money may flow."""
        return self.stage in {"prod", "production"}

    @model_validator(mode="after")
    def _coherent(self) -> "Settings":
        if self.production and self.business_clock_file:
            raise ValueError("BUSINESS_CLOCK_FILE is for development only")
        if self.production and not self.public_base_url.startswith("https://"):
            raise ValueError("PUBLIC_BASE_URL must be https in production")
        if bool(self.wechatpay_public_key_id) != bool(self.wechatpay_public_key):
            raise ValueError("WECHATPAY_PUBLIC_KEY_ID and WECHATPAY_PUBLIC_KEY go together")
        return self


@cache
def settings() -> Settings:
    """Return this process's configuration."""
    return Settings()
