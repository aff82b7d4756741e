"""How long each backend works in a run, and what it answers meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from promptlab.core.messages import Completion, Json, Usage
from promptlab.core.runs import BackendFacts
from promptlab.core.types import Outcome
from promptlab.core.worked import Worked
from promptlab.runner.work_time import WorkTime

FAILED = Completion(Outcome.ERROR, error="no")


def said(tokens: int | None) -> Completion:
    return Completion(Outcome.OK, "yes", Usage(output_tokens=tokens))


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_only_seconds_in_which_answers_are_awaited_count() -> None:
    clock = Clock()
    time = WorkTime(clock)
    time.asked("m", 2)
    clock.now = 30.0  # the model was loading
    time.opened("m")
    for now, tokens in ((31.0, 5), (34.0, 7)):
        clock.now = now
        time.answered("m", said(tokens))
    clock.now = 100.0  # nothing was asked meanwhile
    time.asked("m", 2)
    clock.now = 102.0
    time.answered("m", FAILED)
    clock.now = 200.0  # one is awaited in vain
    assert dict(time.done()) == {"m": Worked(2, 12, 6.0)}


def test_backends_count_apart_and_at_once() -> None:
    clock = Clock()
    time = WorkTime(clock)
    time.asked("m", 1)
    time.asked("n", 1)
    clock.now = 2.0
    time.answered("m", said(4))
    clock.now = 5.0
    time.answered("n", said(None))
    time.asked("silent", 1)
    assert dict(time.done()) == {"m": Worked(1, 4, 2.0), "n": Worked(1, None, 5.0)}


def test_rates() -> None:
    worked = Worked(30, 600, 6.0) + Worked(10, 200, 2.0)
    assert (worked.answers_per_s, worked.tokens_per_s) == (5.0, 100.0)
    assert (worked + Worked(1, None, 1.0)).tokens_per_s is None
    brief = Worked(30, 600, 0.01)
    assert (brief.answers_per_s, brief.tokens_per_s) == (None, None)


def test_facts_keep_it_and_add_it_up() -> None:
    first = BackendFacts({"model": "a"}, not_honoured=("seed",), in_batches=True)
    both = first + BackendFacts(worked=Worked(1, 2, 3.0)) + BackendFacts(worked=Worked(1, 2, 3.0))
    assert both == BackendFacts({"model": "a"}, None, ("seed",), True, Worked(2, 4, 6.0))
    assert BackendFacts.from_json(both.to_json()) == both
    assert BackendFacts.from_json({"model": "a"}).worked is None  # an older run


def test_what_a_backend_calls_so_itself_stays_its_own() -> None:
    values: tuple[Json, ...] = (
        "hard",
        3,
        {"answers": 1},
        {"answers": "1", "output_tokens": 2, "seconds": 1.0},
    )
    for own in values:
        facts = BackendFacts.from_json({"worked": own})
        assert (facts.worked, facts.details) == (None, {"worked": own})
