"""Load tokenizers and models with transformers: quietly, from local files, and without running
their code. Supports whatever transformers does; its imports take seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

_SAFE = {"trust_remote_code": False, "local_files_only": True}

logging.set_verbosity_error()
logging.disable_progress_bar()


def read_tokenizer(path: Path) -> Any:
    """Load the tokenizer of a model folder or a GGUF file; may raise anything."""
    return AutoTokenizer.from_pretrained(**_source(path), **_SAFE)


def read_model(path: Path, dtype: torch.dtype) -> Any:
    """Load the model from a folder (or, slowly, from a GGUF file); may raise anything."""
    safe = _SAFE if path.suffix == ".gguf" else {**_SAFE, "use_safetensors": True}
    return AutoModelForCausalLM.from_pretrained(**_source(path), **safe, dtype=dtype)


def _source(path: Path) -> dict[str, str]:
    if path.suffix == ".gguf":
        return {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    return {"pretrained_model_name_or_path": str(path)}
