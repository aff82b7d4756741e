"""Plans made of template texts, and the renderers of their trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from promptlab.core.digest import template_digest
from promptlab.core.types import Arm, BackendSpec, Case, Plan, Sampling, TemplateSource
from promptlab.runner.requests import Renderer
from promptlab.scorers.binding import bind
from promptlab.templates.judge_prompts import JudgePrompts
from promptlab.templates.template import Template

GREEDY = Sampling()
Scorers = Sequence[str | dict[str, Any]]


def renderer_of(
    texts: Sequence[str],
    cases: Sequence[Case],
    *,
    scorers: Scorers = (),
    backends: Sequence[str] = ("echo",),
    **settings: Any,
) -> Renderer:
    """Return a renderer of versions `greet@v1`, `greet@v2`, ... of these texts on every backend.

    `settings` are `repeats`, `sampling` and `grade`; once, greedy and the last answer without.
    """
    sources = [
        TemplateSource("greet", f"v{place}", text, {}, template_digest(text, {}))
        for place, text in enumerate(texts, 1)
    ]
    sampling = settings.get("sampling", GREEDY)
    arms = tuple(
        Arm(source.name, source.version, source.digest, (), (), backend, sampling)
        for backend in backends
        for source in sources
    )
    bound = bind(scorers, prompts=JudgePrompts())
    named = dict.fromkeys([*backends, *(name for scorer in bound for name in scorer.backends)])
    plan = Plan(
        suite="s",
        arms=arms,
        cases=tuple(cases),
        repeats=settings.get("repeats", 1),
        seed=1,
        scorers=tuple(scorer.spec for scorer in bound),
        primary=bound[0].spec.label if bound else "",
        grade=settings.get("grade"),
        templates=tuple(sources),
        backends=tuple(BackendSpec(name, "echo", name, {}, {}, name) for name in named),
        split="all",
        gates=(),
        assets=".",
    )
    return Renderer(plan, {source.digest: Template(source) for source in sources}, Path(), bound)
