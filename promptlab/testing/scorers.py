"""What every scorer must do."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

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
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.scorers.entries import parse_scorer_entry
from promptlab.scorers.sample import Sample
from promptlab.templates.judge_prompts import JudgePrompts

Entry = str | Mapping[str, Any]

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
"""What models may answer; the worst cases are a megabyte long."""

_REQUEST = Request("b2:1", (Message("user", "hi"),), Sampling())
_SPOKEN = Turn("answer", _REQUEST, Completion(Outcome.OK, "x"), cached=False)


class ScorerContract:
    """Subclass this with a name that begins with `Test`, and name your scorer as a suite does."""

    entry: ClassVar[Entry]
    """The scorer as in a suite: `"mine:tone"` or `{"mine:tone": {"level": 3}}`."""

    root: ClassVar[Path | None] = None
    """The folder that holds `mine.py`, if it is not installed."""

    prompts: ClassVar[JudgePrompts] = JudgePrompts()
    """Where prompts of judges are found."""

    case: ClassVar[Case] = Case("c1", {"text": "a"}, "5", ("t",), "g", "b2:0")
    """A case with everything that the scorer's parameters are filled in from."""

    def accept(self, score: Score) -> None:
        """Check a score; override it to require more of yours."""
        assert score.value is not None, score.error
        assert math.isfinite(score.value)

    def sample(self, scorer: BoundScorer, output: str, outcome: Outcome = Outcome.OK) -> Sample:
        """Return a trial with what its scorer asked the model aside from the conversation."""
        asks = scorer.asks(Sample(output, self.case, outcome, (_SPOKEN,)))
        continuations = tuple(asks[0].continuations) if asks else ()
        request = replace(_REQUEST, continuations=continuations)
        logprobs = [-1.5 - place for place in range(len(continuations))]
        likelihoods = tuple(Likelihood(logprob, 2, greedy=False) for logprob in logprobs)
        completion = Completion(Outcome.OK, likelihoods=likelihoods)
        label = scorer.spec.label
        turns = [_SPOKEN]
        if continuations:
            turns.append(Turn(label, request, completion, cached=False, aside=True))
        return Sample(output, self.case, outcome, tuple(turns))

    @pytest.fixture
    def configured(self) -> Entry:
        return self.entry

    @pytest.fixture
    def scorer(self, configured: Entry) -> BoundScorer:
        [bound] = bind([configured], self.root, prompts=self.prompts)
        return bound

    @pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS.keys())
    def test_it_gives_a_legal_score_in_time(self, scorer: BoundScorer, output: str) -> None:
        start = time.perf_counter()
        score = asyncio.run(scorer.score(self.sample(scorer, output)))
        assert time.perf_counter() - start < 30  # anything that is not linear takes hours
        self.accept(score)

    @pytest.mark.parametrize("outcome", Outcome)
    def test_it_grades_whatever_the_outcome(self, scorer: BoundScorer, outcome: Outcome) -> None:
        sample = self.sample(scorer, "The answer is 5.", outcome)
        assert asyncio.run(scorer.score(sample)).error is None

    def test_it_gives_the_same_score_twice(self, scorer: BoundScorer) -> None:
        sample = self.sample(scorer, "The answer is 5.")
        assert asyncio.run(scorer.score(sample)) == asyncio.run(scorer.score(sample))

    def test_it_refuses_an_unknown_parameter(self, configured: Entry) -> None:
        known = parse_scorer_entry(configured)
        wrong = {known.name: {**known.params, "name": known.label, "no_such_parameter": 1}}
        with pytest.raises(PromptlabError, match="unknown parameter 'no_such_parameter'"):
            bind([wrong], self.root, prompts=self.prompts)

    def test_a_stored_spec_is_json_and_binds_again(self, scorer: BoundScorer) -> None:
        assert json.loads(json.dumps(scorer.spec.params)) == scorer.spec.params
        [again] = bind([scorer.spec], self.root, prompts=self.prompts)
        assert again.spec == scorer.spec
        assert again.prepare(self.case) == scorer.prepare(self.case)
