"""What a process of its own is told beside the house's settings: by environment, refused early."""

from functools import cache

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Knobs(BaseSettings):
    """How this process is reached, and how it ends."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    host: str = "127.0.0.1"  # a container says 0.0.0.0
    port: int = Field(default=8000, ge=1, le=65_535)  # of the API; `work` and `tick`: of probes
    threads: int = Field(default=16, ge=1, le=256)  # requests answered at once
    messages_at_once: int = Field(default=4, ge=1, le=64)  # of each queue of PostgreSQL
    message_lease_seconds: int = Field(
        default=30, ge=1, le=600
    )  # then a killed worker's come again
    handling_seconds_max: int = Field(default=960, ge=10, le=3600)  # longer hangs: not alive
    notice_seconds: int = Field(default=0, ge=0, le=120)  # unready, yet serving, before it ends
    drain_seconds: int = Field(default=20, ge=0, le=900)  # to finish what is at hand


@cache
def knobs() -> Knobs:
    """Return this process's knobs."""
    return Knobs()
