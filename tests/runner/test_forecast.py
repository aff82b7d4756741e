from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from promptlab.backends import Price
from promptlab.backends.echo import Echo, Options
from promptlab.core.errors import PromptlabError
from promptlab.core.prices import prompt_range
from promptlab.core.types import (
    Case,
    Completion,
    Outcome,
    Request,
    Sampling,
    Turn,
)
from promptlab.runner.check import check
from promptlab.runner.forecast import Forecast, forecast
from promptlab.runner.requests import Renderer
from promptlab.templates.template import STAND_IN
from tests.plans import Scorers, renderer_of

PLAIN = "Greet {{ name }}."
DRAFT = """\
{% user %}Draft for {{ name }}.{% enduser %}
{% generate draft %}
{% user %}Fix: {{ draft }}{% enduser %}
"""


class Uncounted(Echo):
    """A backend of which only the server knows the token counts."""

    def count_tokens(self, request: Request) -> int | None:
        return None


class Charging(Uncounted):
    """A backend that charges, but does not say how much."""

    charges = True


class Priced(Uncounted):
    """A backend that charges, and says how much."""

    charges = True
    price = Price(1e6, 0.0)  # a dollar a token of the prompt


def make_renderer(*texts: str, cases: int = 2, repeats: int = 1, scorers: Scorers = ()) -> Renderer:
    numbered = [
        Case(f"c{place}", {"name": f"N{place}"}, None, (), None, f"d{place}")
        for place in range(cases)
    ]
    return renderer_of(texts, numbered, scorers=scorers, repeats=repeats)


class Known:
    """A store that knows some answers, and counts its look-ups."""

    def __init__(self, answers: Mapping[str, Completion] | None = None) -> None:
        self.answers = dict(answers or {})
        self.look_ups = 0

    def __call__(self, keys: Sequence[str]) -> Mapping[str, Completion]:
        self.look_ups += 1
        return {key: self.answers[key] for key in keys if key in self.answers}


def run(renderer: Renderer, stored: Known | None = None, backend: Echo | None = None) -> Forecast:
    backends = {"echo": backend or Echo(None, Options())}
    return asyncio.run(forecast(renderer, stored or Known(), backends))


class Weighing(Echo):
    """An echo that claims to report how likely answers are."""

    weighs_answers = True


def check_all(renderer: Renderer, backend: type[Echo] = Echo) -> None:
    asyncio.run(check(renderer, {"echo": backend(None, Options())}))


def first_answers(renderer: Renderer, completion: Completion) -> Known:
    """Return a store that knows the first answer of every trial."""
    known = {}
    for trial in map(renderer.plan.trial, range(renderer.plan.size)):
        ask = renderer.next(trial, [])
        assert ask is not None
        known[ask.request.key] = completion
    return Known(known)


def test_every_call_is_counted_with_its_tokens() -> None:
    result = run(make_renderer(PLAIN, "Please greet {{ name }} now.", cases=3, repeats=2))
    plain, polite = result.arms
    assert (plain.trials, plain.calls, plain.stored) == (6, 6, 0)
    assert (plain.prompt_tokens, polite.prompt_tokens) == (12, 24)
    assert plain.exact
    assert (result.calls, result.stored) == (12, 0)
    assert result.missing is not None
    assert result.missing.seq == 0


def test_a_prompt_that_holds_an_answer_to_come_is_not_exact() -> None:
    [arm] = run(make_renderer(DRAFT)).arms
    assert (arm.trials, arm.calls, arm.exact) == (2, 4, False)


def test_stored_answers_are_walked_on_from() -> None:
    renderer = make_renderer(DRAFT, cases=1)
    stored = first_answers(renderer, Completion(Outcome.OK, "Dear N0"))
    [arm] = run(renderer, stored).arms
    assert (arm.calls, arm.stored) == (2, 1)
    assert arm.prompt_tokens == len(["Draft", "for", "N0.", "Dear", "N0", "Fix:", "Dear", "N0"])
    assert arm.exact


def test_all_stored_misses_nothing() -> None:
    renderer = make_renderer(PLAIN)
    result = run(renderer, first_answers(renderer, Completion(Outcome.OK, "x")))
    assert (result.calls, result.stored, result.missing) == (2, 2, None)
    assert result.arms[0].prompt_tokens == 0


def test_a_stored_answer_that_the_template_cannot_go_on_from_ends_its_trial() -> None:
    renderer = make_renderer(DRAFT.replace("{{ draft }}", "{{ 1 // (draft | length) }}"))
    result = run(renderer, first_answers(renderer, Completion(Outcome.EMPTY)))
    assert (result.calls, result.stored, result.missing) == (2, 2, None)


