"""What a process of its own is told beside the house's settings: by environment, refused early."""

from functools import cache
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from chalicelib.edge.cors import Cors


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
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()  # https://a.example,https://b.example

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        return tuple(part for one in given.split(",") if (part := one.strip()))

    @field_validator("cors_origins")
    @classmethod
    def _exact(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        Cors(origins)
        return origins


@cache
def knobs() -> Knobs:
    """Return this process's knobs."""
    return Knobs()
