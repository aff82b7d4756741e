"""How likely a model finds given tokens, read off its logits.

Knows tokens and tensors, not how prompts are read.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from promptlab.core.types import Likelihood

_ROWS = 64  # rows of logits per softmax, which needs as much memory again


class Weighing:
    """The tokens of a continuation, and what is known of each so far."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self.tokens = tokens
        self._logprobs = [0.0] * len(tokens)
        self._greedy = [False] * len(tokens)

    def record(self, first: int, logprobs: Sequence[float], greedy: Sequence[bool]) -> None:
        """Record the results of some tokens from place `first` on; overwrite those read again."""
        self._logprobs[first : first + len(logprobs)] = logprobs
        self._greedy[first : first + len(greedy)] = greedy

    def likelihood(self) -> Likelihood:
        """Return the likelihood of all of them."""
        return Likelihood(math.fsum(self._logprobs), len(self.tokens), all(self._greedy))


@dataclass(frozen=True, slots=True)
class Target:
    """The `count` tokens of a weighing, from `first` on, that the next rows of logits predict."""

    weighing: Weighing
    first: int
    count: int

    @property
    def tokens(self) -> Sequence[int]:
        """Return the predicted tokens."""
        return self.weighing.tokens[self.first : self.first + self.count]


def weigh(logits: torch.Tensor, targets: Sequence[Target]) -> None:
    """Record the likelihoods of all targets' tokens from the logits [rows, vocabulary]."""
    if not targets:
        return
    tokens = [token for target in targets for token in target.tokens]
    given = torch.tensor(tokens, dtype=torch.long, device=logits.device)
    logprobs: list[float] = []
    greedy: list[bool] = []
    for begin in range(0, len(tokens), _ROWS):
        scores, wanted = logits[begin : begin + _ROWS].float(), given[begin : begin + _ROWS]
        chosen = scores.gather(-1, wanted[:, None])[:, 0] - scores.logsumexp(-1)
        logprobs += chosen.tolist()
        greedy += (scores.argmax(-1) == wanted).tolist()
    at = 0
    for target in targets:
        end = at + target.count
        target.weighing.record(target.first, logprobs[at:end], greedy[at:end])
        at = end


def affordable_logits(model: Any, size: int) -> int:
    """Return how many tokens' float32 logits fit into `size` bytes; at least one."""
    vocabulary: int = model.get_input_embeddings().weight.shape[0]
    return max(1, size // (4 * vocabulary))


def picks_logits(model: Any) -> bool:
    """Return whether the model can return the logits of only some tokens."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def weigh_padded(model: Any, pairs: Sequence[tuple[Sequence[int], Weighing]], pad: int) -> None:
    """Weigh all tokens of the weighings, each after its prompt, in one forward pass.

    Prompts are padded on the right, where none of their tokens attends.
    """
    texts = [[*ids, *weighing.tokens[:-1]] for ids, weighing in pairs]
    width = max(map(len, texts))
    unseen = min(len(ids) for ids, _ in pairs) - 1  # tokens before the first that is weighed
    given = torch.tensor([text + [pad] * (width - len(text)) for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts])
    logits = model(
        input_ids=given.to(model.device),
        attention_mask=mask.to(model.device),
        use_cache=False,
        **({"logits_to_keep": width - unseen} if picks_logits(model) else {}),
    ).logits[:, unseen - width :]
    for row, (ids, weighing) in zip(logits, pairs, strict=True):
        first, count = len(ids) - 1 - unseen, len(weighing.tokens)
        weigh(row[first : first + count], [Target(weighing, 0, count)])
