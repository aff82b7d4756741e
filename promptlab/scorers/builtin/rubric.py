"""A judge that grades one answer by written criteria: `rubric`."""

from __future__ import annotations

from functools import partial
from math import fsum
from typing import Any

from promptlab.core.types import Json, Score
from promptlab.scorers.asking import Ask
from promptlab.scorers.decorator import scorer
from promptlab.scorers.judges.asking import (
    Judges,
    MaxTokens,
    Panel,
    Temperature,
    Vote,
    Votes,
    as_data,
    by_judge,
    first_reason,
    reply_schema,
    require_asked,
    require_scale,
    summary,
    unknown_among,
    votes_of,
)
from promptlab.scorers.judges.replies import number_in
from promptlab.scorers.prompts import Prompt, PromptName
from promptlab.scorers.sample import Sample

_SCORE = "score"


def _check(
    *, criteria: str, low: int, high: int, judge: str | list[str], prompt: Prompt, **_: object
) -> None:
    require_asked(criteria, judge, prompt, ["output"])
    require_scale(low, high, "grades")


def _ask(sample: Sample, **params: Any) -> list[Ask]:
    texts = {"output": sample.output, "task": params["task"], "reference": params["reference"]}
    scale = {"low": params["low"], "high": params["high"]}
    values = {"criteria": params["criteria"], **scale, **as_data(texts)}
    schema = reply_schema(_SCORE, range(params["low"], params["high"] + 1))
    return Panel.of(params).asks(values, schema)


@scorer(version="1", check=_check, asks=_ask, judge=True, shares=True)
def rubric(  # noqa: PLR0913 - one argument for each parameter
    sample: Sample,
    *,
    criteria: str,
    judge: Judges,
    task: str | None = None,
    reference: str | None = None,
    low: int = 1,
    high: int = 5,
    votes: Votes = 1,
    temperature: Temperature | None = None,
    max_tokens: MaxTokens | None = None,
    prompt: PromptName = "rubric@v1",  # type: ignore[assignment]  # looked up
) -> Score:
    """A judge's grade of the output by written criteria, from 0 (the lowest) to 1 (the highest).

    With several judges or votes it is the mean of all votes. A reply without a grade is an unknown
    vote, and makes the score unknown; it is never 0.

    Limits:
        A judge errs, and may prefer long, confident or tidy answers, or its own. So comparisons
        conclude nothing from it until it was held against what people say. What is
        judged stands between marks that it cannot close, but a weak judge may obey it all the same.

    Args:
        sample: the trial to grade
        criteria: what a good answer does, as instructions to the judge
        judge: the backend that judges, or a list of several, a panel
        task: what was asked, for the judge to see
        reference: an answer that is known to be right, for the judge to see
        low: the grade of an answer that meets none of the criteria
        high: the grade of one that meets all of them
        votes: how often each judge is asked the same
        temperature: that of the judge, in place of what its prompt says
        max_tokens: how long a reply may be, thoughts included, in place of what its prompt says
        prompt: the judge's prompt, NAME@VERSION of templates/_judges
    """
    asks = _ask(
        sample,
        criteria=criteria,
        judge=judge,
        task=task,
        reference=reference,
        low=low,
        high=high,
        votes=votes,
        temperature=temperature,
        max_tokens=max_tokens,
        prompt=prompt,
    )
    given = votes_of(sample, asks, _SCORE, partial(_grade, low, high))
    return unknown_among(given) or _mean(given, low, high)


def _grade(low: int, high: int, value: Json) -> float:
    return number_in(value, low, high)


def _mean(given: list[Vote[float]], low: int, high: int) -> Score:
    grades = [vote.value for vote in given if vote.value is not None]
    mean = fsum(grades) / len(grades)
    several = f", of {by_judge(given)}" if len(grades) > 1 else ""
    said = f"grade {mean:.4g} ({low} to {high}{several})"
    return Score(
        (mean - low) / (high - low), reason=summary(said, first_reason(given)), gradable=True
    )
