"""Test packed steps on a model before relying on them.

The trial reads a few tokens of two prompts with a common prefix both ways: packed, and as the
model's authors intended. Packed steps are used only if the logits agree. The built-in model is not
tried itself, which would take as long as loading it; a small one of the same shape is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from promptlab.core.types import Sampling
from promptlab.local_model.batching.batch import Batch, Limits
from promptlab.local_model.batching.held import Job
from promptlab.local_model.batching.kept import Kept
from promptlab.local_model.batching.rows import Row
from promptlab.local_model.batching.trie import Thrift
from promptlab.local_model.files.shape import Generation, Shape
from promptlab.local_model.forward_pass import llama
from promptlab.local_model.forward_pass.forward import Forward
from promptlab.local_model.forward_pass.kv import Geometry

# Two prompts and the token that each generates, as positions in the vocabulary: control tokens at
# its ends make some models' numbers large and their rounding coarse.
_TRIAL = ((0.51, 0.32, 0.73, 0.24, 0.65, 0.46), (0.51, 0.32, 0.73, 0.24, 0.35, 0.56, 0.67))
_GENERATED = (0.33, 0.62)
_SMALL = {"vocab_size": 64, "intermediate_size": 64, "num_hidden_layers": 2}


def works_here(shape: Shape, dtype: torch.dtype, device: str) -> bool:
    """Return whether the built-in model of this shape reads packed steps correctly here."""
    try:
        with torch.inference_mode():
            model = _small(shape, dtype, device)
            return agrees(model, model.geometry)
    except Exception:  # noqa: BLE001 - a private torch operation may change, like a plugin
        return False


def _small(shape: Shape, dtype: torch.dtype, device: str) -> llama.Llama:
    hidden = shape.num_attention_heads * shape.head_dim
    small = shape.model_copy(update={**_SMALL, "hidden_size": hidden})
    model = llama.Llama(small, Generation())
    random = torch.Generator().manual_seed(0)
    weights = {
        name: (torch.randn(w.shape, generator=random) * w.shape[-1] ** -0.5).to(device, dtype)
        for name, w in model.state_dict().items()
    }
    return llama.fill(model, weights)


def agrees(model: Any, geometry: Geometry) -> bool:
    """Return whether packed steps give the same logits as each prompt alone."""
    size = model.get_input_embeddings().weight.shape[0]
    generated = [int(size * place) for place in _GENERATED]
    trial = [[int(size * place) for place in prompt] for prompt in _TRIAL]
    jobs = [
        Job(index, ids, Row(Sampling(max_tokens=2), frozenset(), _no_text))
        for index, ids in enumerate(trial)
    ]
    batch = Batch(jobs, geometry, Limits(2, 8, 2**40), Kept(0), Thrift(1, 8))
    forward = Forward(model, geometry)
    packed: list[list[torch.Tensor]] = [[], []]
    while not all(job.row.finish for job in jobs) and (work := batch.next()):
        logits = forward(work.step)
        batch.commit(work)
        for live, row in zip(work.generating, logits, strict=False):
            packed[live.job.index].append(row)
            live.job.row.push(generated[live.job.index])
    return all(
        _alike(_alone(model, [*ids, token]), torch.stack(rows), model.dtype)
        for ids, token, rows in zip(trial, generated, packed, strict=True)
    )


def looks_ahead(model: Any) -> bool:
    """Return whether what a model says of a token depends on the tokens after it, as encoders do.

    A packed step that agrees has shown that it does not.
    """
    size = model.get_input_embeddings().weight.shape[0]
    first, second, third, fourth = (int(size * place) for place in _TRIAL[0][:4])
    try:
        with torch.inference_mode():
            one, other = (
                model(input_ids=torch.tensor([[first, second, last]], device=model.device)).logits
                for last in (third, fourth)
            )
    except Exception:  # noqa: BLE001 - a model's own code; it will fail again, and then say why
        return False
    return not _alike(one[0, :2].float(), other[0, :2].float(), model.dtype)


def _alone(model: Any, ids: Sequence[int]) -> torch.Tensor:
    logits: torch.Tensor = model(input_ids=torch.tensor([ids], device=model.device)).logits
    return logits[0, -2:].float()


def _alike(expected: torch.Tensor, actual: torch.Tensor, dtype: torch.dtype) -> bool:
    """Distinguish rounding from wrong attention, which is off by about the logits' spread."""
    off = float((expected - actual).square().mean().sqrt())
    return off <= (1e-3 if dtype == torch.float32 else 0.3) * float(expected.std())


def _no_text(_: Sequence[int]) -> str:
    return ""