def test_what_another_trial_asks_too_is_asked_once() -> None:
    result = run(make_renderer(DRAFT, DRAFT + "\n"))
    first, second = result.arms
    assert (first.calls, first.stored) == (4, 0)
    assert (second.calls, second.stored, second.prompt_tokens) == (4, 4, 0)


def test_unknown_tokens_stay_unknown() -> None:
    [arm] = run(make_renderer(PLAIN), backend=Uncounted(None, Options())).arms
    assert arm.prompt_tokens is None
    assert not arm.exact


QUOTES = DRAFT + "{% generate fixed %}\n{% user %}{{ draft }} or {{ fixed }}?{% enduser %}\n"


@pytest.mark.parametrize(("text", "held"), [(PLAIN, 0), (DRAFT, 2), (QUOTES, 2 + 5)])
def test_an_answer_to_come_may_be_as_long_as_is_allowed(text: str, held: int) -> None:
    """Each answer appears in all later prompts, and wherever a template quotes it."""
    renderer = make_renderer(text, cases=1)
    trial, turns, low, high = renderer.plan.trial(0), list[Turn](), 0, 0
    while (ask := renderer.next(trial, turns)) is not None:
        bounds = prompt_range(ask.request)
        low, high = low + bounds.low, high + bounds.high
        turns.append(ask.answered(Completion(Outcome.OK, STAND_IN), cached=False))
    [arm] = run(renderer, backend=Priced(None, Options())).arms
    assert arm.input_tokens.high == high + held * Sampling().max_tokens
    assert 0 < arm.input_tokens.low <= low - 4 * held
    assert arm.cost_usd is not None
    assert arm.cost_usd[1] == pytest.approx(arm.input_tokens.high)


def test_a_backend_that_charges_without_a_price_is_reported() -> None:
    renderer = make_renderer(PLAIN)
    assert run(renderer, backend=Charging(None, Options())).arms[0].unpriced
    assert not run(renderer, backend=Uncounted(None, Options())).arms[0].unpriced
    stored = first_answers(renderer, Completion(Outcome.OK, "x"))
    assert not run(renderer, stored, Charging(None, Options())).arms[0].unpriced


def test_the_store_is_asked_for_many_keys_at_once() -> None:
    stored = Known()
    run(make_renderer(PLAIN, cases=1500), stored)
    assert stored.look_ups < 10


def test_check_finds_a_mistake_of_any_case() -> None:
    renderer = make_renderer(
        "Greet {{ name }}{{ 1 // (name | length - 2) }}{{ names[0] if name == 'N1' }}"
    )
    with pytest.raises(PromptlabError, match="in case 'c0'"):
        check_all(renderer)


def test_check_looks_behind_the_answers() -> None:
    renderer = make_renderer(DRAFT.replace("Fix: {{ draft }}", "Fix: {{ drft }}"))
    with pytest.raises(PromptlabError, match="'drft' is undefined, in case 'c0'") as caught:
        check_all(renderer)
    assert caught.value.where == "templates/greet/v1.j2:3"


def test_check_fills_every_scorer_in() -> None:
    with pytest.raises(PromptlabError, match=r"scorer 'exact_match', .*case 'c0'"):
        check_all(make_renderer(PLAIN, scorers=["exact_match"]))
    check_all(make_renderer(PLAIN, scorers=[{"exact_match": {"target": "{{ name }}"}}]))


def test_an_interruption_works_while_looking_ahead() -> None:
    renderer = make_renderer(PLAIN, cases=5_000)
    stored = Known()

    async def interrupted() -> bool:
        task = asyncio.ensure_future(forecast(renderer, stored, {"echo": Echo(None, Options())}))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(interrupted())
    assert stored.look_ups == 1  # of five chunks


def test_a_scorer_that_weighs_answers_needs_a_backend_that_does() -> None:
    with pytest.raises(
        PromptlabError, match="'mean_logprob' asks for the likelihood of given answers"
    ):
        check_all(make_renderer(PLAIN, scorers=[{"mean_logprob": {"text": "yes"}}]))


def test_what_is_asked_aside_is_forecast_too() -> None:
    scorers: list[str | dict[str, Any]] = ["exact_match", {"mean_logprob": {"text": "yes"}}]
    [arm] = run(make_renderer(PLAIN, cases=3, scorers=scorers)).arms
    assert (arm.trials, arm.calls, arm.exact) == (3, 6, True)
    assert arm.output_tokens.high == 3 * Sampling().max_tokens
    [drafted] = run(make_renderer(QUOTES, cases=3, scorers=scorers)).arms
    assert not drafted.exact


def test_texts_that_cannot_be_weighed_are_found_before_the_run() -> None:
    renderer = make_renderer(PLAIN, scorers=[{"mean_logprob": {"text": ""}}])
    with pytest.raises(PromptlabError, match="case 'c0': there is an empty answer to weigh"):
        check_all(renderer, Weighing)
