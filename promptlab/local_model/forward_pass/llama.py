"""A decoder of the Llama family that needs only torch: transformers takes longer to import than
such a model takes to load.

It performs the same operations in the same order as transformers, so the numbers are the same. It
knows its own geometry and has what the engine needs of any transformers model: the call, `config`
and `generation_config`. It does not know where the files are or when it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import scaled_dot_product_attention, silu

from promptlab.local_model.files.shape import WEIGHTS, Generation, Shape
from promptlab.local_model.files.whole import require_fit
from promptlab.local_model.forward_pass.attention import attend
from promptlab.local_model.forward_pass.kv import Geometry, Layer


@dataclass(slots=True)
class Settings:
    """The part of a model's config that the engine reads, and where it sets the attention."""

    max_position_embeddings: int
    _attn_implementation: str = "sdpa"

    def get_text_config(self) -> Settings:
        """Return itself: a text model has no other config."""
        return self


@dataclass(frozen=True, slots=True)
class Output:
    """What a call returns: logits [prompts, tokens, vocabulary]."""

    logits: torch.Tensor


class Norm(nn.Module):
    """Division by the root mean square, computed in float32."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size, device="meta"))
        self._epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x [..., size], scaled."""
        wide = x.to(torch.float32)
        scaled = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self._epsilon)
        return self.weight * scaled.to(x.dtype)


class Attention(nn.Module):
    """Attention whose queries share keys and values in groups."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        heads, shared = shape.num_attention_heads, shape.num_key_value_heads
        self.q_proj = _linear(shape.hidden_size, heads * shape.head_dim)
        self.k_proj = _linear(shape.hidden_size, shared * shape.head_dim)
        self.v_proj = _linear(shape.hidden_size, shared * shape.head_dim)
        self.o_proj = _linear(heads * shape.head_dim, shape.hidden_size)
        self._layer = layer
        self._size = shape.head_dim

    def forward(self, x: torch.Tensor, rotation: _Rotation, cache: Any) -> torch.Tensor:
        """Return the attention's output for x [prompts, tokens, hidden]."""
        parts = (*x.shape[:2], -1, self._size)
        q, k, v = (
            project(x).view(parts).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        q, k = _rotated(q, rotation), _rotated(k, rotation)
        scale = self._size**-0.5
        if cache is None:
            out = scaled_dot_product_attention(
                q, k, v, is_causal=True, scale=scale, enable_gqa=True
            ).transpose(1, 2)
        else:
            k, v = cache.update(k, v, self._layer)
            out, _ = attend(self, q, k, v, None, scaling=scale)
        projected: torch.Tensor = self.o_proj(out.reshape(*x.shape[:2], -1))
        return projected


class Gated(nn.Module):
    """A gated feed-forward network."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = _linear(shape.hidden_size, shape.intermediate_size)
        self.up_proj = _linear(shape.hidden_size, shape.intermediate_size)
        self.down_proj = _linear(shape.intermediate_size, shape.hidden_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output for x [..., hidden]."""
        output: torch.Tensor = self.down_proj(silu(self.gate_proj(x)) * self.up_proj(x))
        return output


class Block(nn.Module):
    """One layer: attention, then the feed-forward network, each added to its input."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        self.self_attn = Attention(shape, layer)
        self.mlp = Gated(shape)
        self.input_layernorm = Norm(shape.hidden_size, shape.rms_norm_eps)
        self.post_attention_layernorm = Norm(shape.hidden_size, shape.rms_norm_eps)

    def forward(self, x: torch.Tensor, rotation: _Rotation, cache: Any) -> torch.Tensor:
        """Return the output for x [prompts, tokens, hidden]."""
        x = x + self.self_attn(self.input_layernorm(x), rotation, cache)
        output: torch.Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return output


class Body(nn.Module):
    """All but the last layer, with the names that the weights have in their file."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        # Given a tensor, or it would draw random numbers, for which torch imports its compiler.
        nothing = torch.empty(shape.vocab_size, shape.hidden_size, device="meta")
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size, _weight=nothing)
        blocks = [Block(shape, layer) for layer in range(shape.num_hidden_layers)]
        self.layers = nn.ModuleList(blocks)
        self.norm = Norm(shape.hidden_size, shape.rms_norm_eps)


