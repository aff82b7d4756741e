"""Exact attention over the tokens of a step, for any model whose attention can be replaced.

Each token attends to several places: its own row, shared spans, earlier pieces of its prompt.
Every place gives an output o and the logarithm l of the sum of its weights; two of them merge into
(o1 e^l1 + o2 e^l2) / (e^l1 + e^l2), which is softmax over both. What many tokens attend to in
common takes one matrix product per key-value head.

Internal layout: queries and outputs are [heads, tokens, group, size], where `heads` counts the
key-value heads and `group` the queries that share one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch

from promptlab.local_model.forward_pass.step import Causal, Part, Rows, Step, StepCache

NAME = "promptlab"

# One operation for scores, softmax and sums. It is private to PyTorch and may disappear.
_FUSED: Any = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
_LONG = 64  # for shorter runs of tokens it gains nothing

_CACHE: ContextVar[StepCache] = ContextVar("promptlab step")


class Unsupported(Exception):
    """A model that needs a kind of attention that is not implemented here."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The attention settings of a layer: the scale, a window, a cap on the scores."""

    layer: int
    scale: float
    window: int | None
    cap: float | None


@contextmanager
def attending(model: Any, cache: StepCache) -> Iterator[None]:
    """Within the block, make the model use this attention with the step of `cache`."""
    config = model.config
    before = config._attn_implementation
    token = _CACHE.set(cache)
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before
        _CACHE.reset(token)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    """Compute a layer's attention; query, key and value are [1, heads, tokens, size]."""
    cache = _CACHE.get()
    if settings.get("sliding_window") != cache.geometry.layers[cache.layer].window:
        raise Unsupported("its attention does not tell its windows")
    rule = _rule(cache.layer, query.shape[-1], attention_mask, settings)
    heads, count, size = key.shape[1], query.shape[2], query.shape[3]
    q = (query[0].reshape(heads, -1, count, size) * rule.scale).transpose(1, 2).contiguous()
    # CPUs multiply small half-precision matrices slowly, one by one.
    precision = torch.float32 if q.device.type == "cpu" else cache.geometry.dtype
    q, k, v = (tensor.to(precision).contiguous() for tensor in (q, key[0], value[0]))
    out, total = _attended(cache.step, q, k, v, rule)
    if (sinks := settings.get("s_aux")) is not None:
        out *= torch.sigmoid(total - sinks.view(heads, 1, -1).float()).unsqueeze(-1)
    return out.transpose(0, 1).reshape(1, count, query.shape[1], -1).to(query.dtype), None


def _rule(layer: int, size: int, mask: torch.Tensor | None, settings: dict[str, Any]) -> Rule:
    if mask is not None or settings.get("position_bias") is not None:
        raise Unsupported("it adds to the scores of attention")
    if settings.get("is_causal") is False:
        raise Unsupported("its tokens attend to later ones")
    scale = settings.get("scaling")
    return Rule(
        layer,
        size**-0.5 if scale is None else scale,
        settings.get("sliding_window"),
        settings.get("softcap"),
    )


