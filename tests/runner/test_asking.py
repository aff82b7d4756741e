"""Scorers that ask other backends: trials change lanes, and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from promptlab.backends.echo import Echo, Options
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.types import Case, Outcome, Request, Sampling, Trial, Turn
from promptlab.runner.check import check
from promptlab.runner.requests import Renderer
from promptlab.runner.trials import TrialWork
from promptlab.scorers.asking import Ask, BackendName
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from tests.plans import Scorers, renderer_of
from tests.runner.runs import Begin, Run, upper, work_off

PLAIN = "Greet {{ name }}."
GONE = BackendError("the judge went home")


def one_question(sample: Sample, *, judge: str) -> list[Ask]:
    return [Ask(f"Judge {sample.output}", backend=judge)]


@scorer(asks=one_question)
def judged(sample: Sample, *, judge: BackendName = "judge") -> bool:
    [ask] = one_question(sample, judge=judge)
    return sample.answer_to(ask).text.startswith("JUDGE")


def two_steps(sample: Sample, *, judge: str) -> Iterator[Ask]:
    first = Ask(f"Judge {sample.output}", backend=judge, purpose="first")
    yield first
    if sample.answered(first):
        yield Ask(f"Reply to {sample.answer_to(first).text}", purpose="second")


@scorer(asks=two_steps)
def talked_over(sample: Sample, *, judge: BackendName = "judge") -> bool:
    return all(sample.answered(ask) for ask in two_steps(sample, judge=judge))


@scorer(asks=lambda sample: [Ask(f"More {len(sample.turns)}")])
def curious(sample: Sample) -> bool:
    return True


@scorer(asks=lambda sample: [Ask({"GREET ADA.": "well"}[sample.output])])
def picky(sample: Sample) -> bool:
    return sample.answer_to(Ask("well")).outcome is Outcome.OK


@scorer(asks=lambda sample, judges: [Ask("All?", backend=judge) for judge in judges])
def panel(sample: Sample, *, judges: list[BackendName]) -> int:
    return sum(sample.answered(Ask("All?", backend=judge)) for judge in judges)


@scorer(
    asks=lambda sample: [Ask("?", sampling=Sampling(temperature=1.0), repeat=at) for at in (0, 1)]
)
def drawn(sample: Sample) -> bool:
    return True


def ours(name: str) -> str:
    return f"{__name__}:{name}"


def make_renderer(
    *texts: str,
    names: Sequence[str] = ("Ada", "Ben"),
    scorers: Scorers = (f"{__name__}:judged",),
    backends: Sequence[str] = ("echo",),
    repeats: int = 1,
) -> Renderer:
    cases = [Case(name, {"name": name}, None, (), None, name) for name in names]
    return renderer_of(
        texts or (PLAIN,), cases, scorers=scorers, backends=backends, repeats=repeats
    )


async def serve(run: Run, *lanes: str, batch: int = 2) -> list[int]:
    """Answer everything that is asked in these lanes, concurrently."""
    served = (work_off(run.work, upper, batch, name) for name in lanes)
    taken = list(await asyncio.wait_for(asyncio.gather(*served), 10))
    await run.desk.grading.finished()
    return taken


def path_of(turns: Sequence[Turn]) -> list[tuple[str, str | None, bool]]:
    return [(turn.name, turn.backend, turn.aside) for turn in turns]


@pytest.mark.parametrize("batch", [1, 100])
def test_a_trial_asks_the_judge_after_its_answer(begin: Begin, batch: int) -> None:
    run = begin(make_renderer())
    assert asyncio.run(serve(run, "echo", "judge", batch=batch)) == [2, 2]
    assert path_of(run.ended[0]) == [("answer", None, False), ("judged", "judge", True)]
    assert run.ended[0][1].request.messages[0].text == "Judge GREET ADA."
    assert [scores["judged"].passed for scores in run.scores.values()] == [True, True]


def test_a_trial_comes_back_where_its_scorer_asks_on(begin: Begin) -> None:
    run = begin(make_renderer(scorers=[ours("talked_over")]))
    assert asyncio.run(serve(run, "echo", "judge")) == [4, 2]
    assert path_of(run.ended[1]) == [
        ("answer", None, False),
        ("talked_over: first", "judge", True),
        ("talked_over: second", None, True),
    ]
    assert run.ended[1][2].completion.text == "REPLY TO JUDGE GREET BEN."


def test_two_scorers_and_two_arms_ask_the_same_once(begin: Begin) -> None:
    scorers: Scorers = [ours("judged"), {ours("judged"): {"name": "again"}}]
    run = begin(make_renderer(PLAIN, PLAIN + "\n", scorers=scorers, backends=["echo", "other"]))
    assert asyncio.run(serve(run, "echo", "other", "judge", batch=100)) == [2, 2, 2]
    assert len(run.ended) == 8
    assert all(scores["again"].passed for scores in run.scores.values())


def test_a_panel_asks_each_of_its_backends(begin: Begin) -> None:
    scorers = [{ours("panel"): {"judges": ["one", "two", "echo"]}}]
    run = begin(make_renderer(names=["Ada"], scorers=scorers))
    assert asyncio.run(serve(run, "echo", "one", "two")) == [2, 1, 1]
    assert run.scores[0]["panel"].value == 3


def test_the_lane_of_a_judge_is_open_as_long_as_trials_may_come(begin: Begin) -> None:
    run = begin(make_renderer(names=["Ada"]))

    async def one_by_one() -> None:
        judge = asyncio.ensure_future(run.work.take("judge", 5))
        [request] = await run.work.take("echo", 5)
        own = asyncio.ensure_future(run.work.take("echo", 5))
        await asyncio.sleep(0.01)
        assert not judge.done()
        await run.work.give("echo", request, upper(request))
        [question] = await judge
        assert not own.done()  # the scorer may still ask the first backend
        await run.work.give("judge", question, upper(question))
        assert await own == await run.work.take("judge", 5) == []
        await run.desk.grading.finished()

    asyncio.run(asyncio.wait_for(one_by_one(), 5))
    assert run.errors == {0: None}


def test_the_repeat_of_a_question_is_not_that_of_the_trial(begin: Begin) -> None:
    run = begin(make_renderer(names=["Ada"], repeats=2))
    assert asyncio.run(serve(run, "echo", "judge", batch=100)) == [2, 1]
    drawing = begin(make_renderer(names=["Ada"], scorers=[ours("drawn")]))
    assert asyncio.run(serve(drawing, "echo")) == [3]
    seeds = [turn.request.sampling.seed for turn in drawing.ended[0] if turn.aside]
    assert None not in seeds
    assert len(set(seeds)) == 2


def test_a_judge_that_fails_takes_no_answer_with_it(begin: Begin) -> None:
    """One question is in flight, one is ready, one is still to come."""
    run = begin(make_renderer(names=["Ada", "Ben", "Eve"]))

    async def fail() -> Request:
        requests = list(await run.work.take("echo", 5))
        for request in requests[:2]:
            await run.work.give("echo", request, upper(request))
        [sent] = await run.work.take("judge", 1)
        await run.work.end("judge", GONE)
        assert await run.work.take("judge", 1) == []
        await run.work.give("echo", requests[2], upper(requests[2]))
        assert await run.work.take("echo", 5) == []
        await run.desk.grading.finished()
        return sent

    sent = asyncio.run(asyncio.wait_for(fail(), 5))
    assert run.errors == {0: None, 1: None, 2: None}
    error = "LookupError: the model was asked, but backend 'judge' has failed: the judge went home"
    assert {scores["judged"].error for scores in run.scores.values()} == {error}
    assert len(run.spoken) == 3
    asyncio.run(run.work.give("judge", sent, upper(sent)))  # paid for, so it is kept anyway
    assert run.spoken[3].completion.text == "JUDGE GREET ADA."


def test_an_answer_that_is_known_needs_no_judge_at_work(begin: Begin) -> None:
    first = begin(make_renderer(names=["Ada"]))
    asyncio.run(serve(first, "echo", "judge"))
    [_, turn] = first.ended[0]
    run = begin(make_renderer(), known={turn.request.key: turn.completion})

    async def fail() -> None:
        await run.work.end("judge", GONE)
        await work_off(run.work, upper, 5)
        await run.desk.grading.finished()

    asyncio.run(fail())
    assert [run.scores[seq]["judged"].passed for seq in sorted(run.scores)] == [True, None]


def test_a_backend_that_fails_leaves_its_own_trials_for_later(begin: Begin) -> None:
    renderer = make_renderer(scorers=["exact_match", {"mean_logprob": {"text": "yes"}}])
    run = begin(renderer)

    async def fail() -> None:
        requests = await run.work.take("echo", 1)
        await run.work.give("echo", requests[0], upper(requests[0]))
        await run.work.end("echo", GONE)

    asyncio.run(fail())
    assert run.ended == {}


@pytest.mark.parametrize("max_calls", [0, 1, 3])
def test_a_budget_that_is_spent_ends_all_lanes(begin: Begin, max_calls: int) -> None:
    run = begin(make_renderer(names=["Ada", "Ben", "Eve"]), max_calls=max_calls)
    assert sum(asyncio.run(serve(run, "echo", "judge", batch=1))) == max_calls


def test_a_scorer_that_fails_to_ask_has_a_failed_score(begin: Begin) -> None:
    renderer = make_renderer(scorers=[ours("picky")])
    asyncio.run(check(renderer, {"echo": Echo(None, Options())}))  # a stand-in is not an output
    run = begin(renderer)
    assert asyncio.run(serve(run, "echo")) == [3]
    assert run.errors == {0: None, 1: None}
    assert run.scores[0]["picky"].passed
    assert run.scores[1]["picky"].error == "KeyError: 'GREET BEN.'"


@pytest.mark.slow
def test_a_scorer_that_never_stops_asking_is_stopped(begin: Begin) -> None:
    run = begin(make_renderer(names=["Ada"], scorers=[ours("curious")]))
    assert asyncio.run(serve(run, "echo")) == [1001]
    assert run.errors == {0: None}


def test_a_question_is_checked_before_the_run() -> None:
    renderer = make_renderer(scorers=[ours("wrong")])
    with pytest.raises(PromptlabError, match="asks the backend 'secret', which none of its"):
        asyncio.run(check(renderer, {"echo": Echo(None, Options())}))


@scorer(asks=lambda sample: [Ask("?", backend="secret")])
def wrong(sample: Sample) -> bool:
    return True


class _Answered:
    """Trials whose answers are there already, so that only scorers ask."""

    asks_others = True

    def __init__(self, renderer: Renderer) -> None:
        self.plan = renderer.plan
        self.begun = 0
        self.next = renderer.next
        self.lane_of = renderer.lane_of

    def begin(self, trial: Trial) -> list[Turn]:
        self.begun += 1
        opened = self.next(trial, [])
        assert opened is not None
        return [opened.answered(upper(opened.request), cached=True)]


@pytest.mark.parametrize("scorers", [[ours("judged")], [ours("talked_over")], ["length"]])
def test_no_more_trials_begin_than_may_be_in_progress(begin: Begin, scorers: Scorers) -> None:
    names = [f"Ada {number}" for number in range(40)]
    renderer = make_renderer(names=names, scorers=scorers)
    run, script, most = begin(renderer, at_once=1), _Answered(renderer), 0
    run.work = TrialWork(script, run.desk, most_begun=3)
    lanes = [spec.name for spec in renderer.plan.backends]

    async def watched() -> None:
        nonlocal most
        serving = asyncio.ensure_future(serve(run, *lanes))
        while not serving.done():
            most = max(most, script.begun - len(run.ended))
            await asyncio.sleep(0)
        await serving

    asyncio.run(watched())
    assert len(run.ended) == 40
    assert most <= 5  # with one that is being graded, and one that waits for that
    assert all(score.error is None for scores in run.scores.values() for score in scores.values())
