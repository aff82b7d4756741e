"""A judge that answers one question with one of given answers: `decision`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    Votes,
    as_data,
    first_reason,
    reply_schema,
    require_asked,
    require_scale,
    summary,
    unknown_among,
    votes_of,
)
from promptlab.scorers.judges.replies import option_in
from promptlab.scorers.judges.weighing import (
    Shares,
    likeliest,
    mean_of,
    probabilities,
    shares_of,
)
from promptlab.scorers.prompts import PromptName
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import graded, not_gradable, quoted

Kind = Literal["predicate", "choice", "score"]
By = Literal["auto", "likelihood", "text"]
Texts = str | list[str]

_ANSWER = "answer"
_YES_NO = ("Yes", "No")


def _check(*, question: str, judge: str | list[str], kind: Kind, **params: Any) -> None:
    require_asked(question, judge, params["prompt"], ["output"])
    if (kind == "choice") != (params["options"] is not None):
        raise ValueError("'options' are needed for a choice, and only for it")
    if kind == "score":
        _check_score(params["target"], params["low"], params["high"])
    else:
        _check_options(kind, params["options"], params["target"])


def _check_score(target: Texts | None, low: int, high: int) -> None:
    if target is not None:
        raise ValueError("a score has no target: set its 'at_least' or 'at_most'")
    require_scale(low, high, "numbers")


def _check_options(kind: Kind, options: list[str] | None, target: Texts | None) -> None:
    if options is not None:
        plain = {option.strip().casefold() for option in options}
        if len(plain) < max(2, len(options)) or "" in plain:
            raise ValueError("a choice is between two options or more, none alike or empty")
    if kind == "choice" and not target:
        raise ValueError("a choice needs a 'target', the right option")
    if target is not None and not target:
        raise ValueError("'target' is empty: no answer would be right; leave it out for Yes")
    _targets(options or _YES_NO, target)


def _options(kind: Kind, options: list[str] | None, low: int, high: int) -> list[str]:
    if kind == "score":
        return [str(number) for number in range(low, high + 1)]
    return list(options or _YES_NO)


def _targets(options: Sequence[str], target: Texts | None) -> list[str]:
    """Return the options that are right. Raise ValueError if one of them is none of the options."""
    wanted = [_YES_NO[0]] if target is None else target
    known = {option.casefold(): option for option in options}
    named = [wanted] if isinstance(wanted, str) else wanted
    for each in named:
        if each.casefold() not in known:
            raise ValueError(f"the target {quoted(each)} is not one of {', '.join(options)}")
    return [known[each.casefold()] for each in named]


class _Decision:
    """The questions of one decision, and what their answers say."""

    def __init__(self, sample: Sample, params: dict[str, Any]) -> None:
        self._sample = sample
        self._by: By = params["by"]
        self._whole = Panel.of(params)
        self.options = _options(*(params[key] for key in ("kind", "options", "low", "high")))
        shown = as_data({"output": sample.output, "task": params["task"]})
        self._values = {"question": params["question"], "options": self.options, **shown}

    @property
    def judges(self) -> list[str]:
        """Return the judges, each once."""
        return self._whole.judges

    def asks_of(self, judge: str) -> list[Ask]:
        """Return the questions to one judge: to weigh the answers if it can, else to say one."""
        [weigh] = self._panel(judge, votes=1).asks({**self._values, "weighed": True}, {})
        weigh = replace(weigh, schema=None, continuations=self.options)
        asker = self._sample.asker
        weighs = asker is not None and judge in asker.weighing
        if self._by == "likelihood" or (
            self._by == "auto" and (weighs or self._sample.answered(weigh))
        ):
            return [weigh]
        schema = reply_schema(_ANSWER, self.options)
        return self._panel(judge).asks({**self._values, "weighed": False}, schema)

    def answer_of(self, judge: str) -> tuple[Shares, str] | Score:
        """Return how the votes of a judge are spread, with its reason; a score if one is unknown.

        Raise `LookupError` where there is no reply.
        """
        asks = self.asks_of(judge)
        if asks[0].continuations:
            likelihoods = self._sample.answer_to(asks[0]).likelihoods
            if not likelihoods:
                return not_gradable("the judge refused to answer")
            return probabilities(self.options, likelihoods), ""
        votes = votes_of(self._sample, asks, _ANSWER, partial(_option, self.options))
        said = [vote.value for vote in votes if vote.value is not None]
        unknown = unknown_among(votes)
        return unknown or (shares_of(self.options, said), first_reason(votes))

    def _panel(self, judge: str | list[str], votes: int | None = None) -> Panel:
        return replace(self._whole, judge=judge, votes=votes or self._whole.votes)


def _option(options: Sequence[str], value: Json) -> str:
    return option_in(value, options)


def _ask(sample: Sample, **params: Any) -> list[Ask]:
    decision = _Decision(sample, params)
    return [ask for judge in decision.judges for ask in decision.asks_of(judge)]


@scorer(version="1", check=_check, asks=_ask, judge=True, shares=True)
def decision(  # noqa: PLR0913 - one argument for each parameter
    sample: Sample,
    *,
    question: str,
    judge: Judges,
    kind: Kind = "predicate",
    options: list[str] | None = None,
    target: Texts | None = None,
    low: int = 1,
    high: int = 5,
    by: By = "auto",
    task: str | None = None,
    votes: Votes = 1,
    temperature: Temperature | None = None,
    max_tokens: MaxTokens | None = None,
    prompt: PromptName = "decision@v1",  # type: ignore[assignment]  # looked up
) -> Score:
    """A judge's answer to one question about the output, as the probability of the right answer.

    A predicate is answered Yes or No, a choice by one of the options, a score by a whole number,
    of which the mean counts, from 0 (the lowest) to 1 (the highest). A judge that can weigh given
    answers (kind hf) gives their probabilities; of one that cannot, they are the shares of its
    votes. It passes where the likeliest answer is the target. One unknown vote, or as much for the
    target as for another answer, makes the score unknown.

    Limits:
        A judge errs, and its probabilities are rarely those of being right. So comparisons conclude
        nothing from it until it was held against what people say. Options are weighed
        as they are written: of two that mean the same, each takes a part.

    Args:
        sample: the trial to grade
        question: the question about the output, as the judge is to read it
        judge: the backend that judges, or a list of several, a panel
        kind: what the answer is
        options: the answers of a choice
        target: the right answer, or a list of options of which any one will do; of a predicate, Yes
        low: the lowest number of a score
        high: the highest
        by: whether the judge weighs all answers or says one; auto is by likelihood where it can
        task: what was asked, for the judge to see
        votes: how often each judge is asked to say its answer
        temperature: that of the judge, in place of what its prompt says
        max_tokens: how long a reply may be, thoughts included, in place of what its prompt says
        prompt: the judge's prompt, NAME@VERSION of templates/_judges
    """
    params = {
        "question": question,
        "judge": judge,
        "kind": kind,
        "options": options,
        "low": low,
        "high": high,
        "by": by,
        "task": task,
        "votes": votes,
        "temperature": temperature,
        "max_tokens": max_tokens,
        "prompt": prompt,
    }
    one = _Decision(sample, params)
    answers = []
    for each in one.judges:
        answer = one.answer_of(each)
        if isinstance(answer, Score):
            return answer
        answers.append(answer)
    shares = mean_of(one.options, (spread for spread, _ in answers))
    reason = next((told for _, told in answers if told), "")
    if kind == "score":
        return _number(shares, low, high, reason)
    return _verdict(shares, _targets(one.options, target), reason)


def _number(shares: Shares, low: int, high: int, reason: str) -> Score:
    mean = fsum(int(number) * share for number, share in shares.items())
    told = f"grade {mean:.4g} ({low} to {high})"
    value = min(1.0, max(0.0, (mean - low) / (high - low)))
    return Score(value, reason=summary(told, reason), gradable=True)


def _verdict(shares: Shares, targets: Sequence[str], reason: str) -> Score:
    best = likeliest(shares)
    told = ", ".join(
        f"{option} {share:.2f}"
        for option, share in sorted(shares.items(), key=lambda item: -item[1])
        if share >= 0.005
    )
    if len({option in targets for option in best}) > 1:
        return not_gradable(f"the votes are split: {told}")
    expected = targets[0] if len(targets) == 1 else None
    score = graded(best[0] in targets, summary(told, reason), best[0], expected)
    return replace(score, value=min(1.0, fsum(shares[option] for option in targets)))
