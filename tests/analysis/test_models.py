"""How many models answered: by weights, else by kind and id, else by the backend's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from promptlab.analysis.measurements import Measurements, join
from promptlab.analysis.models import by_model
from promptlab.core.messages import Json
from tests.analysis.measured_runs import measured_arm, measured_run, run_info


def served(facts: Mapping[str, Json], reported: Mapping[str, str] | None = None) -> Measurements:
    arms = [
        replace(
            measured_arm("v1", backend=name),
            models=frozenset([(reported or {})[name]] if name in (reported or {}) else []),
        )
        for name in facts
    ]
    run = measured_run([[1.0, 0.0]] * len(arms), arms=arms)
    return join([replace(run, info=run_info(len(run.rows), facts=facts))])


def models(table: Measurements) -> list[tuple[str, ...]]:
    return list(by_model(table, dict.fromkeys(arm.arm.backend for arm in table.arms)).values())


def test_reference() -> None:
    table = served({
        "a": {"kind": "openai", "model": "m", "url": "u1"},
        "b": {"kind": "openai", "model": "m", "url": "u2"},
        "c": {"kind": "hf", "model": "x", "revision": "w1"},
        "d": {"kind": "ollama", "model": "x:q", "digest": "w1"},
        "e": {"imported": "e"},
    })  # fmt: skip
    assert models(table) == [("a", "b"), ("c", "d"), ("e",)]


def test_what_a_server_reports_goes_before_what_it_was_asked_for() -> None:
    facts: dict[str, Json] = {
        name: {"kind": "openai", "model": name} for name in ("latest", "dated", "other")
    }
    reported = {"latest": "m-2026-01", "dated": "m-2026-01", "other": "m-2025-07"}
    assert models(served(facts, reported)) == [("latest", "dated"), ("other",)]


def test_kinds_and_adapters_make_other_models() -> None:
    table = served({
        "a": {"kind": "openai", "model": "m"},
        "b": {"kind": "anthropic", "model": "m"},
        "c": {"kind": "hf", "model": "x", "revision": "w1"},
        "d": {"kind": "hf", "model": "x", "revision": "w1", "adapter": "l1"},
        "e": {"kind": "hf", "model": "y", "revision": "w1", "dtype": "bfloat16", "device": "cpu"},
    })  # fmt: skip
    assert models(table) == [("a",), ("b",), ("c", "e"), ("d",)]


def test_backends_of_which_nothing_is_known_are_told_apart_by_name() -> None:
    assert models(served({"a": {}, "b": {"kind": "mine"}})) == [("a",), ("b",)]
