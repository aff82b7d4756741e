"""Scorers that ask how likely the model finds given answers: `loglikelihood` and `perplexity`."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from promptlab.scorers import Sample, scorer
from promptlab.scorers.texts import Text, Texts, texts_of
from promptlab.scorers.verdict import listed, quoted, verdict
from promptlab.types import Likelihood, Score

Normalize = Literal["none", "tokens", "chars", "bytes"]


def _weighed_options(*, options: list[Text], delimiter: str, **_: object) -> list[str]:
    return [delimiter + option for option in texts_of(options)]


def _check_options(*, options: list[Text], target: Texts, **_: object) -> None:
    texts = texts_of(options)
    if len(set(texts)) < len(texts):
        raise ValueError("an option is there twice")
    if len(texts) < 2 or "" in texts:
        raise ValueError("two options or more are needed, none of them empty")
    if lacking := [text for text in texts_of(target) if text not in texts]:
        raise ValueError(f"the target {quoted(lacking[0])} is none of the options: {listed(texts)}")


@scorer(version="1", check=_check_options, continuations=_weighed_options)
def loglikelihood(
    sample: Sample,
    *,
    options: list[Text] = "{{ options }}",  # type: ignore[assignment]  # filled in
    target: Texts = "{{ expect }}",
    normalize: Normalize = "none",
    delimiter: str = "",
) -> Score:
    """The model finds the target the likeliest of all options, whatever it would say freely.

    Args:
        sample: the trial to grade
        options: the answers to choose from, as texts
        target: the right option, or a list of options of which any one will do
        normalize: compare the log-probability of the whole option (none), or that divided by its
            number of tokens, characters or bytes, so that long options are not at a loss
        delimiter: what stands between the prompt and each option, such as one blank for a base
            model
    """
    found = sample.weighed(_weighed_options(options=options, delimiter=delimiter))
    texts = texts_of(options)
    values = [
        likelihood.logprob / _size(text, likelihood, normalize)
        for text, likelihood in zip(texts, found, strict=True)
    ]
    best = max(range(len(values)), key=values.__getitem__)  # the first of equals
    if texts[best] in texts_of(target):
        return verdict(True)
    wanted = max((texts.index(text) for text in texts_of(target)), key=values.__getitem__)
    return verdict(
        False,
        f"{quoted(texts[best])} is likelier ({values[best]:.4g}) than {quoted(texts[wanted])}"
        f" ({values[wanted]:.4g})",
    )


def _weighed_text(*, text: Text, delimiter: str, **_: object) -> list[str]:
    return [delimiter + option for option in texts_of(text)]


@scorer(version="1", continuations=_weighed_text)
def perplexity(
    sample: Sample,
    *,
    text: Text = "{{ expect }}",
    at_most: Annotated[float, Field(ge=1)] | None = None,
    delimiter: str = "",
) -> Score:
    """How likely the model finds a given answer, a token on average; the reason has its perplexity.

    Perplexity is exp of the negative mean log-probability of a token. The score is that mean
    itself, so that more is better.

    Args:
        sample: the trial to grade
        text: the answer
        at_most: make it a verdict, passed by a perplexity up to this
        delimiter: what stands between the prompt and the answer, such as one blank for a base
            model
    """
    (found,) = sample.weighed(_weighed_text(text=text, delimiter=delimiter))
    mean = found.logprob / found.tokens
    try:
        told = math.exp(-mean)
    except OverflowError:
        told = math.inf
    reason = f"perplexity {told:.4g} over {found.tokens} token{'s' if found.tokens > 1 else ''}"
    if at_most is None:
        return Score(mean, reason=reason)
    return verdict(told <= at_most, reason)


def _size(text: str, likelihood: Likelihood, normalize: Normalize) -> int:
    sizes = {
        "none": 1,
        "tokens": likelihood.tokens,
        "chars": len(text),
        "bytes": len(text.encode()),
    }
    return sizes[normalize]
