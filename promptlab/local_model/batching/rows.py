"""One row of a batch while it generates: its tokens so far, when it ends, how it samples.

Rows of different temperature, seed, length and stop strings share a batch, and each gets what it
would get alone. `Draw` and `Stop` plug into transformers' `generate`; `choose` works without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch

from promptlab.core.types import Sampling
from promptlab.local_model.batching.answers import Answer, Heard

Decode = Callable[[Sequence[int]], str]
_NO_TOKEN = -1  # in place of a token where the scores are no numbers


class Row:
    """One prompt that is being answered."""

    def __init__(
        self,
        sampling: Sampling,
        eos: frozenset[int],
        decode: Decode,
        heard: Heard | None = None,
    ) -> None:
        """`heard` is given the answer so far with each of its tokens."""
        self._heard = heard
        self.sampling = sampling
        self.tokens: list[int] = []
        self.finish: Literal["stop", "length", "error"] | None = None
        self.generator = _generator(sampling)
        self._eos = eos
        self._decode = decode
        self._stops = tuple(filter(None, sampling.stop))
        # A token is at least a byte, except control tokens: enough for the longest stop string.
        self._tail = max((len(stop.encode()) for stop in self._stops), default=0) + 8

    def push(self, token: int) -> bool:
        """Add the next token; record and return whether the answer ends with it.

        A negative one stands for scores that are no numbers, which end it as an error.
        """
        if token < 0:
            self.finish = "error"
            return True
        self.tokens.append(token)
        if token in self._eos or self._stopped():
            self.finish = "stop"
        elif len(self.tokens) >= self.sampling.max_tokens:
            self.finish = "length"
        if self._heard is not None:
            self._heard(self.text())
        return self.finish is not None

    def text(self) -> str:
        """Return the answer, without what ended it."""
        ids = [token for token in self.tokens if token not in self._eos]
        text = self._decode(ids)
        ends = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        return text[: min(ends)] if ends else text

    def answer(self, seconds: float) -> Answer:
        """Return the answer, which took so many seconds, or why there is none."""
        if self.finish != "error":
            return Answer(self.text(), len(self.tokens), self.finish, seconds)
        place = f"after {len(self.tokens)} tokens" if self.tokens else "for the first token"
        return Answer(
            seconds=seconds,
            error=f"the model's scores {place} of the answer are not numbers (NaN or infinite):"
            ' its weights are damaged, or overflow in this dtype (dtype = "float32" may help)',
        )

    def _stopped(self) -> bool:
        if not self._stops or not self._has_stop(self._decode(self.tokens[-self._tail :])):
            return False
        return self._has_stop(self._decode(self.tokens))

    def _has_stop(self, text: str) -> bool:
        return any(stop in text for stop in self._stops)


class Draw:
    """A logits processor that makes the largest score of each sampled row an exact sample.

    Adding Gumbel noise to logits and taking the largest is the same as sampling from their
    softmax. Each row has its own generator, so its draws do not depend on its neighbours.
    `unusable` [rows] tells which rows of the last scores are no numbers.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.unusable = torch.zeros(len(rows), dtype=torch.bool)
        self._rows = rows

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores, with noise for the rows that sample."""
        self.unusable = scores.amax(-1).isfinite().logical_not()
        for index, row in enumerate(self._rows):
            if row.generator is not None and row.finish is None:
                scores[index] = _noisy(scores[index], row.sampling, row.generator)
        return scores


class Stop:
    """A stopping criterion that hands each row its new token and tells which rows are done."""

    def __init__(self, rows: Sequence[Row], draw: Draw, done: Callable[[int], None]) -> None:
        self._rows = rows
        self._draw = draw
        self._done = done

    def __call__(self, input_ids: torch.Tensor, scores: object, **_: object) -> torch.Tensor:
        """Return for each row whether it has ended, and report those that end now."""
        drawn = input_ids[:, -1].masked_fill(self._draw.unusable.to(input_ids.device), _NO_TOKEN)
        for index, token in enumerate(drawn.tolist()):
            row = self._rows[index]
            if row.finish is None and row.push(token):
                self._done(index)
        ended = [row.finish is not None for row in self._rows]
        return torch.tensor(ended, device=input_ids.device)


def choose(
    rows: Sequence[Row], scores: torch.Tensor, texts: Sequence[Sequence[int]], penalty: float
) -> list[int]:
    """Return each row's next token, given the scores [rows, vocabulary]; -1 if they are no numbers.

    A `penalty` other than 1 divides (where positive, else multiplies) the scores of all tokens
    that a row has in its text, as transformers does for `repetition_penalty`.
    """
    if penalty != 1.0:
        for score, text in zip(scores, texts, strict=True):
            seen = torch.tensor(sorted(set(text)), device=scores.device)
            old = score[seen]
            score[seen] = torch.where(old < 0, old * penalty, old / penalty)
    chosen = scores.argmax(-1)
    # NaN counts as the largest, so that one look at the largest score sees all that is wrong.
    usable = scores.gather(-1, chosen[:, None])[:, 0].isfinite()
    for index, row in enumerate(rows):
        if row.generator is not None:
            chosen[index] = _noisy(scores[index], row.sampling, row.generator).argmax()
    tokens: list[int] = chosen.where(usable, _NO_TOKEN).tolist()
    return tokens


def _generator(sampling: Sampling) -> torch.Generator | None:
    if sampling.temperature == 0:
        return None
    # On the CPU whatever the model's device: a seed then means the same everywhere.
    generator = torch.Generator()
    generator.manual_seed(sampling.seed or 0)
    return generator


def _noisy(scores: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> torch.Tensor:
    scores = scores / sampling.temperature
    if sampling.top_p is not None and sampling.top_p < 1:
        scores = _nucleus(scores, sampling.top_p)
    waits = torch.empty(scores.shape).exponential_(generator=generator)
    return scores - waits.log().to(scores.device)


def _nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Rule out all but the likeliest tokens that together reach `top_p`."""
    ordered, order = scores.sort(descending=True)
    chances = ordered.softmax(-1)
    before = chances.cumsum(-1) - chances
    return scores.index_fill(0, order[before >= top_p], -torch.inf)
