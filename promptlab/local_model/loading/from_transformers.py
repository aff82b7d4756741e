"""Load tokenizers and models with transformers: quietly, from this machine, running no code of
theirs. It takes whatever transformers knows, and seconds for its imports.
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
    """Load the tokenizer of a model folder or of a GGUF file; raises anything."""
    return AutoTokenizer.from_pretrained(**_source(path), **_SAFE)


def read_model(path: Path, dtype: torch.dtype) -> Any:
    """Load the model in a folder (or, slowly, in a GGUF file); raises anything."""
    safe = _SAFE if path.suffix == ".gguf" else {**_SAFE, "use_safetensors": True}
    return AutoModelForCausalLM.from_pretrained(**_source(path), **safe, dtype=dtype)


def _source(path: Path) -> dict[str, str]:
    if path.suffix == ".gguf":
        return {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    return {"pretrained_model_name_or_path": str(path)}
