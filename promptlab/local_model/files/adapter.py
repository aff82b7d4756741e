"""Inspect and identify a LoRA adapter in a folder without loading it.

Accepts plain LoRA and those variants that need only the base's weights. Refuses anything that
peft would have to run or measure first, and pickles. Knows files, not torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from promptlab.core.digest import digest_json
from promptlab.core.errors import BackendError
from promptlab.core.types import Json
from promptlab.core.validation import wrong_value
from promptlab.local_model.files.cache import Cache

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_PICKLE = "adapter_model.bin"
_TOKENIZER = "tokenizer_config.json"
_TOKENIZER_FILES = (
    *("tokenizer*", "chat_template*", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.*", "merges.txt", "*.model", "*.tiktoken"),
)
MERGE = "merge it into its base with peft (merge_and_unload) and set `model` to that folder"
_PLAIN_STARTS = (True, False, "gaussian", "eva", "orthogonal")  # these leave the base as it is
# Keys about training or saving, or of a variant that has a key of its own to turn it on.
_IRRELEVANT = {
    *("peft_version", "auto_mapping", "revision", "inference_mode", "fan_in_fan_out"),
    *("lora_dropout", "eva_config", "runtime_config", "megatron_core", "qalora_group_size"),
}


class _Config(BaseModel):
    """The keys of `adapter_config.json` that may affect answers."""

    model_config = ConfigDict(frozen=True, extra="allow")

    peft_type: str
    task_type: str | None = None
    base_model_name_or_path: str | None = None
    init_lora_weights: bool | str | None = True
    r: int = Field(8, ge=1)
    lora_alpha: int | float = 8
    use_rslora: bool = False
    lora_bias: bool = False
    target_modules: list[str] | str | None = None
    exclude_modules: list[str] | str | None = None
    rank_pattern: dict[str, int] | None = None
    alpha_pattern: dict[str, float] | None = None
    layers_to_transform: list[int] | int | None = None
    layers_pattern: list[str] | str | None = None
    bias: Literal["none", "all", "lora_only"] = "none"
    use_dora: bool = False
    modules_to_save: list[str] | None = None
    trainable_token_indices: list[int] | dict[str, list[int]] | None = None
    target_parameters: list[str] | None = None
    layer_replication: list[tuple[int, int]] | None = None
    ensure_weight_tying: bool = False


_FILE_KEYS = {"peft_type", "task_type", "base_model_name_or_path", "init_lora_weights"}
_CHANGE_THE_BASE = (
    *("bias", "use_dora", "modules_to_save", "trainable_token_indices"),
    *("target_parameters", "layer_replication", "ensure_weight_tying"),
)


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter on disk. `digest` covers every file that affects answers.

    `settings` are the keys of its `LoraConfig`. `changes` names the setting that requires a private
    copy of the base's weights; it is None for plain LoRA. `tokenizer` is the folder of its own
    tokenizer, if it has one. `base_revision` is that of the base it was trained on.
    """

    folder: Path
    digest: str
    base: str | None
    settings: Mapping[str, Any]
    changes: str | None
    tokenizer: Path | None
    base_revision: str | None = None

    @property
    def facts(self) -> dict[str, Json]:
        """Return the facts to store with a run."""
        return {
            "digest": self.digest,
            "base": self.base,
            "rank": self.settings["r"],
            "alpha": self.settings["lora_alpha"],
            "own_tokenizer": self.tokenizer is not None,
        }


def find_adapter(folder: Path, cache: Cache) -> Adapter:
    """Find the adapter in `folder`; raise `BackendError` if it cannot be used."""
    folder = folder.expanduser()
    if not (folder / CONFIG).is_file():
        reason = "has no adapter_config.json" if folder.is_dir() else "does not exist"
        raise BackendError(
            f"the adapter's folder {folder} {reason}",
            hint="`adapter` takes a folder written by peft's save_pretrained",
        )
    config = _read(folder / CONFIG)
    _require_lora(folder, config)
    _require_weights(folder)
    own = (folder / _TOKENIZER).is_file()
    names = [CONFIG, WEIGHTS, *(_tokenizer_files(folder) if own else ())]
    settings = config.model_dump(exclude=_FILE_KEYS, exclude_none=True, include=_known())
    return Adapter(
        folder=folder,
        digest=digest_json([[name, cache.digest(folder / name)] for name in names]),
        base=config.base_model_name_or_path,
        settings=settings,
        changes=next((key for key in _CHANGE_THE_BASE if _is_set(settings.get(key))), None),
        tokenizer=folder if own else None,
        base_revision=_text((config.model_extra or {}).get("revision")),
    )


def refuse_adapter(folder: Path) -> None:
    """Raise `BackendError` if the folder holds an adapter instead of a model.

    transformers would load the base from wherever the adapter's config points.
    """
    if (folder / CONFIG).is_file():
        raise BackendError(
            f"{folder} holds an adapter, not a model",
            hint="name it in the option `adapter`, and its base in `model`",
        )


def _known() -> set[str]:
    return set(_Config.model_fields)


def _read(file: Path) -> _Config:
    try:
        return _Config.model_validate_json(file.read_bytes())
    except ValidationError as error:
        mistakes = error.errors()
        if mistakes[0]["type"] == "json_invalid":
            reason = mistakes[0]["ctx"]["error"]
            raise BackendError(f"{file} is not valid JSON: {reason}") from error
        key = ".".join(map(str, mistakes[0]["loc"][:1]))
        message, hint = wrong_value([m for m in mistakes if m["loc"][:1] == mistakes[0]["loc"][:1]])
        raise BackendError(f"{file}: {key + ': ' if key else ''}{message}", hint=hint) from error
    except (OSError, ValueError) as error:
        raise BackendError(f"cannot read {file}: {error}") from error


def _require_lora(folder: Path, config: _Config) -> None:
    reason = None
    unknown = [
        key
        for key, value in (config.model_extra or {}).items()
        if key not in _IRRELEVANT and _is_set(value)
    ]
    if config.peft_type != "LORA":
        reason = f"has the peft type {config.peft_type}; only LORA is supported"
    elif config.task_type not in (None, "CAUSAL_LM"):
        reason = f"was trained for {config.task_type}, not for CAUSAL_LM"
    elif config.init_lora_weights not in (None, *_PLAIN_STARTS):
        reason = f"starts from a changed base (init_lora_weights: {config.init_lora_weights})"
    elif unknown:
        reason = f"is not plain LoRA: its {CONFIG} sets {', '.join(sorted(unknown))}"
    if reason:
        raise BackendError(f"the adapter in {folder} {reason}", hint=MERGE)


def _require_weights(folder: Path) -> None:
    if (folder / WEIGHTS).is_file():
        return
    if (folder / _PICKLE).is_file():
        raise BackendError(
            f"the adapter in {folder} has its weights as {_PICKLE}, which may run code when read",
            hint=f"if you trust it, load it with peft and save it again as {WEIGHTS}",
        )
    raise BackendError(
        f"the adapter in {folder} lacks {WEIGHTS}",
        hint="`adapter` takes a folder written by peft's save_pretrained",
    )


def _tokenizer_files(folder: Path) -> list[str]:
    names = {path.name for pattern in _TOKENIZER_FILES for path in folder.glob(pattern)}
    return sorted(name for name in names if (folder / name).is_file())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_set(value: object) -> bool:
    return bool(value) and value != "none"
