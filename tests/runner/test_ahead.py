from __future__ import annotations

import pytest

from promptlab.core.types import Case, Image, Message, Trial
from promptlab.runner.ahead import RenderedAhead
from promptlab.templates.template import Call
from tests.plans import renderer_of

TEXTS = (
    "Greet {{ name }}.",
    "{% user %}Draft for {{ name }}.{% enduser %}{% generate draft %}"
    "{% user %}Mend {{ draft }}.{% enduser %}",
)
CASES = [Case(name, {"name": name}, None, (), None, name) for name in ("Ada", "Ben")]


def test_what_the_check_rendered_is_asked_in_every_repeat() -> None:
    checked, fresh = (renderer_of(TEXTS, CASES, repeats=2) for _ in range(2))
    for place in range(checked.plan.size):
        checked.all_calls(checked.plan.trial(place))
    for place in range(checked.plan.size):
        trial = checked.plan.trial(place)
        assert checked.next(trial, []) == fresh.next(trial, [])


def test_only_so_many_calls_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    call = Call("answer", (Message("user", "four"),), {})
    trials = [Trial(place, 0, place, 0) for place in range(5)]
    monkeypatch.setattr("promptlab.runner.ahead._MOST_CHARACTERS", 12)
    kept = RenderedAhead()
    for trial in trials:
        kept.keep(trial, call)
    assert [kept.take(trial, 1) for trial in trials] == [call] * 3 + [None] * 2
    assert kept.take(trials[0], 1) is None  # the last of its repeats has taken it


def test_a_call_with_an_image_is_not_kept() -> None:
    kept, trial = RenderedAhead(), Trial(0, 0, 0, 0)
    kept.keep(
        trial, Call("answer", (Message("user", ("look", Image("a.png", "image/png", "b2:1"))),), {})
    )
    assert kept.take(trial, 2) is None
