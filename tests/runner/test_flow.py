"""The flow of a run, with a real store and backends that count their requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptlab.backends import Backend, Capacity
from promptlab.backends.echo import Echo, Options
from promptlab.core.digest import digest_json, template_digest
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.runs import BackendFacts, RunSettings
from promptlab.core.types import (
    Arm,
    BackendSpec,
    Case,
    Completion,
    Json,
    Outcome,
    Plan,
    Request,
    TemplateSource,
    TrialResult,
    Turn,
)
from promptlab.core.wanted import ResultFilter
from promptlab.core.watch import NullWatch, Watch
from promptlab.executors import Work
from promptlab.executors.local import LocalExecutor
from promptlab.runner.flow import Job, finish, start
from promptlab.scorers.binding import bind
from promptlab.scorers.sample import Sample
from promptlab.store import Store
from promptlab.templates.template import Template

PAPER: Mapping[str, Json] = {"device": "paper"}
NAMES = ("Ada", "Ben", "Eve", "Joe", "Kim")
PLAIN = "Greet {{ name }}."
DRAFT = """\
{% user %}Draft for {{ name }}.{% enduser %}
{% generate draft %}
{% user %}What is wrong with it?{% enduser %}
{% generate critique %}
{% user %}Rewrite it, minding: {{ critique }}{% enduser %}
"""


class Counting(Echo):
    """An echo that counts, takes its time, and can break down."""

    def __init__(self, fail: str | None = None, breaks_after: int | None = None) -> None:
        super().__init__(None, Options(fail=fail, delay_s=0.001))
        self.requested: list[str] = []
        self.opened = 0
        self.closed = 0
        self.breaks_after = breaks_after

    @property
    def capacity(self) -> Capacity:
        return Capacity(2, 3)

    async def open(self) -> Mapping[str, Json]:
        self.opened += 1
        return PAPER

    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        async for request, completion in super().generate(requests):
            if self.breaks_after is not None and len(self.requested) >= self.breaks_after:
                raise BackendError("the model fell over", hint="lift it up")
            self.requested.append(request.key)
            yield request, completion

    async def close(self) -> None:
        self.closed += 1


class Witness(NullWatch):
    """Records the events of a run."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.results: list[TrialResult] = []
        self.events: list[str] = []

    def begun(self, done: int) -> None:
        self.events.append(f"begun after {done}")

    def opening(self, backend: str, notice: str | None) -> None:
        self.events.append(f"opening {backend}")

    def opened(self, backend: str) -> None:
        self.events.append(f"opened {backend}")

    def failed(self, backend: str, error: BackendError) -> None:
        self.events.append(f"failed {backend}")

    def left_open(self, backend: str, error: PromptlabError) -> None:
        self.events.append(f"{backend} was left open: {error}")

    def waiting(self, backend: str, text: str) -> None:
        self.events.append(f"{backend}: {text}")

    def draining(self, calls: int) -> None:
        self.events.append(f"{calls} in flight")

    def not_honoured(self, backend: str, lines: Sequence[str]) -> None:
        self.events += [f"{backend}: {line}" for line in lines]

    def answered(self, turn: Turn) -> None:
        self.turns.append(turn)

    def finished(self, result: TrialResult) -> None:
        self.results.append(result)


async def patient(sample: Sample) -> float:
    await asyncio.sleep(0)
    return float(len(sample.turns))


def fragile(sample: Sample) -> bool:
    raise LookupError(f"no manners in {sample.case.id}")


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "promptlab.db", now) as opened:
        yield opened


def make_case(name: str) -> Case:
    content: dict[str, Json] = {"vars": {"name": name}, "expect": None, "tags": [], "group": None}
    return Case(name, {"name": name}, None, (), None, digest_json({"id": name, **content}))


def make_job(
    store: Store,
    *texts: str,
    backend: Echo | None = None,
    scorers: Sequence[str] = (),
    grade: str | None = None,
) -> Job:
    sources = [
        TemplateSource("greet", f"v{place}", text, {}, template_digest(text, {}))
        for place, text in enumerate(texts, 1)
    ]
    backend = backend or Counting()
    digest = digest_json(backend.identity())
    length = {"length": {"unit": "words", "max": 3}}
    bound = bind([length, *(f"{__name__}:{name}" for name in scorers)])
    plan = Plan(
        suite="greet",
        arms=tuple(Arm(s.name, s.version, s.digest, (), (), "echo") for s in sources),
        cases=tuple(map(make_case, NAMES)),
        repeats=1,
        seed=1,
        scorers=tuple(scorer.spec for scorer in bound),
        primary="length",
        grade=grade,
        templates=tuple(sources),
        backends=(BackendSpec("echo", "echo", None, {}, backend.identity(), digest),),
        split="all",
        gates=(),
        assets=".",
    )
    templates = {source.digest: Template(source) for source in sources}
    return Job("run-1", plan, templates, {"echo": backend}, bound, store, LocalExecutor(), Path())


