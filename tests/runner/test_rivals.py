"""Scorers that compare with another arm: its answer to the same case is there, asked once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from promptlab.backends.echo import Echo, Options
from promptlab.core.types import Case, Completion, Outcome, Request, Score
from promptlab.runner.check import check
from promptlab.runner.forecast import Forecast, forecast
from promptlab.runner.requests import Renderer
from promptlab.scorers.rivals import ArmName
from promptlab.scorers.sample import Sample
from tests.plans import Scorers, renderer_of
from tests.runner.runs import Answer, Begin, Run, upper, work_off

DRAFT = """\
{% user %}Draft for {{ name }}.{% enduser %}{% generate draft %}
{% user %}Mend {{ draft }}{% enduser %}{% generate final %}
"""


def beside(sample: Sample, *, against: ArmName = "greet@v1") -> Score:
    """Tell the output with that of the other arm."""
    return Score(1.0, reason=f"{sample.output} | {sample.rival(against)}")


HERE = f"{__name__}:beside"


def make_renderer(*texts: str, scorers: Scorers = (HERE,), **settings: Any) -> Renderer:
    cases = [Case(name, {"name": name}, None, (), None, name) for name in ("Ada", "Ben")]
    return renderer_of(texts, cases, scorers=scorers, **settings)


def carry(run: Run, answer: Answer = upper, batch: int = 3) -> int:
    """Answer everything, until all is graded; return how many requests were taken."""

    async def work() -> int:
        taken = await work_off(run.work, answer, batch)
        await run.desk.grading.finished()
        return taken

    return asyncio.run(asyncio.wait_for(work(), 10))


def told(run: Run, label: str = "beside") -> list[str | None]:
    return [run.scores[seq][label].reason for seq in sorted(run.scores)]


@pytest.mark.parametrize("batch", [1, 100])
@pytest.mark.parametrize("against", ["greet@v1", "greet@v2"])
def test_the_answer_of_the_other_arm_is_there_and_asked_once(
    begin: Begin, batch: int, against: str
) -> None:
    """Also where the other arm is the later one in the plan."""
    renderer = make_renderer(
        "Hi {{ name }}", "Ho {{ name }}", scorers=[{HERE: {"against": against}}]
    )
    run = begin(renderer)
    assert carry(run, batch=batch) == 4
    both = "HI" if against == "greet@v1" else "HO"
    assert told(run) == [
        f"{own} {name} | {both} {name}" for name in ("ADA", "BEN") for own in ("HI", "HO")
    ]
    base = int(against[-1]) - 1
    for seq, turns in run.ended.items():
        names = [turn.name for turn in turns]
        assert names == (["answer"] if seq % 2 == base else ["answer", f"{against}: answer"])
        assert [turn.aside for turn in turns[1:]] == [True] * (len(turns) - 1)


@pytest.mark.parametrize("grade", [None, "draft", "final"])
def test_a_conversation_is_compared_answer_by_answer(begin: Begin, grade: str | None) -> None:
    texts = DRAFT, DRAFT.replace("Draft", "Sketch")
    run = begin(make_renderer(*texts, grade=grade))
    assert carry(run) == 8
    first, second = ("DRAFT", "SKETCH") if grade == "draft" else ("MEND DRAFT", "MEND SKETCH")
    end = "FOR ADA."
    assert told(run)[:2] == [f"{first} {end} | {first} {end}", f"{second} {end} | {first} {end}"]
    assert [turn.name for turn in run.ended[1]] == [
        "draft",
        "final",
        "greet@v1: draft",
        "greet@v1: final",
    ]


def test_a_scorer_that_grades_the_draft_is_given_the_other_draft(begin: Begin) -> None:
    texts = DRAFT, DRAFT.replace("Draft", "Sketch")
    scorers: Scorers = [HERE, {HERE: {"grade": "draft", "name": "drafts"}}]
    run = begin(make_renderer(*texts, scorers=scorers))
    carry(run)
    assert told(run, "drafts")[1] == "SKETCH FOR ADA. | DRAFT FOR ADA."
    assert told(run)[1] == "MEND SKETCH FOR ADA. | MEND DRAFT FOR ADA."


def test_each_repeat_and_each_backend_is_compared_with_its_own(begin: Begin) -> None:
    renderer = make_renderer("Hi {{ name }}", "Ho {{ name }}", backends=["echo", "loud"], repeats=2)
    run = begin(renderer)

    def marked(mark: str) -> Answer:
        return lambda request: Completion(Outcome.OK, mark + request.key)

    async def serve() -> None:
        loud = work_off(run.work, marked("!"), 3, "loud")
        await asyncio.gather(work_off(run.work, marked("."), 3), loud)
        await run.desk.grading.finished()

    asyncio.run(asyncio.wait_for(serve(), 10))
    outputs = {seq: turns[0].completion.text for seq, turns in run.ended.items()}
    assert len(set(outputs.values())) == 16
    for seq, scores in run.scores.items():
        base = seq - seq % 2  # arms: v1 and v2 on echo, v1 and v2 on loud
        assert scores["beside"].reason == f"{outputs[seq]} | {outputs[base]}"


def test_a_resumed_run_takes_the_answer_from_the_store(begin: Begin) -> None:
    texts = "Hi {{ name }}", "Ho {{ name }}"
    first = begin(make_renderer(*texts))
    carry(first)
    known = {turn.request.key: turn.completion for turn in first.spoken}
    again = begin(make_renderer(*texts), known=known, done=[0, 2])
    assert carry(again) == 0
    assert told(again) == told(first)[1::2]


def test_an_answer_that_failed_is_no_answer(begin: Begin) -> None:
    def answer(request: Request) -> Completion:
        failed = request.messages[-1].text == "Hi Ada"
        return Completion(Outcome.ERROR, error="too long") if failed else upper(request)

    run = begin(make_renderer("Hi {{ name }}", "Ho {{ name }}"))
    carry(run, answer)
    assert run.errors == {0: "too long", 1: None, 2: None, 3: None}
    assert run.scores[1]["beside"].reason == "HO ADA | None"
    assert run.scores[3]["beside"].reason == "HO BEN | HI BEN"


def test_a_part_of_another_scorer_compares_as_well(begin: Begin) -> None:
    judged = {"criteria": "Nice.", "judge": "judge", "against": "greet@v1", "at_least": 0.5}
    scorers: Scorers = [{"any_of": [{"not": {"pairwise": judged}}, {HERE: {"at_least": 1}}]}]
    run = begin(make_renderer("Hi {{ name }}", "Ho {{ name }}", scorers=scorers))

    def a_is_better(request: Request) -> Completion:
        return Completion(Outcome.OK, '{"better": "A"}')

    async def serve() -> int:
        _, judged = await asyncio.gather(
            work_off(run.work, upper, 3), work_off(run.work, a_is_better, 3, "judge")
        )
        await run.desk.grading.finished()
        return judged

    assert asyncio.run(asyncio.wait_for(serve(), 10)) == 2 * 2
    assert [scores["any_of"].passed for _, scores in sorted(run.scores.items())] == [True] * 4
    assert "not: fail (pairwise: pass (tie with greet@v1" in str(run.scores[1]["any_of"].reason)


def test_a_part_of_a_conversation_is_not_compared_with(begin: Begin) -> None:
    """The template of the other arm cannot continue from a draft that is no number."""
    broken = DRAFT.replace("Mend {{ draft }}", "Mend {{ draft // 2 }}")
    pairwise = {"criteria": "Nice.", "judge": "judge", "against": "greet@v1"}
    run = begin(make_renderer(broken, "Ho {{ name }}", scorers=[{"pairwise": pairwise}]))

    async def serve() -> int:
        _, judged = await asyncio.gather(
            work_off(run.work, upper, 3), work_off(run.work, upper, 3, "judge")
        )
        await run.desk.grading.finished()
        return judged

    assert asyncio.run(asyncio.wait_for(serve(), 10)) == 0
    assert [error is None for _, error in sorted(run.errors.items())] == [False, True] * 2
    score = run.scores[1]["pairwise"]
    assert (score.value, score.error) == (None, "LookupError: the model was not asked this")


def foreseen(renderer: Renderer) -> Forecast:
    backends = {spec.name: Echo(None, Options()) for spec in renderer.plan.backends}
    asyncio.run(check(renderer, backends))
    return asyncio.run(forecast(renderer, lambda keys: {}, backends))


@pytest.mark.parametrize(
    "texts", [("Hi {{ name }}", "Ho {{ name }}", "Hu {{ name }}"), [DRAFT] * 3]
)
def test_a_forecast_counts_each_call_once(texts: list[str], begin: Begin) -> None:
    texts = [f"{text}{'{# #}' * place}" for place, text in enumerate(texts)]
    if texts[0].startswith("{%"):
        texts = [text.replace("Draft", word) for text, word in zip(texts, "ABC", strict=True)]
    pairwise = {"criteria": "Nice.", "judge": "judge", "against": "greet@v1"}
    renderer = make_renderer(*texts, scorers=[{"pairwise": pairwise}])
    ahead = foreseen(renderer)
    run = begin(renderer)

    async def serve() -> list[int]:
        taken = await asyncio.gather(
            work_off(run.work, upper, 3, "echo"), work_off(run.work, upper, 3, "judge")
        )
        await run.desk.grading.finished()
        return [*taken]

    own, judged = asyncio.run(asyncio.wait_for(serve(), 10))
    assert ahead.asked["judge"].calls == judged == 2 * 2 * 2  # 2 arms, 2 cases, 2 orders
    assert sum(arm.calls for arm in ahead.arms) == own
    assert ahead.stored == 0
