"""The sampling keys as users write them: in a template, a suite or a single `generate`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class SamplingSettings(BaseModel):
    """The sampling keys of a template or a suite; what is left out is not set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1, lt=2**31)
    stop: tuple[str, ...] | None = None
    seed: int | None = Field(None, ge=0, lt=2**31)

    @field_validator("stop", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("temperature", "top_p", "max_tokens", "seed", mode="before")
    @classmethod
    def _not_a_boolean(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError(f"expected a number, found {str(value).lower()}")
        return value

    def given(self) -> dict[str, Any]:
        """Return only what is set, as keyword arguments of `Sampling`."""
        return {key: value for key, value in self.model_dump().items() if value is not None}