def carry_out(job: Job) -> Witness:
    watch = Witness()
    asyncio.run(start(job, watch, RunSettings()))
    return watch


def resume(job: Job) -> Witness:
    watch = Witness()
    job.store.resume_run(job.run_id)
    asyncio.run(finish(job, watch))
    return watch


def counting(job: Job) -> Counting:
    backend = job.backends["echo"]
    assert isinstance(backend, Counting)
    return backend


def test_a_run_is_generated_scored_and_stored(store: Store) -> None:
    job = make_job(store, PLAIN, "Please greet {{ name }} now.", scorers=["patient"])
    watch = carry_out(job)
    assert len(watch.turns) == len(watch.results) == 10
    assert watch.events == ["begun after 0", "opening echo", "opened echo"]
    info = store.run("run-1")
    assert (info.status, info.stored) == ("finished", 10)
    assert info.facts["echo"].details["device"] == "paper"
    stored = list(store.results("run-1"))
    assert len(stored) == 20
    assert {(r.scorer, r.score) for r in stored if r.version == "v1"} == {
        ("length", 1.0),
        ("patient", 1.0),
    }
    assert counting(job).closed == 1
    assert store.verify() == []


def test_a_run_needs_nobody_who_watches(store: Store) -> None:
    asyncio.run(start(make_job(store, PLAIN), NullWatch(), RunSettings()))
    assert store.run("run-1").status == "finished"


def test_versions_of_equal_text_share_every_generation(store: Store) -> None:
    job = make_job(store, DRAFT, DRAFT + "\n")
    watch = carry_out(job)
    assert len(counting(job).requested) == len(set(counting(job).requested)) == 15  # of 30
    assert len(watch.turns) == 15
    assert len(watch.results) == 10
    assert store.stats().rows["generations"] == 15
    assert store.verify() == []


def test_an_answer_on_its_way_into_the_store_is_not_asked_for_again(store: Store) -> None:
    """The second version asks at its second turn what the first asked at its first."""
    detour = (
        "{% if name == 'Ada' %}{% user %}Hm.{% enduser %}{% endif %}"
        "{% if name != 'Ada' %}{% user %}Greet {{ name }}.{% enduser %}{% endif %}"
    )
    job = make_job(store, PLAIN, detour)
    carry_out(job)
    assert len(counting(job).requested) == len(set(counting(job).requested)) == 6


def test_a_draft_is_criticised_and_rewritten(store: Store) -> None:
    job = make_job(store, DRAFT, scorers=["patient"])
    watch = carry_out(job)
    assert all(len(result.turns) == 3 and result.graded == 2 for result in watch.results)
    turns = store.conversation("run-1", 0)
    assert [turn.name for turn in turns] == ["draft", "critique", "answer"]
    roles = [message.role for message in turns[2].request.messages]
    assert roles == ["user", "assistant", "user", "assistant", "user"]
    assert turns[2].completion.text == "Rewrite it, minding: What is wrong with it?"


def test_the_last_of_several_answers_of_a_name_is_graded(store: Store) -> None:
    rounds = (
        "{% for round in range(3) %}{% user %}Round {{ round }}, {{ name }}{% enduser %}"
        "{% generate draft %}{% endfor %}{% user %}Bye{% enduser %}"
    )
    watch = carry_out(make_job(store, rounds, grade="draft"))
    assert {result.graded for result in watch.results} == {2}
    assert {result.turns[2].completion.text[:7] for result in watch.results} == {"Round 2"}


def test_a_scorer_that_raises_is_recorded_and_the_run_goes_on(store: Store) -> None:
    carry_out(make_job(store, PLAIN, scorers=["patient", "fragile"]))
    assert store.run("run-1").status == "finished"
    failed = list(store.results("run-1", ResultFilter(errors=True)))
    assert [(r.scorer, r.score, r.error) for r in failed] == [
        ("fragile", None, f"LookupError: no manners in {name}") for name in NAMES
    ]
    raised = store.tracebacks("run-1", 0)
    assert set(raised) == {"fragile"}
    assert "in fragile" in raised["fragile"]
    scores = {entry.scorer: (entry.n_scores, entry.failed) for entry in store.arm_scores("run-1")}
    assert scores == {"length": (5, 0), "patient": (5, 0), "fragile": (0, 5)}


