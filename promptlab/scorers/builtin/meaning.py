"""Scorers of what a text is about: `semantic`."""

from __future__ import annotations

import json
from math import isfinite

from promptlab.core.types import Message, Sampling, Score
from promptlab.scorers.asking import Ask, BackendName
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.targets import Texts, texts_of
from promptlab.scorers.verdict import not_gradable, quoted

_MODEL = "embedding:sentence-transformers/all-MiniLM-L6-v2"


def _ask(sample: Sample, *, target: Texts, model: str) -> list[Ask]:
    texts = [text for text in texts_of(target) if text.strip()]
    if not texts or not sample.output.strip():
        return []
    messages = [Message("user", text) for text in (sample.output, *texts)]
    return [Ask(messages, backend=model, sampling=Sampling(temperature=0), purpose="cosine")]


def _cosines(reply: str, number: int) -> list[float]:
    """Read the reply of a backend that embeds: so many cosines. Raise ValueError for another."""
    try:
        read = json.loads(reply)
    except ValueError:
        read = None
    numbers = read if isinstance(read, list) else []
    if len(numbers) != number or not all(map(_is_cosine, numbers)):
        wanted = "a cosine" if number == 1 else f"{number} cosines"
        raise ValueError(f"the model replied {quoted(reply)}, which is not {wanted} in a JSON list")
    return numbers


def _is_cosine(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and isfinite(value)


@scorer(version="1", asks=_ask, judge=True, shares=True)
def semantic(
    sample: Sample, *, target: Texts = "{{ expect }}", model: BackendName = _MODEL
) -> Score:
    """How near the output is to a target in what it is about: the cosine of their embeddings.

    A local model of sentences embeds both, as the mean over their words. Of several targets the
    nearest counts; a cosine below 0 counts as 0. The model can err, so comparisons conclude nothing
    from it until the project states how well it agrees with people.

    Limits:
        It says what a text is about, not what it claims: "has a fever" and "has no fever" score
        about .8, and two sentences in which the roles are swapped about .99. Numbers and names
        hardly count. The usual model reads English, and the first 256 tokens of a text.

    Args:
        sample: the trial to grade
        target: the text, or a list of texts of which the nearest counts
        model: the backend that embeds, of kind embedding
    """
    asks = _ask(sample, target=target, model=model)
    if not asks:
        if not sample.output.strip() and any(text.strip() for text in texts_of(target)):
            return Score(0.0, reason="the output holds nothing to compare", gradable=False)
        return not_gradable("the target holds nothing to compare with")
    best = max(_cosines(sample.answer_to(asks[0]).text, len(asks[0].messages or ()) - 1))
    return Score(min(1.0, max(0.0, best)), reason=f"cosine {best:.4g}", gradable=True)
