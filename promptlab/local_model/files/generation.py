"""Settings of a model's authors that change which tokens are likely, read without loading it.

They change what is measured: a penalty of repetition counts against the labels that a prompt names.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptlab.core.types import Json
from promptlab.local_model.files.whole import read_settings

REPETITION = "repetition_penalty"
OTHER_PENALTIES = (
    *("encoder_repetition_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size"),
    *("bad_words_ids", "min_length", "min_new_tokens", "forced_bos_token_id"),
    *("forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens", "sequence_bias"),
    *("guidance_scale", "watermarking_config", "exponential_decay_length_penalty"),
)
PENALTIES = (REPETITION, *OTHER_PENALTIES)
ACCEPTED = "penalties"  # what the option `accept` calls them


def penalties(folder: Path) -> Mapping[str, Json]:
    """Return those that a model's folder sets, other than to what changes nothing."""
    file = folder / "generation_config.json"
    settings = read_settings(file if file.is_file() else folder / "config.json")
    return {name: settings[name] for name in PENALTIES if changes_scores(name, settings.get(name))}


def changes_scores(name: str, value: Any) -> bool:
    """Return whether a setting has an effect."""
    if name.startswith("forced_"):  # the number of a token, which may be 0 or 1
        return value is not None
    return value not in (None, 0, 1, [], {}, ())