def test_a_failed_trial_is_data_and_is_tried_again(store: Store) -> None:
    job = make_job(store, PLAIN, backend=Counting(fail="Ben"))
    watch = carry_out(job)
    [failed] = [result for result in watch.results if result.outcome is Outcome.ERROR]
    assert (failed.error, failed.scores, failed.graded) == ("told to fail on 'Ben'", {}, None)
    assert store.run("run-1").status == "finished"
    repaired = replace(job, backends={"echo": Counting()})
    again = resume(repaired)
    assert [result.trial.seq for result in again.results] == [1]
    assert store.run("run-1").outcomes[Outcome.ERROR] == 0
    assert store.verify() == []


def test_a_backend_that_breaks_down_leaves_what_was_measured(store: Store) -> None:
    job = make_job(store, PLAIN, backend=Counting(breaks_after=3))
    with pytest.raises(BackendError, match="the model fell over"):
        carry_out(job)
    assert counting(job).closed == 1
    info = store.run("run-1")
    assert (info.status, info.stored) == ("interrupted", 3)
    repaired = replace(job, backends={"echo": Counting()})
    resume(repaired)
    assert len(counting(repaired).requested) == 2
    assert not set(counting(job).requested) & set(counting(repaired).requested)
    assert store.run("run-1").status == "finished"
    assert store.verify() == []


def test_what_is_stored_opens_no_backend(store: Store) -> None:
    job = make_job(store, PLAIN)
    carry_out(job)
    again = replace(job, run_id="run-2", backends={"echo": Counting()})
    watch = carry_out(again)
    assert (watch.turns, watch.events, counting(again).opened) == ([], ["begun after 0"], 0)
    assert all(turn.cached for result in watch.results for turn in result.turns)


def test_fresh_measures_again_and_its_resume_keeps_that(store: Store) -> None:
    job = make_job(store, PLAIN)
    carry_out(job)
    broken = Counting(breaks_after=2)
    fresh = replace(job, run_id="run-2", fresh=True, backends={"echo": broken})
    with pytest.raises(BackendError):
        carry_out(fresh)
    repaired = replace(fresh, backends={"echo": Counting()})
    resume(repaired)
    assert len(counting(fresh).requested) + len(counting(repaired).requested) == 5


def test_offline_begins_no_run_unless_all_is_stored(store: Store) -> None:
    job = replace(make_job(store, PLAIN), offline=True)
    with pytest.raises(PromptlabError, match="5 of 5 answers are not stored") as caught:
        carry_out(job)
    assert "greet@v1 on echo to case 'Ada'" in caught.value.message
    assert store.runs() == []
    carry_out(replace(job, offline=False))
    carry_out(replace(job, run_id="run-2"))
    assert len(counting(job).requested) == 5


class Idle:
    """An executor that leaves all work undone."""

    async def execute(self, work: Work, backends: Mapping[str, Backend], watch: Watch) -> None:
        for name in backends:
            await work.take(name, 1)


def test_a_run_with_trials_missing_is_not_called_finished(store: Store) -> None:
    job = make_job(store, PLAIN)
    with pytest.raises(PromptlabError, match="5 of 5 trials were never carried out"):
        carry_out(replace(job, executor=Idle()))
    assert store.run("run-1").status == "interrupted"
    resume(job)
    assert store.run("run-1").status == "finished"


def test_facts_of_a_backend_are_kept_when_it_opens(store: Store) -> None:
    job = make_job(store, PLAIN, backend=Counting(breaks_after=0))
    with pytest.raises(BackendError):
        carry_out(job)
    facts = BackendFacts({**Echo(None, Options()).identity(), **PAPER}, in_batches=True)
    assert store.run("run-1").facts == {"echo": facts}


def test_an_offline_run_never_opens_a_backend(store: Store) -> None:
    job = make_job(store, PLAIN, backend=Counting(breaks_after=2))
    with pytest.raises(BackendError):
        carry_out(job)
    backend = Counting()
    with pytest.raises(PromptlabError, match="an answer of backend 'echo' is not stored"):
        resume(replace(job, backends={"echo": backend}, offline=True))
    assert (backend.opened, backend.requested) == (0, [])