def _attended(
    step: Step, q: torch.Tensor, key: torch.Tensor, value: torch.Tensor, rule: Rule
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return every token's output and the logarithm of the sum of its weights."""
    heads, count, group, _ = q.shape
    out = q.new_empty(heads, count, group, value.shape[-1], dtype=torch.float32)
    total = q.new_empty(heads, count, group, dtype=torch.float32)
    for causal in step.causal:
        _attend_causal(step, causal, (q, key, value), (out, total), rule)
    for rows in step.rows:
        _attend_rows(step, rows, q, (out, total), rule)
    for part in step.parts:
        _attend_part(step, part, q, (out, total), rule)
    return out, total


def _attend_causal(
    step: Step,
    runs: Causal,
    qkv: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    results: tuple[torch.Tensor, torch.Tensor],
    rule: Rule,
) -> None:
    """Let each run of tokens attend to itself, causally."""
    count, longest = runs.index.shape
    heads, _, group, _ = qkv[0].shape
    q, k, v = (
        tensor.index_select(1, runs.index.flatten()).view(heads * count, longest, *tensor.shape[2:])
        for tensor in qkv
    )
    windowed = rule.window is not None and longest > rule.window
    if longest >= _LONG and not windowed and _fused(q, v, rule):
        o, sums = _causal_fused(q, k, v)
    else:
        o, sums = _causal_plain(step, (q, k, v), rule)
    out, total = results
    o, sums = o.view(heads, count * longest, group, -1), sums.view(heads, count * longest, group)
    out[:, runs.tokens] = o.index_select(1, runs.places).float()
    total[:, runs.tokens] = sums.index_select(1, runs.places)


def _causal_fused(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return [runs, longest, group, (size)]: outputs and sums."""
    group = q.shape[2]
    k, v = (tensor.unsqueeze(1).expand(-1, group, -1, -1) for tensor in (k, v))
    o, sums = _FUSED(q.transpose(1, 2), k, v, is_causal=True, scale=1.0)
    return o.transpose(1, 2).contiguous(), sums.transpose(1, 2).contiguous()


def _causal_plain(
    step: Step, qkv: tuple[torch.Tensor, torch.Tensor, torch.Tensor], rule: Rule
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the same, applying a window and a cap if there are any."""
    q, k, v = qkv
    runs, longest, group, size = q.shape
    scores = torch.bmm(q.reshape(runs, longest * group, size), k.transpose(1, 2))
    later = step.mask(
        ("causal", longest, rule.window), lambda: _later(longest, rule.window, q.device)
    )
    weights, sums = _weights(scores.view(runs, longest, group, longest), rule.cap, later)
    return torch.bmm(weights.view(runs, longest * group, longest).to(v.dtype), v), sums


def _fused(q: torch.Tensor, v: torch.Tensor, rule: Rule) -> bool:
    """Return whether the fused operation, which also returns its sums, supports these inputs."""
    if _FUSED is None or q.device.type != "cpu" or q.dtype != torch.float32:
        return False
    return rule.cap is None and q.shape[-1] == v.shape[-1]


def _later(longest: int, window: int | None, device: torch.device) -> torch.Tensor:
    places = torch.arange(longest, device=device)
    back = places[:, None] - places
    unseen = back < 0
    if window is not None and longest > window:
        unseen |= back >= window
    return unseen[:, None]


def _attend_rows(
    step: Step,
    rows: Rows,
    q: torch.Tensor,
    results: tuple[torch.Tensor, torch.Tensor],
    rule: Rule,
) -> None:
    """Let each token attend to the columns of its own row."""
    heads, _, group, size = q.shape
    count, width = len(rows.tokens), rows.width
    keys, values = (
        stored[rule.layer][:count].flatten(0, 1)[:, :width].to(q.dtype)
        for stored in (rows.store.keys, rows.store.values)
    )
    own = q.index_select(1, rows.tokens).transpose(0, 1).reshape(count * heads, group, size)
    scores = torch.bmm(own, keys.transpose(1, 2)).view(count, heads, group, width)
    unseen = step.mask((id(rows), rule.window), lambda: _beyond(rows, rule.window))
    weights, sums = _weights(scores, rule.cap, unseen)
    o = torch.bmm(weights.view(count * heads, group, width).to(values.dtype), values)
    out, total = results
    out[:, rows.tokens] = o.view(count, heads, group, -1).transpose(0, 1).float()
    total[:, rows.tokens] = sums.transpose(0, 1)


def _beyond(rows: Rows, window: int | None) -> torch.Tensor:
    columns = torch.arange(rows.width, device=rows.lengths.device)
    unseen = columns >= rows.lengths[:, None]
    if window is not None:
        unseen |= columns < rows.lengths[:, None] - window
    return unseen[:, None, None]


def _attend_part(
    step: Step,
    part: Part,
    q: torch.Tensor,
    results: tuple[torch.Tensor, torch.Tensor],
    rule: Rule,
) -> None:
    """Let some tokens attend to the same columns, and merge that into their results."""
    unseen = None
    if rule.window is not None:
        window = rule.window
        unseen = step.mask((id(part), window), lambda: _outside(step, part, window, q.device))
    heads, _, group, size = q.shape
    keys, values = (columns.to(q.dtype) for columns in part.columns(rule.layer))
    asking = q[:, part.first : part.last].reshape(heads, -1, size)
    if unseen is None and _fused(q, values, rule):
        o, sums = (
            tensor[0] for tensor in _FUSED(asking[None], keys[None], values[None], scale=1.0)
        )
    else:
        scores = torch.bmm(asking, keys.transpose(1, 2)).view(heads, -1, group, keys.shape[1])
        weights, sums = _weights(scores, rule.cap, unseen)
        o = torch.bmm(weights.view(heads, -1, keys.shape[1]).to(values.dtype), values)
    _merge(
        results, part, o.view(heads, -1, group, o.shape[-1]).float(), sums.view(heads, -1, group)
    )


def _outside(step: Step, part: Part, window: int, device: torch.device) -> torch.Tensor | None:
    """Return [tokens, 1, columns], true for columns before the window; None if there are none."""
    asking = step.positions[part.first : part.last]
    if max(asking) - part.start < window:
        return None
    columns = torch.arange(part.start, part.stop, device=device)
    return (torch.tensor(asking, device=device)[:, None, None] - columns) >= window


def _weights(
    scores: torch.Tensor, cap: float | None, unseen: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return softmax over the last axis and the logarithm of its denominator.

    Where everything is masked, that logarithm is about the smallest float, so that the merge
    gives the place no weight.
    """
    scores = scores.float()
    if cap is not None:
        scores = torch.tanh(scores / cap) * cap
    if unseen is not None:
        scores = scores.masked_fill_(unseen, torch.finfo(torch.float32).min)
    largest, where = scores.max(-1, keepdim=True)
    weights = scores.softmax(-1)
    return weights, (largest - weights.gather(-1, where).log()).squeeze(-1)


def _merge(
    results: tuple[torch.Tensor, torch.Tensor], part: Part, o: torch.Tensor, sums: torch.Tensor
) -> None:
    out, total = (tensor[:, part.first : part.last] for tensor in results)
    out.lerp_(o, torch.sigmoid(sums - total).unsqueeze(-1))
    torch.logaddexp(total, sums, out=total)
