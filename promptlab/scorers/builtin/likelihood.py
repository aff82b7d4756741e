"""Scorers that ask how likely the model finds given answers, whatever it would generate."""

from __future__ import annotations

import math
from collections import Counter
from typing import Annotated, Literal

from pydantic import Field

from promptlab.core.types import Likelihood, Score
from promptlab.scorers.asking import Ask
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import graded, listed, quoted, verdict

# Only texts: how likely a number is depends on how it is written.
Texts = str | list[str]
Normalize = Literal["none", "tokens", "chars", "bytes"]


def _weighed(options: list[str], delimiter: str) -> list[str]:
    return [delimiter + option for option in options]


def _ask_for_options(
    sample: Sample, *, options: list[str], delimiter: str, **_: object
) -> list[Ask]:
    return [Ask(continuations=_weighed(options, delimiter))]


def _check_options(*, options: list[str], target: Texts, **_: object) -> None:
    if twice := [text for text, count in Counter(options).items() if count > 1]:
        raise ValueError(f"the option {quoted(twice[0])} appears twice")
    if len(options) < 2 or "" in options:
        raise ValueError("at least two options are needed, none of them empty")
    if not target:
        raise ValueError("the target names no option")
    if unknown := [text for text in _texts(target) if text not in options]:
        known = f"the options: {listed(options)}"
        raise ValueError(f"the target {quoted(unknown[0])} is not one of {known}")


@scorer(version="1", check=_check_options, asks=_ask_for_options, reads_output=False, shares=True)
def loglikelihood(
    sample: Sample,
    *,
    options: list[str] = "{{ options }}",  # type: ignore[assignment]  # filled in
    target: Texts = "{{ expect }}",
    normalize: Normalize = "none",
    delimiter: str = "",
) -> Score:
    """The model finds the target the likeliest of all options.

    Limits:
        The options are weighed as they are written, with case, blanks and digits, in the form in
        which they are given. How sure the model is does not count, and equals go to the first.

    Args:
        sample: the trial to grade
        options: the answers to choose from; numbers in quotes
        target: the right option, or a list of options of which any one will do
        normalize: compare the log-probability of the whole option (none), or that divided by its
            number of tokens, characters or bytes, so that long options are not at a loss
        delimiter: what stands between the prompt and each option, such as one blank for a base
            model
    """
    likelihoods = sample.weighed(_weighed(options, delimiter))
    values = [
        likelihood.logprob / _size(text, likelihood, normalize)
        for text, likelihood in zip(options, likelihoods, strict=True)
    ]
    best = max(range(len(values)), key=values.__getitem__)  # the first of equals
    choice = f"chose {quoted(options[best])} ({values[best]:.4g})"
    if options[best] in _texts(target):
        return graded(True, choice, options[best], target)
    wanted = max((options.index(text) for text in _texts(target)), key=values.__getitem__)
    reason = f"{choice} before {quoted(options[wanted])} ({values[wanted]:.4g})"
    return graded(False, reason, options[best], target)


def _ask_for_text(sample: Sample, *, text: str, delimiter: str, **_: object) -> list[Ask]:
    return [Ask(continuations=[delimiter + text])]


@scorer(version="1", asks=_ask_for_text, reads_output=False)
def mean_logprob(sample: Sample, *, text: str = "{{ expect }}", delimiter: str = "") -> Score:
    """The mean log-probability of a token of a given answer, at most 0; more is better.

    Limits:
        Models with other tokens cannot be compared by it, nor can answers of other lengths.

    Args:
        sample: the trial to grade
        text: the answer; a number in quotes
        delimiter: what stands between the prompt and the answer, such as one blank for a base
            model
    """
    mean, reason = _mean(sample, delimiter + text)
    return Score(mean, reason=reason)


@scorer(version="1", asks=_ask_for_text, reads_output=False)
def perplexity(
    sample: Sample,
    *,
    at_most: Annotated[float, Field(ge=1)],
    text: str = "{{ expect }}",
    delimiter: str = "",
) -> Score:
    """The model's perplexity at a given answer is low enough: exp of the negative `mean_logprob`.

    Limits:
        Models with other tokens cannot be compared by it, nor can answers of other lengths.

    Args:
        sample: the trial to grade
        at_most: the highest perplexity that passes
        text: the answer; a number in quotes
        delimiter: what stands between the prompt and the answer, such as one blank for a base
            model
    """
    mean, reason = _mean(sample, delimiter + text)
    return verdict(-mean <= math.log(at_most), reason)


def _mean(sample: Sample, text: str) -> tuple[float, str]:
    """Return the mean log-probability of a token, and the reason that describes it."""
    (likelihood,) = sample.weighed([text])
    mean = likelihood.logprob / likelihood.tokens
    try:
        value = math.exp(-mean)
    except OverflowError:
        value = math.inf
    tokens = f"{likelihood.tokens} token{'s' if likelihood.tokens > 1 else ''}"
    return mean, f"perplexity {value:.4g} over {tokens}"


def _size(text: str, likelihood: Likelihood, normalize: Normalize) -> int:
    sizes = {
        "none": 1,
        "tokens": likelihood.tokens,
        "chars": len(text),
        "bytes": len(text.encode()),
    }
    return sizes[normalize]


def _texts(target: Texts) -> list[str]:
    return target if isinstance(target, list) else [target]
