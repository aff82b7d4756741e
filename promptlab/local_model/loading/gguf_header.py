"""What transformers leaves out of a GGUF file: its further end tokens, and weights without a place.

Knows the format only through its own library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFReader

from promptlab.core.errors import BackendError
from promptlab.local_model.files.whole import some

_ENDS = ("eos_token_id", "eot_token_id", "eom_token_id")  # of a text, a turn, a message
_LAYER = re.compile(r"blk\.([0-9]+)\.")
_OTHER_HEADS = ("cls.", "cls_", "score.")  # of classifiers


@dataclass(frozen=True, slots=True)
class Header:
    """The tokens that the file names as ends of an answer."""

    ends: tuple[int, ...]


def read_header(file: Path) -> Header:
    """Read the header of a GGUF file; raise `BackendError` if it is broken or has more layers."""
    try:
        reader = GGUFReader(file)
        fields = {name: _value(field) for name, field in reader.fields.items() if _is_wanted(name)}
        tensors = [str(tensor.name) for tensor in reader.tensors]
    except Exception as error:  # a bad file makes this library raise anything
        raise BackendError(f"cannot read {file}: {type(error).__name__}: {error}") from error
    if unused := _unused(tensors, fields):
        raise BackendError(
            f"the weights in {file} are not those of its model: it has no use for {some(unused)}",
            hint="convert the model to GGUF again",
        )
    ends = {fields.get(f"tokenizer.ggml.{name}") for name in _ENDS}
    return Header(tuple(sorted(end for end in ends if isinstance(end, int) and end >= 0)))


def _is_wanted(name: str) -> bool:
    return name.endswith((".block_count", "general.architecture", *_ENDS))


def _value(field: Any) -> Any:
    return field.contents()


def _unused(tensors: list[str], fields: dict[str, Any]) -> list[str]:
    """Return the tensors of layers that the model does not have, and of other heads."""
    layers = fields.get(f"{fields.get('general.architecture')}.block_count")
    return [
        name
        for name in tensors
        if name.startswith(_OTHER_HEADS)
        or (isinstance(layers, int) and (m := _LAYER.match(name)) and int(m[1]) >= layers)
    ]
