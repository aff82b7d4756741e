"""The options of a local model, as a project writes them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from promptlab.core.thinking import Thinking
from promptlab.core.types import Json
from promptlab.local_model.text.chat_template import STILL, Wishes

Accepted = Literal["lost_text", "penalties", "end_token", "unused_weights"]


class Options(BaseModel):
    """The options of a local model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="The number format for computing."
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        description="Where to compute: auto (a CUDA GPU if there is one), cpu, cuda:0, mps.",
    )
    revision: str | None = Field(None, description="A commit, tag or branch on the hub.")
    adapter: Path | None = Field(
        None, description="A folder with a LoRA adapter (peft), relative to the project."
    )
    batch_size: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Maximum number of prompts answered together: 128, or 16 for a model "
        "that needs padding; fewer if memory is short.",
    )
    pack: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Rearrange weights for oneDNN on a CPU; auto: if that is faster.",
    )
    threads: int | None = Field(
        None, ge=1, le=4096, description="CPU threads; by default torch's choice."
    )
    max_length: int | None = Field(
        None,
        ge=2,
        lt=2**31,
        description="Maximum tokens of prompt and answer; by default the model's limit.",
    )
    accept: tuple[Accepted, ...] = Field(
        (),
        description="What is otherwise refused: `lost_text` (the chat template leaves text out),"
        " `unused_weights` (the file has more than the model needs); or left out: `penalties` (in"
        " generation_config), `end_token` (which the tokenizer appends to prompts).",
    )
    chat_template: str | None = Field(
        None, description="The name of the chat template, for a model that has several."
    )
    date: str | None = Field(
        None,
        description="The date that a chat template reads in place of the clock, as 2026-11-30;"
        " by default 2024-07-26.",
    )
    thinking: Thinking | None = Field(
        None,
        description="Whether the model thinks first, as its chat template can tell it: `on`, `off`"
        " or the most tokens; by default the template's own choice.",
    )
    cache_dir: Path | None = Field(None, description="The folder for converted weights.")

    @field_validator("date")
    @classmethod
    def _is_a_date(cls, text: str | None) -> str | None:
        if text is not None:
            try:
                datetime.date.fromisoformat(text)
            except ValueError:
                raise ValueError("expected a date such as 2026-11-30") from None
        return text

    @field_validator("adapter")
    @classmethod
    def _from_the_project(cls, adapter: Path | None, info: ValidationInfo) -> Path | None:
        root: Path = (info.context or {}).get("project", Path())
        return None if adapter is None else root / adapter.expanduser()

    @property
    def words(self) -> dict[str, Json]:
        """Return what the user says that changes prompts or scores."""
        said: dict[str, Json] = {
            "chat_template": self.chat_template,
            "date": self.date,
            "thinking": self.thinking,
            "accept": [*sorted({"penalties", "end_token"}.intersection(self.accept))] or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def wishes(self) -> Wishes:
        """Return what it says of prompts."""
        day = STILL if self.date is None else datetime.date.fromisoformat(self.date)
        return Wishes(self.chat_template, day, self.thinking, self.accept)
