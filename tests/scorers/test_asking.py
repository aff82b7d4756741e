"""What a scorer asks: its requests, whom they go to, and what it finds among the answers."""

from __future__ import annotations

from typing import Any

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import (
    BackendSpec,
    Case,
    Completion,
    Likelihood,
    Message,
    Outcome,
    Sampling,
    ScorerSpec,
    Turn,
)
from promptlab.scorers import Ask, BackendName, Sample, scorer
from promptlab.scorers.asking import Asker, backends_named, names_backend
from promptlab.scorers.binding import bind, knowing
from promptlab.scorers.identity import same_grading
from tests.plans import renderer_of

PROMPT = (Message("user", "Greet Ada."),)
CASE = Case("Ada", {"name": "Ada"}, "yes", (), None, "b2:0")
ASKER = Asker(PROMPT, "echo", {"echo": "b2:e", "judge": "b2:j"}, seed=1, case_id="Ada")


def turn_of(ask: Ask, completion: Completion, backend: str | None = None) -> Turn:
    return Turn("x", ASKER.request(ask), completion, cached=False, aside=True, backend=backend)


def said(text: str) -> Completion:
    return Completion(Outcome.OK, text)


def sample_of(*turns: Turn) -> Sample:
    return Sample("Hello", CASE, Outcome.OK, turns, ASKER)


@pytest.mark.parametrize(
    ("annotation", "named"),
    [
        (BackendName, True),
        (list[BackendName], True),
        (BackendName | None, True),
        (tuple[BackendName, ...], True),
        (str, False),
        (list[str], False),
    ],
)
def test_a_parameter_names_backends_by_its_annotation(annotation: Any, named: bool) -> None:
    assert names_backend(annotation) is named


def test_one_name_or_several_may_be_given() -> None:
    assert backends_named("judge") == ("judge",)
    assert backends_named(["a", "b"]) == ("a", "b")
    assert backends_named(None) == ()


def test_a_question_is_known_by_its_content_and_whom_it_goes_to() -> None:
    asks = [
        Ask("Polite?"),
        Ask("Polite?", backend="judge"),
        Ask("Polite?", repeat=1),
        Ask("Polite?", sampling=Sampling(max_tokens=5)),
        Ask("Polite?", sampling=Sampling(temperature=1.0)),
        Ask("Polite?", schema={"type": "object"}),
        Ask("Polite?", continuations=["yes", "no"]),
        Ask("polite?"),
        Ask(),
    ]
    assert len({ASKER.request(ask).key for ask in asks}) == len(asks)
    same = [Ask((Message("user", "Polite?"),)), Ask("Polite?", purpose="vote", backend="echo")]
    assert {ASKER.request(ask).key for ask in same} == {ASKER.request(asks[0]).key}


def test_a_question_of_the_prompt_itself_is_the_call_of_the_trial() -> None:
    renderer = renderer_of(["Greet {{ name }}."], [CASE])
    opened = renderer.next(renderer.plan.trial(0), [])
    assert opened is not None
    asker = Asker(opened.request.messages, "echo", {"echo": "echo"}, seed=1, case_id="Ada")
    assert asker.request(Ask()) == opened.request


def test_an_answer_is_found_by_its_question() -> None:
    polite, rude = Ask("Polite?", backend="judge"), Ask("Rude?", backend="judge")
    sample = sample_of(turn_of(polite, said("yes"), "judge"), turn_of(rude, said("no"), "judge"))
    assert [sample.answer_to(ask).text for ask in (polite, rude)] == ["yes", "no"]
    assert (sample.answered(polite), sample.answered(Ask("Polite?"))) == (True, False)
    with pytest.raises(LookupError, match="the model was not asked this"):
        sample.answer_to(Ask("Polite?"))


def test_an_answer_that_did_not_come_is_reported() -> None:
    ask = Ask("Polite?")
    for error, told in (("down", "but down"), (None, "but gave no answer")):
        sample = sample_of(turn_of(ask, Completion(Outcome.ERROR, error=error)))
        assert sample.answered(ask)
        with pytest.raises(LookupError, match=told):
            sample.answer_to(ask)


def test_what_a_judge_weighs_is_not_what_the_model_weighs() -> None:
    def weighed(logprob: float) -> Completion:
        return Completion(Outcome.OK, "yes", likelihoods=(Likelihood(logprob, 1, greedy=False),))

    own, judges = Ask(continuations=["yes"]), Ask("Polite?", "judge", continuations=["yes"])
    others = Ask("Rude?", continuations=["yes"])
    sample = sample_of(
        turn_of(own, weighed(-1.0)),
        turn_of(judges, weighed(-2.0), "judge"),
        turn_of(others, weighed(-3.0)),
    )
    assert sample.weighed(["yes"])[0].logprob == -1.0
    assert sample.answer_to(judges).likelihoods[0].logprob == -2.0


@scorer(asks=lambda sample, judge: [Ask("?", backend=judge)])
def asking(sample: Sample, *, judge: BackendName = "judge") -> bool:
    return True


def graded_by(digest: str) -> ScorerSpec:
    """Return what is kept of a scorer that asks a judge of this digest."""
    judge = BackendSpec("judge", "echo", None, {}, {}, digest)
    [one] = knowing(bind([f"{__name__}:asking"]), [judge])
    return one.spec


def test_a_scorer_is_known_by_the_backends_that_it_asks() -> None:
    assert same_grading(graded_by("b2:m"), graded_by("b2:m"))
    assert not same_grading(graded_by("b2:m"), graded_by("b2:n"))
    [plain] = bind(["exact_match"])
    assert knowing([plain], ()) == (plain,)


def test_the_name_of_a_backend_is_the_same_for_every_case() -> None:
    with pytest.raises(PromptlabError, match="'judge': the name of a backend cannot be filled in"):
        bind([{f"{__name__}:asking": {"judge": "{{ name }}"}}])


def test_a_request_keeps_to_its_question() -> None:
    ask = Ask("Polite?", schema={"type": "object"}, sampling=Sampling(stop=("x",)))
    request = ASKER.request(ask)
    assert (request.messages[0].text, request.schema) == ("Polite?", {"type": "object"})
    assert (request.sampling, request.followed) == (Sampling(stop=("x",)), False)
