"""Scorers that are made of others: what passes, what fails, and what stays unknown.

T passes and F fails. N fails too, as the answer holds nothing to grade: whether it is right stays
unknown. U has no score, as the scorer cannot tell; E has none, as the scorer itself failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import (
    NOT_GRADABLE,
    Case,
    Completion,
    Likelihood,
    Message,
    Outcome,
    Request,
    Sampling,
    Score,
    TrialResult,
    Turn,
)
from promptlab.runner.grading import Grading
from promptlab.scorers.asking import Ask, Asker
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.scorers.decorator import scorer
from promptlab.scorers.registry import get_scorer, scorer_names
from promptlab.scorers.sample import Sample
from promptlab.templates.judge_prompts import JudgePrompts
from tests.plans import renderer_of

PROMPTS = JudgePrompts()
HERE = "tests.scorers.test_composites"
CASE = Case("c1", {}, "red", (), None, "b2:0")
PROMPT = (Message("user", "Which colour?"),)

SAYS = {
    "T": Score(1.0, passed=True, gradable=True),
    "F": Score(0.0, passed=False, gradable=True),
    "N": Score(0.0, passed=False, gradable=False, reason="found no label"),
    "U": Score(None, error=f"{NOT_GRADABLE}: another language", gradable=False),
    "E": Score(None, error="ValueError: broken", traceback="Traceback: ..."),
}


def says(sample: Sample, *, what: str) -> Score:
    return SAYS[what]


def number(sample: Sample, *, value: float) -> float:
    return value


def hangs(sample: Sample) -> bool:
    time.sleep(30)
    return True


def _question(sample: Sample) -> list[Ask]:
    return [Ask(f"Is this a colour?\n\n{sample.output}")]


@scorer(version="1", asks=_question)
def judge(sample: Sample) -> Score:
    """A model that says yes or no; anything else is no verdict."""
    reply = sample.answer_to(_question(sample)[0]).text.strip().lower()
    if reply not in ("yes", "no"):
        return Score(None, error=f"{NOT_GRADABLE}: the judge says {reply!r}", gradable=False)
    return Score(float(reply == "yes"), passed=reply == "yes")


def of(what: str, **more: Any) -> dict[str, Any]:
    return {f"{HERE}:says": {"what": what, **more}}


def letter(score: Score) -> str:
    """Return which of the five a score is; a number stands for itself."""
    if score.value is None:
        return "U" if str(score.error).startswith(NOT_GRADABLE) else "E"
    if score.gradable is False:
        assert score.passed is not True
        return "N"
    if score.passed is None:
        return f"{score.value:g}"
    return "T" if score.passed else "F"


def graded(entry: Any, sample: Sample | None = None, limit_s: float = 60.0) -> Score:
    [bound] = bind([entry], time_limit_s=limit_s, prompts=PROMPTS)
    return asyncio.run(bound.score(sample or Sample("red", CASE, Outcome.OK)))


FORMS: dict[str, Any] = {
    "plain": lambda part: part,
    "not": lambda part: {"not": part},
    "not not": lambda part: {"not": {"not": part}},
    "all_of, T": lambda part: {"all_of": [of("T"), part]},
    "all_of, F": lambda part: {"all_of": [part, of("F")]},
    "all_of, N": lambda part: {"all_of": [part, of("N")]},
    "all_of, U": lambda part: {"all_of": [of("U"), part]},
    "any_of, F": lambda part: {"any_of": [of("F"), part]},
    "any_of, T": lambda part: {"any_of": [part, of("T")]},
    "any_of, N": lambda part: {"any_of": [part, of("N")]},
    "any_of, U": lambda part: {"any_of": [of("U"), part]},
    "weighted, T": lambda part: {"weighted": {"of": [of("T"), part], "weights": [3, 1]}},
    "weighted, F": lambda part: {"weighted": [part, of("F")]},
    "weighted >= .7": lambda part: {"weighted": {"of": [of("T"), part], "at_least": 0.7}},
    "weighted >= .4": lambda part: {"weighted": {"of": [of("T"), part], "at_least": 0.4}},
    "not weighted >= .7": lambda part: {
        "not": {"weighted": {"of": [of("T"), part], "at_least": 0.7}}
    },
    "by_case": lambda part: {"by_case": {"of": [part, of("F", name="b")], "cases": {"c1": 0}}},
}

# What each form of a scorer that says T, F, N, U or E says.
LOGIC = {
    "plain": "T F N U E",
    "not": "F T U U E",
    "not not": "T F U U E",
    "all_of, T": "T F N U E",
    "all_of, F": "F F F F F",
    "all_of, N": "N F N N N",
    "all_of, U": "U F N U E",
    "any_of, F": "T F N U E",
    "any_of, T": "T T T T T",
    "any_of, N": "T N N U E",
    "any_of, U": "T U U U E",
    "weighted, T": "1 0.75 0.75 U E",
    "weighted, F": "0.5 0 0 U E",
    "weighted >= .7": "T F N U E",
    "weighted >= .4": "T T T U E",
    "not weighted >= .7": "F T U U E",
    "by_case": "T F N U E",
}


@pytest.mark.parametrize("form", FORMS)
def test_three_valued_logic(form: str) -> None:
    found = [letter(graded(FORMS[form](of(what)))) for what in SAYS]
    assert found == LOGIC[form].split()


# What each built-in scorer says alone where the model, or the judge, replies with garbage, takes
# too long, refuses or says nothing. A model that takes too long leaves no answer to grade: `-`.
_CLOSE: tuple[dict[str, Any], str] = ({"at_least": 0.5}, "F - F N")
GARBAGE, REFUSAL = "qwx zzz 9", "I'm sorry, but I can't help with that."
REPLIES: dict[str, tuple[dict[str, Any], str]] = {
    #                            garbage, time-out, refusal, empty
    "exact_match": ({}, "F - F F"),
    "contains": ({"any": "red"}, "F - F F"),
    "regex": ({"pattern": "red"}, "F - F F"),
    "regex of a target": ({"pattern": "colou?r: (.*)", "group": 1, "target": "red"}, "N - N N"),
    "label": ({"labels": ["red", "blue"]}, "N - N N"),
    "numeric": ({"target": 3}, "F - N N"),
    "json_schema": ({"schema": {"type": "object"}}, "N - N N"),
    "length": ({"min": 50}, "F - F F"),
    "format": ({"bullets": True}, "F - F F"),
    f"{HERE}:hangs": ({}, "E - E E"),
    f"{HERE}:judge": ({}, "U E U U"),
    "loglikelihood": ({"options": ["red", "blue"]}, "F E F F"),
    "perplexity": ({"at_most": 2}, "F E F F"),
    "mean_logprob": ({"at_least": -2}, "F E F F"),
    **dict.fromkeys(("bleu", "chrf", "f1", "rouge", "similarity", "ter"), _CLOSE),
    "squad_exact": ({}, "F - F N"),
    "code": ({"tests": "assert f(1) == 2"}, "N - N N"),
    "instructions": ({"of": [{"id": "punctuation:no_comma"}]}, "T - F N"),
    "readability": ({"at_least": 5}, "F - F U"),
    "semantic": ({"at_least": 0.5, "model": "model"}, "F E F N"),
    "decision": ({"question": "Is it a colour?", "judge": "model"}, "U E U U"),
    "decision of options": (
        {
            "question": "What is it?",
            "judge": "model",
            "kind": "choice",
            "options": ["colour", "town"],
            "target": "colour",
        },
        "U E U U",
    ),
    "decision of a number": (
        {"question": "How red is it?", "judge": "model", "kind": "score", "at_least": 0.5},
        "U E U U",
    ),
    "pairwise": (
        {"criteria": "It is short.", "judge": "model", "other": "blue", "at_least": 0.5},
        "U E U U",
    ),
    "rubric": ({"criteria": "It names a colour.", "judge": "model", "at_least": 0.5}, "U E U U"),
}
BUILT_IN_JUDGES = {"decision", "pairwise", "rubric"}
MADE_OF_OTHERS = {"all_of", "any_of", "by_case", "not", "weighted"}


def _sample(name: str, params: dict[str, Any], reply: str) -> Sample:
    """Return a trial; a scorer that asks gets the reply itself, others grade it."""
    output, text, outcome = GARBAGE, "red", Outcome.OK
    if reply == "refusal":
        output, text, outcome = REFUSAL, REFUSAL, Outcome.REFUSED
    if reply == "empty":
        output, text, outcome = "", "", Outcome.EMPTY
    if reply == "garbage":
        text = GARBAGE
    failed = Completion(Outcome.ERROR, error="the backend took longer than 60 s")
    asker = Asker(PROMPT, "model", {"model": "b2:m"}, 0, "c1")
    sample = Sample(output, CASE, outcome, (), asker)
    turns = []
    asks = _question(sample) if name.endswith("judge") else []
    if (known := name.partition(" ")[0]) in BUILT_IN_JUDGES:
        [bound] = bind([{known: params}], prompts=PROMPTS)
        asks = bound.asks(sample)
        assert asks
    for ask in asks:
        done = failed if reply == "time-out" else Completion(outcome, text)
        turns.append(Turn("judge", asker.request(ask), done, cached=False, aside=True))
    near = [Message("user", text) for text in (output, "red")]
    embedded = asker.request(Ask(near, "model", Sampling(temperature=0)))
    done = failed if reply == "time-out" else Completion(Outcome.OK, "[0.1]")
    turns.append(Turn("cosine", embedded, done, cached=False, aside=True))
    for texts in (("red", "blue"), ("red",)):
        request = Request(str(texts), PROMPT, Sampling(), None, texts)
        weighed = tuple(Likelihood(-9.0 + place, 1, greedy=False) for place in range(len(texts)))
        done = Completion(Outcome.OK, likelihoods=weighed)
        done = failed if reply == "time-out" else done
        turns.append(Turn("asked", request, done, cached=False, aside=True))
    return Sample(output, CASE, outcome, tuple(turns), asker)


def _replies() -> Iterator[tuple[str, dict[str, Any], str, str]]:
    for name, (params, expected) in REPLIES.items():
        kinds = ("garbage", "time-out", "refusal", "empty")
        for reply, alone in zip(kinds, expected.split(), strict=True):
            if alone != "-":
                yield name, params, reply, alone


def test_every_built_in_scorer_is_in_the_table() -> None:
    named = {name for name in scorer_names() if get_scorer(name).built_in}
    assert named - MADE_OF_OTHERS <= {name.partition(" ")[0] for name in REPLIES}


@pytest.mark.parametrize("form", ["plain", "not", "any_of, F", "all_of, T", "weighted >= .7"])
@pytest.mark.parametrize(("name", "params", "reply", "alone"), [*_replies()])
@pytest.mark.slow
def test_every_scorer_on_replies_that_are_no_answer(
    name: str, params: dict[str, Any], reply: str, alone: str, form: str
) -> None:
    entry = FORMS[form]({name.partition(" ")[0]: params})
    limit_s = 0.02 if name.endswith("hangs") else 60.0
    expected = LOGIC[form].split()["TFNUE".index(alone)]
    if (name, reply, form) == ("readability", "refusal", "weighted >= .7"):
        expected = "T"  # its grade of a school, 0.8, is averaged as the number that it is
    assert letter(graded(entry, _sample(name, params, reply), limit_s)) == expected


# What a backend may reply to a scorer that weighs answers, or compares texts: none of it tells.
NO_ANSWERS = ("qwx zzz 9", "", REFUSAL, "[]", "[null]", '["a"]', "[NaN]", "[true]", "[0.5, 0.5]")


@pytest.mark.parametrize("form", ["plain", "not", "any_of, F", "all_of, T", "weighted >= .7"])
@pytest.mark.parametrize("name", ["semantic", "loglikelihood", "perplexity", "mean_logprob"])
def test_a_reply_that_is_no_weight_is_no_score(name: str, form: str) -> None:
    asker = Asker(PROMPT, "model", {"model": "b2:m"}, 0, "c1")
    near = Ask([Message("user", "red")] * 2, "model", Sampling(temperature=0))
    broken = (Likelihood(float("nan"), 1, greedy=False),) * 2
    entry = FORMS[form]({name: REPLIES[name][0]})
    for text, weights in [*((text, ()) for text in NO_ANSWERS), ("", broken)]:
        done = Completion(Outcome.OK, text, likelihoods=weights)
        requests = [asker.request(near)]
        requests += [
            Request(str(texts), PROMPT, Sampling(), None, texts)
            for texts in (("red", "blue"), ("red",))
        ]
        turns = tuple(Turn("asked", each, done, cached=False, aside=True) for each in requests)
        score = graded(entry, Sample("red", CASE, Outcome.OK, turns, asker))
        assert letter(score) == LOGIC[form].split()["TFNUE".index("E")], text
        if form == "plain":
            assert "the model" in str(score.error)


@pytest.mark.parametrize("form", FORMS)
def test_a_trial_without_an_answer_has_no_score_in_any_form(form: str) -> None:
    [bound] = bind([FORMS[form](of("T"))])
    plan = renderer_of(["Hello."], [CASE]).plan
    kept: list[TrialResult] = []
    grading = Grading(plan, [bound], kept.append)
    asyncio.run(grading.finish(plan.trial(0), (), "the backend took longer than 60 s"))
    assert [(result.outcome, result.scores) for result in kept] == [(Outcome.ERROR, {})]


def test_the_reason_keeps_what_the_parts_say() -> None:
    score = graded({"all_of": [of("T", name="tone"), of("N", name="topic"), of("E")]})
    assert (score.value, score.passed) == (0.0, False)
    assert score.reason == "tone: pass; topic: fail (found no label); says: ValueError: broken"
    failed = graded({"all_of": {"of": [of("U"), of("E", name="judge")], "name": "both"}})
    assert failed.error == "judge failed: ValueError: broken"
    assert failed.traceback == "Traceback: ..."
    assert graded({"not": of("N", name="topic")}).error == (
        "not gradable: topic: fail (found no label)"
    )


def test_composites_nest_and_are_stored_as_suites_write_them() -> None:
    named = {"contains": {"any": "{{ expect }}", "name": "named"}}
    entry = {
        "any_of": {
            "of": [
                "exact_match",
                {"all_of": [named, {"not": of("F")}]},
            ],
            "name": "good",
        }
    }  # fmt: skip
    [bound] = bind([entry])
    assert bound.spec.label == "good"
    assert bound.spec.params == {
        "of": [
            {"exact_match": {}},
            {"all_of": {"of": [
                named, {"not": {"of": of("F")}},
            ]}},
        ]
    }  # fmt: skip
    [again] = bind([bound.spec])
    assert again.spec == bound.spec
    assert graded(entry, Sample("so red", CASE, Outcome.OK)).passed


def test_its_identity_covers_its_parts(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def one(sample):\n    return True\n", encoding="utf-8")
    [before] = bind([{"not": "own:one"}], tmp_path)
    [alone] = bind(["exact_match"])
    assert '"of"' not in str(alone.spec.identity)
    (tmp_path / "own.py").write_text("def one(sample):\n    return False\n", encoding="utf-8")
    [after] = bind([{"not": "own:one"}], tmp_path)
    assert before.spec.params == after.spec.params
    assert before.spec.identity != after.spec.identity
    assert not after.built_in


NOTHING_PASSES = "at_least 2 is above at_most 1, so nothing could pass"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"all_of": []}, "it needs one scorer or more"),
        ({"all_of": None}, "needs the parameter 'of'"),
        ({"all_of": "exact_match"}, "must be a list of scorers, not 'exact_match'"),
        ({"not": ["exact_match"]}, "must be a scorer, not"),
        ({"not": "wat"}, "unknown scorer 'wat'"),
        ({"any_of": [{"contains": {"al": "x"}}]}, "unknown parameter 'al'"),
        ({"all_of": [{"exact_match": {"reduce": "max"}}]}, "reduce of 'exact_match' has no effect"),
        ({"all_of": [{f"{HERE}:number": {"value": 1}}]}, "'number' gives a number"),
        ({"weighted": {"of": [of("T")], "weights": [1, 2]}}, "2 weights for 1 scorers"),
        ({"weighted": {"of": [of("T")], "weights": [0]}}, "greater than 0"),
        ({"weighted": {"of": [of("T")], "at_least": 2, "at_most": 1}}, NOTHING_PASSES),
        ({"by_case": {"of": ["exact_match"], "cases": {"a": 1}}}, "case 'a' has the scorer 1 of 1"),
        ({"exact_match": {"at_least": 2, "at_most": 1}}, NOTHING_PASSES),
        ({"exact_match": {"at_least": "1"}}, "at_least must be a number, not '1'"),
        ({"exact_match": {"grade": 3}}, "grade must be the name of an answer, not 3"),
    ],
)
def test_refuses_what_cannot_be_meant(entry: Any, message: str) -> None:
    with pytest.raises(PromptlabError, match=message):
        bind([entry])


def test_a_number_within_a_verdict_fails_and_says_how_to_fix_it() -> None:
    score = graded({"all_of": ["length"]})
    assert "length gave 1, which is no verdict: set its at_least or at_most" in str(score.error)
    assert graded({"all_of": [{"length": {"at_most": 3}}]}).passed


@pytest.mark.parametrize(
    ("bounds", "value", "passed"),
    [
        ({"at_least": 0.7}, 0.7, True),
        ({"at_least": 0.7}, 0.69, False),
        ({"at_most": 3}, 3.0, True),
        ({"at_most": 3}, 3.5, False),
        ({"at_least": 1, "at_most": 2}, 1.5, True),
        ({"at_least": 1, "at_most": 2}, 0.5, False),
        ({}, 0.5, None),
    ],
)
def test_bounds_make_a_verdict_of_a_number_that_stays(
    bounds: dict[str, float], value: float, passed: bool | None
) -> None:
    score = graded({f"{HERE}:number": {"value": value, **bounds}})
    assert (score.value, score.passed) == (value, passed)
    [bound] = bind([{f"{HERE}:number": {"value": value, **bounds}}])
    assert bound.spec.params == {"value": value, **bounds}


@pytest.mark.parametrize("what", ["F", "N", "U", "E"])
def test_what_a_scorer_fails_does_not_pass_by_bounds(what: str) -> None:
    assert letter(graded(of(what, at_most=5))) == what


def _bound(entry: Any) -> BoundScorer:
    [bound] = bind([entry])
    return bound


def test_what_is_true_of_a_part_is_true_of_the_whole() -> None:
    assert _bound({"all_of": ["exact_match"]}).shares
    assert _bound({"weighted": ["exact_match", {"label": {"labels": ["a", "red"]}}]}).shares
    assert not _bound({"weighted": ["exact_match", "length"]}).shares
    assert _bound({"not": f"{HERE}:judge"}).may_ask
    assert not _bound({"not": "exact_match"}).may_ask
    assert _bound({"not": "exact_match"}).inline
    assert not _bound({"not": {"regex": {"pattern": "a"}}}).inline
    weighing = {"loglikelihood": {"options": ["red", "blue"]}}
    assert not _bound({"not": weighing}).reads_output
    assert _bound({"any_of": [weighing, "exact_match"]}).reads_output