class Llama(nn.Module):
    """The whole model, created without weights; `load` fills them in."""

    def __init__(self, shape: Shape, generation: Generation) -> None:
        super().__init__()
        self.shape = shape
        self.config = Settings(shape.max_position_embeddings)
        self.generation_config = generation
        self.model = Body(shape)
        self.lm_head = _linear(shape.hidden_size, shape.vocab_size)
        even = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
        # Not a parameter: it stays float32 whatever the model computes in.
        self._speeds = 1.0 / (shape.rope_parameters.rope_theta**even)

    @property
    def device(self) -> torch.device:
        """Return the device that it computes on."""
        return self.model.norm.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Return the number format that it computes with."""
        return self.model.norm.weight.dtype

    @property
    def geometry(self) -> Geometry:
        """Return the shape of its cache."""
        shape = self.shape
        layer = Layer(shape.num_key_value_heads, shape.head_dim, shape.head_dim)
        return Geometry((layer,) * shape.num_hidden_layers, self.dtype, self.device)

    def get_input_embeddings(self) -> nn.Module:
        """Return the embedding layer."""
        return self.model.embed_tokens

    def forward(
        self,
        input_ids: torch.Tensor,
        position_ids: torch.Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool = False,
        logits_to_keep: torch.Tensor | None = None,
    ) -> Output:
        """Read tokens [prompts, tokens] with a step's cache, or from the start without one."""
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        x: torch.Tensor = self.model.embed_tokens(input_ids)
        rotation = self._rotation(position_ids, x.dtype)
        for block in self.model.layers:
            x = block(x, rotation, past_key_values)
        x = self.model.norm(x)
        if logits_to_keep is not None:
            x = x[:, logits_to_keep]
        return Output(self.lm_head(x))

    def _rotation(self, positions: torch.Tensor, dtype: torch.dtype) -> _Rotation:
        angles = positions[..., None].float() * self._speeds.to(positions.device)
        both = torch.cat((angles, angles), dim=-1).unsqueeze(1)
        return both.cos().to(dtype), both.sin().to(dtype)


_Rotation = tuple[torch.Tensor, torch.Tensor]  # cosine and sine, [prompts, 1, tokens, size]


def load(
    folder: Path, settings: tuple[Shape, Generation], dtype: torch.dtype, device: str
) -> Llama:
    """Load the weights in a folder with the settings of `read_shape`; raise if they do not fit."""
    weights = {
        name: tensor.to(dtype) for name, tensor in load_file(folder / WEIGHTS, device).items()
    }
    return fill(Llama(*settings), weights)


def fill(model: Llama, weights: dict[str, torch.Tensor]) -> Llama:
    """Set a model's weights; raise `Misfit` unless all of them are there, and nothing else."""
    if model.shape.tie_word_embeddings:
        weights = {**weights, "lm_head.weight": weights["model.embed_tokens.weight"]}
    own = model.state_dict()
    sizes = [name for name, w in weights.items() if name in own and w.shape != own[name].shape]
    require_fit(own.keys() - weights.keys(), sizes, weights.keys() - own.keys())
    model.load_state_dict(weights, assign=True)
    return model.requires_grad_(False).eval()


def _linear(size: int, out: int) -> nn.Linear:
    return nn.Linear(size, out, bias=False, device="meta")


def _rotated(x: torch.Tensor, rotation: _Rotation) -> torch.Tensor:
    cos, sin = rotation
    left, right = x.tensor_split(2, dim=-1)
    return (x * cos) + (torch.cat((-right, left), dim=-1) * sin)
