"""What an administrator may set, read once from the environment; every name is documented in the chart's values.

In: environment variables with the prefix `INFERFLEET_`, and `KUBECONFIG`. Out: one frozen value that the composition
root hands on in pieces. Must not hold internals (time-outs, window lengths): those are constants beside the code
they tune.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from inferfleet.version import DEFAULT_WORKER_IMAGE


class Settings(BaseSettings):
    """Settings of the operator process; a value that cannot be read stops the start with the variable's name."""

    model_config = SettingsConfigDict(
        env_prefix="INFERFLEET_", frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    namespace: str = "default"
    identity: str = ""
    lease_name: str = "inferfleet"
    http_port: int = Field(default=8080, ge=0, le=65535)
    watch_namespaces: Annotated[tuple[str, ...], NoDecode] = ()
    budgets_required: bool = False
    workers: int = Field(default=16, ge=1, le=256)
    worker_image: str = Field(default=DEFAULT_WORKER_IMAGE, min_length=1)
    hub_enabled: bool = True
    hf_endpoint: str = "https://huggingface.co"
    hf_token: SecretStr | None = None
    read_pod_logs: bool = False
    scrape_engines: bool = True
    scrape_seconds: float = Field(default=60.0, ge=1.0, le=600.0)
    prometheus_url: str = ""
    price_max_age_days: int = Field(default=90, ge=1)
    log_format: Literal["json", "text"] = "json"
    kubeconfig: Path | None = Field(default=None, validation_alias=AliasChoices("kubeconfig", "KUBECONFIG"))

    @field_validator("watch_namespaces", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Read a comma-separated list; blanks around names do not matter."""
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value
