"""What every built-in scorer must do. A new one adds its parameters to `CONFIGURED`."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Completion, Message, Outcome, Score, Turn
from promptlab.scorers.asking import Asker
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.scorers.registry import describe, get_scorer, scorer_names
from promptlab.scorers.sample import Sample
from promptlab.testing import ScorerContract
from promptlab.testing.scorers import OUTPUTS, Entry

CONFIGURED: Mapping[str, Mapping[str, Any]] = {
    "all_of": {"of": ["exact_match", {"contains": {"any": "5"}}]},
    "any_of": {"of": ["exact_match", {"not": {"label": {"labels": ["5", "positive"]}}}]},
    "by_case": {"of": ["numeric", "exact_match"], "cases": {"c1": 1}},
    "bleu": {"target": ["5", "five"], "tokenize": "intl", "ignore_case": True},
    "chrf": {"target": "5", "word_order": 2, "char_order": 6, "ignore_case": True},
    "code": {
        "tests": ["assert candidate({{ expect }}) == {{ expect }}"],
        "entry_point": "f",
        "prompt": "import math\n",
        "timeout": 2.0,
        "memory_mb": 256,
        "apart": True,
    },
    "contains": {"any": ["a", "b"], "all": "c", "not": "d", "ignore_case": True},
    "decision": {
        "question": "Does it say {{ expect }}?",
        "judge": ["one", "two"],
        "kind": "choice",
        "options": ["five", "six", "none"],
        "target": ["five", "none"],
        "low": 0,
        "high": 9,
        "by": "text",
        "task": "Say {{ expect }}.",
        "votes": 2,
        "temperature": 0.5,
        "max_tokens": 64,
        "prompt": "decision@v1",
    },
    "exact_match": {"ignore_case": True, "ignore_space": True, "ignore_punctuation": True},
    "f1": {"target": ["5", "five"], "tokenize": "unicode"},
    "format": {"bullets": True, "one_line": True, "language": "en"},
    "instructions": {
        "ids": ["punctuation:no_comma", "detectable_format:title", "combination:two_responses"],
        "kwargs": [{}, {}, {}],
        "mode": "loose",
        "count": "share",
    },
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
    "not": {"of": "numeric"},
    "numeric": {"which": "only", "relative": 0.1},
    "pairwise": {
        "criteria": "It says {{ expect }}.",
        "judge": ["one", "two"],
        "other": "It is {{ expect }}.",
        "task": "Say {{ expect }}.",
        "votes": 2,
        "temperature": 0.5,
        "max_tokens": 64,
        "prompt": "pairwise@v1",
    },
    "perplexity": {"text": "five", "at_most": 9.0, "delimiter": " "},
    "readability": {"formula": "lix", "language": "en"},
    "regex": {"pattern": r"(\w+)\s\1", "target": "{{ expect }}", "group": 1},
    "weighted": {
        "of": ["exact_match", {"numeric": {"which": "only"}}],
        "weights": [1, 2],
        "at_least": 0.1,
        "at_most": 1,
    },
    "rouge": {"target": ["5", "five"], "variant": "rougeLsum", "tokenize": "english", "stem": True},
    "rubric": {
        "criteria": "It says {{ expect }}.",
        "judge": ["one", "two"],
        "task": "Say {{ expect }}.",
        "reference": "{{ expect }}",
        "low": 0,
        "high": 10,
        "votes": 2,
        "temperature": 0.5,
        "max_tokens": 64,
        "prompt": "rubric@v1",
    },
    "semantic": {"target": ["5", "five"], "model": "embedder"},
    "similarity": {"target": ["5", "five"], "method": "levenshtein", "ignore_case": True},
    "squad_exact": {"target": ["5", "five"]},
    "ter": {
        "target": ["5", "five"],
        "normalized": True,
        "asian_support": True,
        "ignore_case": False,
    },
}
# What those that a scorer asks reply; all others reply as one of the kind `embedding` does.
REPLIES = {
    "pairwise": '{"reason": "A is right.", "better": "A"}',
    "decision": '{"reason": "It says so.", "answer": "five"}',
    "rubric": '{"reason": "It is right.", "score": 7}',
}
NAMES = [name for name in scorer_names() if get_scorer(name).built_in]
# The detector of languages takes seconds to load.
LIGHT = {**CONFIGURED, "format": {"bullets": True, "one_line": True}}
GRADED = [
    *(pytest.param({name: LIGHT[name]}, id=name) for name in NAMES),
    pytest.param({"format": CONFIGURED["format"]}, id="language", marks=pytest.mark.slow),
]
SHORT = 20_000
SIZED = [
    *(pytest.param(text[:SHORT], id=name) for name, text in OUTPUTS.items()),
    *(
        pytest.param(text, id=f"{name}, a megabyte", marks=pytest.mark.slow)
        for name, text in OUTPUTS.items()
        if len(text) > SHORT
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_is_configured_here(name: str) -> None:
    assert name in CONFIGURED


class TestEveryScorer(ScorerContract):
    """Built-in scorers do more: short reasons, and values that can be pickled."""

    @pytest.fixture(params=GRADED)
    def configured(self, request: pytest.FixtureRequest) -> Entry:
        entry: Entry = request.param
        return entry

    @pytest.mark.parametrize("output", SIZED)
    def test_it_gives_a_legal_score_in_time(self, scorer: BoundScorer, output: str) -> None:
        super().test_it_gives_a_legal_score_in_time(scorer, output)

    def sample(self, scorer: BoundScorer, output: str, outcome: Outcome = Outcome.OK) -> Sample:
        """Answer what a scorer asks another backend."""
        sample = super().sample(scorer, output, outcome)
        if not scorer.backends:
            return sample
        digests = dict.fromkeys(["own", *scorer.backends], "b2:2")
        asker = Asker((Message("user", "hi"),), "own", digests, 0, self.case.id)
        answer = Completion(Outcome.OK, REPLIES.get(scorer.spec.name, "[0.5, 0.25]"))
        asides = tuple(
            Turn(scorer.spec.label, asker.request(ask), answer, False, True, ask.backend)
            for ask in scorer.asks(sample)
        )
        return replace(sample, turns=(*sample.turns, *asides), asker=asker)

    def accept(self, score: Score) -> None:
        if score.value is None:
            assert str(score.error).startswith(("TimeoutError", "not gradable"))
            return
        super().accept(score)
        assert score.passed in (None, bool(score.value))
        assert len(score.reason or "") <= 300

    def test_what_travels_can_be_pickled(self, scorer: BoundScorer) -> None:
        score = asyncio.run(scorer.score(self.sample(scorer, "The answer is 5.")))
        for value in (scorer.spec, scorer.scorer, dict(scorer.prepare(self.case)), score):
            assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("name", NAMES)
def test_refuses_a_wrong_type_in_every_parameter(name: str) -> None:
    for parameter in CONFIGURED[name]:
        with pytest.raises(PromptlabError, match=f"scorer '{name}', parameter '{parameter}': "):
            bind([{name: {**CONFIGURED[name], parameter: [[None]]}}])


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_does_not_do(name: str) -> None:
    limits = describe(get_scorer(name)).limits
    assert limits.endswith(".")
    assert "  " not in limits
