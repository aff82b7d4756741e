"""Load tokenizers and models with transformers: quietly, from local files, and without running
their code. Supports whatever transformers does; its imports take seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from promptlab.local_model.files.weights import is_gguf
from promptlab.local_model.files.whole import require_fit

_SAFE = {"trust_remote_code": False, "local_files_only": True}

logging.set_verbosity_error()
logging.disable_progress_bar()


def read_tokenizer(path: Path) -> Any:
    """Load the tokenizer of a model folder or a GGUF file; may raise anything."""
    return AutoTokenizer.from_pretrained(**_source(path), **_SAFE)


def read_model(path: Path, dtype: torch.dtype, *, unused: bool = False) -> Any:
    """Load the model from a folder (or, slowly, from a GGUF file); may raise anything.

    transformers only warns of weights that the file lacks and makes them up at random. Here they
    are an error (`Misfit`), and unless `unused`, so are those that the model has no use for.
    """
    safe = _SAFE if is_gguf(path) else {**_SAFE, "use_safetensors": True}
    model, told = AutoModelForCausalLM.from_pretrained(
        **_source(path), **safe, dtype=dtype, output_loading_info=True
    )
    sizes = [key for key, *_ in told["mismatched_keys"]]
    require_fit(told["missing_keys"], sizes, () if unused else told["unexpected_keys"])
    return model


def _source(path: Path) -> dict[str, str]:
    if is_gguf(path):
        return {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    return {"pretrained_model_name_or_path": str(path)}
