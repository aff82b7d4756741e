"""A store in a temporary folder, and small plans and results to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from promptlab.core.digest import digest_json, digest_text
from promptlab.core.types import (
    Arm,
    BackendSpec,
    Case,
    Completion,
    Json,
    Message,
    Outcome,
    Plan,
    Request,
    Sampling,
    Score,
    ScorerSpec,
    TemplateSource,
    TrialResult,
    Turn,
    Usage,
)
from promptlab.store import Store


class Clock:
    """A clock that advances by one second whenever it is read."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def _template(version: str, source: str) -> TemplateSource:
    includes = {"_shared/rules.j2": "Be brief."}
    digest = digest_json({"source": source, "includes": includes})
    return TemplateSource("sentiment", version, source, includes, digest)


def _case(case_id: str, group: str | None) -> Case:
    content: dict[str, Json] = {
        "id": case_id,
        "vars": {"review": f"Good: {case_id}", "a": [1, {"z": 0, "b": None}]},
        "expect": "positive",
        "tags": ["short"],
        "group": group,
    }
    variables = content["vars"]
    assert isinstance(variables, dict)
    return Case(case_id, variables, "positive", ("short",), group, digest_json(content))


def build_plan(
    cases: int = 3,
    repeats: int = 1,
    versions: tuple[str, ...] = ("v1", "v2"),
    scorers: tuple[str, ...] = ("exact_match",),
    group: str | None = None,
    text: str = "{{ review }}",
) -> Plan:
    identity: dict[str, Json] = {"kind": "echo", "model": "tiny"}
    backend = BackendSpec("small", "echo", "tiny", {"pace": 1}, identity, digest_json(identity))
    templates = tuple(_template(version, f"{text} {version}") for version in versions)
    sampling = Sampling(stop=("\n",), seed=7)
    return Plan(
        suite="sentiment",
        arms=tuple(
            Arm("sentiment", t.version, t.digest, ("clear", "role"), ("role",), "small", sampling)
            for t in templates
        ),
        cases=tuple(_case(f"c{number}", group) for number in range(cases)),
        repeats=repeats,
        seed=1,
        scorers=tuple(ScorerSpec(label, "exact_match", "1", {"target": "x"}) for label in scorers),
        primary=scorers[0] if scorers else "",
        grade=None,
        templates=templates,
        backends=(backend,),
        split="dev",
        gates=("exact_match >= 0.5",),
        assets="data",
    )


def build_turn(
    key: str, text: str = "positive", *, error: str | None = None, cached: bool = False
) -> Turn:
    messages = (Message("system", "Label."), Message("user", f"Review {key}"))
    request = Request(digest_text(key), messages, Sampling(seed=3))
    if error is not None:
        return Turn("answer", request, Completion(Outcome.ERROR, error=error), cached)
    usage = Usage(input_tokens=10, output_tokens=2)
    completion = Completion(Outcome.OK, text, usage, 0.5, "tiny-1", "stop", 0.25)
    return Turn("answer", request, completion, cached)


def build_result(
    plan: Plan, seq: int, turn: Turn | None = None, score: Score | None = None
) -> TrialResult:
    """Return a trial that ended: answered and scored, or failed if its turn did."""
    turn = turn or build_turn(f"key {seq}")
    completion = turn.completion
    if completion.outcome is Outcome.ERROR:
        return TrialResult(
            plan.trial(seq), (turn,), None, Outcome.ERROR, completion.error, scores={}
        )
    scores = {spec.label: score or Score(1.0, passed=True) for spec in plan.scorers}
    return TrialResult(plan.trial(seq), (turn,), 0, completion.outcome, None, scores)


@pytest.fixture
def make_plan() -> Callable[..., Plan]:
    return build_plan


@pytest.fixture
def make_turn() -> Callable[..., Turn]:
    return build_turn


@pytest.fixture
def make_result() -> Callable[..., TrialResult]:
    return build_result


@pytest.fixture
def clock() -> Callable[[], datetime]:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "promptlab.db"


@pytest.fixture
def store(path: Path, clock: Callable[[], datetime]) -> Iterator[Store]:
    with Store.open(path, clock) as opened:
        yield opened
