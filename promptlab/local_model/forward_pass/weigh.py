"""How likely a model finds given tokens: what is known of each, and how it is read off logits.

Knows tokens and tensors; not how prompts come to be read.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from promptlab.core.types import Likelihood

_ROWS = 64  # of logits whose softmax is taken at once: it needs as much memory again


class Weighing:
    """The tokens of a continuation, and what was found of each so far."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self.tokens = tokens
        self._logprobs = [0.0] * len(tokens)
        self._greedy = [False] * len(tokens)

    def learn(self, first: int, logprobs: Sequence[float], greedy: Sequence[bool]) -> None:
        """Take what was found of some tokens, from place `first` on; again, where read again."""
        self._logprobs[first : first + len(logprobs)] = logprobs
        self._greedy[first : first + len(greedy)] = greedy

    def likelihood(self) -> Likelihood:
        """Return what was found of all of them."""
        return Likelihood(math.fsum(self._logprobs), len(self.tokens), all(self._greedy))


@dataclass(frozen=True, slots=True)
class Asked:
    """That the next `count` rows of logits foretell the tokens of a weighing from `first` on."""

    weighing: Weighing
    first: int
    count: int

    @property
    def tokens(self) -> Sequence[int]:
        """Return the tokens that are asked about."""
        return self.weighing.tokens[self.first : self.first + self.count]


def weigh(logits: torch.Tensor, asked: Sequence[Asked]) -> None:
    """Let all that ask learn of their tokens from the logits [rows, vocabulary]."""
    if not asked:
        return
    tokens = [token for each in asked for token in each.tokens]
    given = torch.tensor(tokens, dtype=torch.long, device=logits.device)
    logprobs: list[float] = []
    greedy: list[bool] = []
    for begin in range(0, len(tokens), _ROWS):
        scores, wanted = logits[begin : begin + _ROWS].float(), given[begin : begin + _ROWS]
        found = scores.gather(-1, wanted[:, None])[:, 0] - scores.logsumexp(-1)
        logprobs += found.tolist()
        greedy += (scores.argmax(-1) == wanted).tolist()
    at = 0
    for each in asked:
        end = at + each.count
        each.weighing.learn(each.first, logprobs[at:end], greedy[at:end])
        at = end


def affordable_logits(model: Any, size: int) -> int:
    """Return how many logits of one token each, in float32, take `size` bytes; at least one."""
    vocabulary: int = model.get_input_embeddings().weight.shape[0]
    return max(1, size // (4 * vocabulary))


def picks_logits(model: Any) -> bool:
    """Tell whether the model can be asked for the logits of some tokens only."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def weigh_padded(model: Any, asked: Sequence[tuple[Sequence[int], Weighing]], pad: int) -> None:
    """Let weighings learn of all their tokens, each after its prompt, in one forward pass.

    Prompts are padded on the right, where no token of theirs looks.
    """
    texts = [[*ids, *weighing.tokens[:-1]] for ids, weighing in asked]
    width = max(map(len, texts))
    unseen = min(len(ids) for ids, _ in asked) - 1  # tokens before the first that is asked about
    given = torch.tensor([text + [pad] * (width - len(text)) for text in texts])
    mask = torch.tensor([[1] * len(text) + [0] * (width - len(text)) for text in texts])
    logits = model(
        input_ids=given.to(model.device),
        attention_mask=mask.to(model.device),
        use_cache=False,
        **({"logits_to_keep": width - unseen} if picks_logits(model) else {}),
    ).logits[:, unseen - width :]
    for row, (ids, weighing) in zip(logits, asked, strict=True):
        first, count = len(ids) - 1 - unseen, len(weighing.tokens)
        weigh(row[first : first + count], [Asked(weighing, 0, count)])
