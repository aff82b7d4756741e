"""A judge that compares two answers, in both orders: `pairwise`."""

from __future__ import annotations

from functools import partial
from math import fsum
from typing import Any, Literal

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
    first_reason,
    reply_schema,
    require_asked,
    summary,
    unknown_among,
    votes_of,
)
from promptlab.scorers.judges.orders import DISAGREE, IN_BOTH, JUDGES_DISAGREE
from promptlab.scorers.judges.replies import option_in
from promptlab.scorers.prompts import Prompt, PromptName
from promptlab.scorers.rivals import ArmName
from promptlab.scorers.sample import Sample

Pick = Literal["output", "other", "tie"]
_BETTER = "better"
_SHOWN = ("A", "B", "tie")
_FIRST: tuple[Pick, ...] = ("output", "other", "tie")  # what A, B and tie mean: the output is A
_SECOND: tuple[Pick, ...] = ("other", "output", "tie")
_ORDERS = (("output first", _FIRST), ("output second", _SECOND))
_WORTH: dict[Pick, float] = {"output": 1.0, "tie": 0.5, "other": 0.0}


def _check(*, criteria: str, judge: str | list[str], prompt: Prompt, **params: object) -> None:
    require_asked(criteria, judge, prompt, ["first", "second"])
    if (params["against"] is None) == (params["other"] is None):
        raise ValueError(
            "set 'against', the version to compare with, or 'other', a text, and not both"
        )


def _other(sample: Sample, against: str | None, other: str | None) -> str | None:
    """Return the text to compare with, None where it is an answer that is not there (yet)."""
    return sample.rival(against) if against is not None else other


def _orders(sample: Sample, **params: Any) -> list[list[Ask]]:
    """Return the questions in each of the two orders; none where there is nothing to compare."""
    other = _other(sample, params["against"], params["other"])
    if other is None or other == sample.output:
        return []
    panel = Panel.of(params)
    orders = []
    for purpose, order in _ORDERS:
        texts = {"output": sample.output, "other": other}
        shown = {"first": texts[order[0]], "second": texts[order[1]], "task": params["task"]}
        values = {"criteria": params["criteria"], **as_data(shown)}
        orders.append(panel.asks(values, reply_schema(_BETTER, _SHOWN), purpose))
    return orders


def _ask(sample: Sample, **params: Any) -> list[Ask]:
    return [ask for order in _orders(sample, **params) for ask in order]


@scorer(version="1", check=_check, asks=_ask, judge=True, shares=True)
def pairwise(  # noqa: PLR0913 - one argument for each parameter
    sample: Sample,
    *,
    criteria: str,
    judge: Judges,
    against: ArmName | None = None,
    other: str | None = None,
    task: str | None = None,
    votes: Votes = 1,
    temperature: Temperature | None = None,
    max_tokens: MaxTokens | None = None,
    prompt: PromptName = "pairwise@v1",  # type: ignore[assignment]  # looked up
) -> Score:
    """A judge finds the output better than another answer to the same case: 1; worse: 0; tie: 0.5.

    The judge is always asked in both orders, and where it does not say the same in both, that is
    a tie. The other answer is that of a version of the suite to the same case and repeat, on the
    same backend; this version itself, and any equal answer, scores 0.5 without a question. With
    several judges or votes it is the mean. An unknown vote makes the score unknown.

    Limits:
        A judge errs, and may prefer long, confident or tidy answers, or its own. So comparisons
        conclude nothing from it until it was held against what people say. Scores
        against one version say little of how two others compare.

    Args:
        sample: the trial to grade
        criteria: what a good answer does, as instructions to the judge
        judge: the backend that judges, or a list of several, a panel
        against: the version whose answers to compare with, `NAME@VERSION`, which the run includes
        other: a text to compare with instead, such as an answer by a person
        task: what was asked, for the judge to see
        votes: how often each judge is asked the same, in each order
        temperature: that of the judge, in place of what its prompt says
        max_tokens: how long a reply may be, thoughts included, in place of what its prompt says
        prompt: the judge's prompt, NAME@VERSION of templates/_judges
    """
    text = _other(sample, against, other)
    if text is None:
        raise LookupError(f"{against} has no answer to this case")
    named = against or "the other text"
    if text == sample.output:
        return Score(0.5, reason=f"the same answer as {named}", gradable=True)
    orders = _orders(
        sample,
        criteria=criteria,
        judge=judge,
        against=against,
        other=other,
        task=task,
        votes=votes,
        temperature=temperature,
        max_tokens=max_tokens,
        prompt=prompt,
    )
    picked = [
        votes_of(sample, asks, _BETTER, partial(_pick, order))
        for asks, (_, order) in zip(orders, _ORDERS, strict=True)
    ]
    unknown = unknown_among([vote for order in picked for vote in order])
    return unknown or _compared([*zip(*picked, strict=True)], named)


def _pick(order: tuple[Pick, ...], value: Json) -> Pick:
    return order[_SHOWN.index(option_in(value, _SHOWN))]


def _compared(pairs: list[tuple[Vote[Pick], ...]], named: str) -> Score:
    """Return the score of a judge's votes, each of which was given in both orders."""
    agreed = [first.value for first, second in pairs if first.value == second.value]
    worth = fsum(_WORTH[pick] for pick in agreed if pick is not None)
    value = (worth + 0.5 * (len(pairs) - len(agreed))) / len(pairs)
    said = "tie" if value == 0.5 else "better" if value > 0.5 else "worse"
    split, mixed = len(agreed) < len(pairs), len(set(agreed)) > 1
    told = f"tie with {named}" if said == "tie" else f"{said} than {named}"
    if split and len(pairs) == 1:
        told = f"tie with {named}, as the two orders disagree"
    elif len(pairs) > 1:
        if said == "tie" and mixed:
            told += ", as the judges disagree"
        told += f" (the orders agree in {len(agreed)} of {len(pairs)} votes)"
    reason = summary(told, first_reason([vote for pair in pairs for vote in pair]))
    found = DISAGREE if split else JUDGES_DISAGREE if mixed else IN_BOTH[said]
    return Score(value, reason=reason, gradable=True, found=found)
