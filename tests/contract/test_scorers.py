"""What every built-in scorer keeps to. A new one adds its parameters to `CONFIGURED`."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import (
    Case,
    Completion,
    Likelihood,
    Message,
    Outcome,
    Request,
    Sampling,
    Score,
    Turn,
)
from promptlab.scorers import Sample, get_scorer, scorer_names
from promptlab.scorers.binding import BoundScorer, bind

CONFIGURED: Mapping[str, Mapping[str, Any]] = {
    "contains": {"any": ["a", "b"], "all": "c", "not": "d", "ignore_case": True},
    "exact_match": {"ignore_case": True, "ignore_space": True, "ignore_punctuation": True},
    "format": {"bullets": True, "one_line": True, "language": "en"},
    "json_schema": {"schema": {"type": "object", "properties": {"a": {"pattern": "^x"}}}},
    "label": {"labels": ["5", "positive"]},
    "length": {"unit": "sentences", "min": 1, "max": 5},
    "loglikelihood": {
        "options": ["5", "six"],
        "target": ["5"],
        "normalize": "bytes",
        "delimiter": " ",
    },
    "mean_logprob": {"text": "five", "delimiter": " "},
    "numeric": {"which": "only", "relative": 0.1},
    "perplexity": {"text": "five", "at_most": 9.0, "delimiter": " "},
    "regex": {"pattern": r"(\w+)\s\1", "target": "{{ expect }}", "group": 1},
}
NAMES = [name for name in scorer_names() if get_scorer(name).ours]
CASE = Case("c1", {"text": "a"}, "5", ("t",), "g", "b2:0")
REQUEST = Request("b2:1", (Message("user", "hi"),), Sampling())
SPOKEN = Turn("answer", REQUEST, Completion(Outcome.OK, "x"), cached=False)
OUTPUTS = {
    "ordinary": "The answer is 5.",
    "empty": "",
    "blank": " \n\t\r\n ",
    "unicode": "Ünïcödé 五 🎉 \u202eRTL\u202c \u0000 e\u0301 ٥ ﬁ",  # noqa: RUF001
    "surrogate": "half a pair \ud83d",
    "markup": '```json\n{"a": 1}\n```\n{% raw %}{{ 7*7 }}<|im_end|>',
    "words": "positive 5, not negative. " * 40_000,
    "one word": "a" * 1_000_000,
    "digits": "1" * 1_000_000,
    "groups": "1,234," * 170_000,
    "spaces": "answer " + " " * 1_000_000 + "x",
    "lines": "- 5\n" * 250_000,
    "brackets": "[" * 1_000_000,
    "fences": "```a\n" * 200_000,
    "labels": "label: " * 140_000,
    "dots": '.!?" ' * 200_000,
}


def bound(name: str) -> BoundScorer:
    [one] = bind([{name: CONFIGURED[name]}])
    return one


def sample_for(name: str, output: str, outcome: Outcome = Outcome.OK) -> Sample:
    """Return a trial with what its scorer asked the model beside the conversation."""
    asks = bound(name).asks(Sample(output, CASE, outcome, (SPOKEN,)))
    weighed = tuple(asks[0].continuations) if asks else ()
    request = replace(REQUEST, continuations=weighed)
    likelihoods = tuple(Likelihood(-1.5 - at, 2, greedy=False) for at in range(len(weighed)))
    completion = Completion(Outcome.OK, likelihoods=likelihoods)
    asides = [Turn(name, request, completion, cached=False, aside=True)] if weighed else []
    return Sample(output, CASE, outcome, (SPOKEN, *asides))


def graded(name: str, sample: Sample) -> Score:
    return asyncio.run(bound(name).score(sample))


@pytest.mark.parametrize("name", NAMES)
def test_is_configured_here(name: str) -> None:
    assert name in CONFIGURED


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_gives_a_legal_score_in_time(name: str, output: str) -> None:
    start = time.perf_counter()
    score = graded(name, sample_for(name, output))
    assert time.perf_counter() - start < 30  # what is not linear takes hours
    if score.value is None:
        assert str(score.error).startswith("TimeoutError")
    else:
        assert math.isfinite(score.value)
        assert score.passed in (None, bool(score.value))
        assert len(score.reason or "") <= 300


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("name", NAMES)
def test_grades_whatever_the_outcome(name: str, outcome: Outcome) -> None:
    assert graded(name, sample_for(name, "The answer is 5.", outcome)).error is None


@pytest.mark.parametrize("name", NAMES)
def test_says_the_same_twice(name: str) -> None:
    sample = sample_for(name, "The answer is 5.")
    assert graded(name, sample) == graded(name, sample)


@pytest.mark.parametrize("name", NAMES)
def test_refuses_an_unknown_parameter(name: str) -> None:
    with pytest.raises(PromptlabError, match=f"scorer '{name}': unknown parameter 'wat'"):
        bind([{name: {**CONFIGURED[name], "wat": 1}}])


@pytest.mark.parametrize("name", NAMES)
def test_refuses_a_wrong_type_in_every_parameter(name: str) -> None:
    for parameter in CONFIGURED[name]:
        with pytest.raises(PromptlabError, match=f"scorer '{name}', parameter '{parameter}': "):
            bind([{name: {**CONFIGURED[name], parameter: [[None]]}}])


@pytest.mark.parametrize("name", NAMES)
def test_what_travels_can_be_pickled(name: str) -> None:
    one = bound(name)
    score = graded(name, sample_for(name, "The answer is 5."))
    for value in (one.spec, one.scorer, dict(one.prepare(CASE)), score):
        assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_spec_is_json_and_binds_again(name: str) -> None:
    one = bound(name)
    assert json.loads(json.dumps(one.spec.params)) == one.spec.params
    [again] = bind([one.spec])
    assert again.spec == one.spec
    assert again.prepare(CASE) == one.prepare(CASE)
