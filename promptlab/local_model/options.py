"""The options of a local model, as a project writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Accepted = Literal["unused_weights"]


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
        description="Maximum number of prompts answered together: 128, or 16 for a model "
        "that needs padding; fewer if memory is short.",
    )
    pack: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Rearrange weights for oneDNN on a CPU; auto: if that is faster.",
    )
    threads: int | None = Field(None, ge=1, description="CPU threads; by default torch's choice.")
    max_length: int | None = Field(
        None, ge=2, description="Maximum tokens of prompt and answer; by default the model's limit."
    )
    accept: tuple[Accepted, ...] = Field(
        (),
        description="What is otherwise refused or left out: `unused_weights` (the file has more"
        " than the model needs).",
    )
    cache_dir: Path | None = Field(None, description="The folder for converted weights.")

    @field_validator("adapter")
    @classmethod
    def _from_the_project(cls, adapter: Path | None, info: ValidationInfo) -> Path | None:
        root: Path = (info.context or {}).get("project", Path())
        return None if adapter is None else root / adapter.expanduser()
