"""What differs besides the prompt, and what weakens a verdict without stopping it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from promptlab.core.measured import MeasuredRun
from promptlab.core.types import Json, Sampling

from .measured_runs import (
    CLEAR,
    binary_scores,
    concluded,
    measured_arm,
    measured_run,
    run_info,
    texts,
    versions,
)


def warned(run: MeasuredRun | Sequence[MeasuredRun]) -> tuple[str, ...]:
    return texts(concluded(run).warnings)


def test_sampling_that_differs() -> None:
    arms = [
        measured_arm("v1"),
        measured_arm("v2", sampling=Sampling(temperature=0.7, stop=("\n",), seed=3)),
    ]
    assert warned(measured_run(CLEAR, arms=arms)) == (
        "sampling differs: temperature 0.0 and 0.7",
        "sampling differs: stop none and ('\\n',)",
        "sampling differs: seed none and 3",
    )


def test_models_and_server_configurations_that_differ() -> None:
    first, second = versions(2)
    arms = [
        replace(first, models=frozenset({"m-1"}), fingerprints=frozenset({"fp1"})),
        replace(second, models=frozenset({"m-2"}), fingerprints=frozenset({"fp2"})),
    ]
    assert warned(measured_run(CLEAR, arms=arms)) == (
        "the model differs: m-1 and m-2",
        "the server's configuration differs: fp1 and fp2",
    )
    assert warned(measured_run(CLEAR, arms=[arms[0], replace(second, models=frozenset())])) == ()


def test_several_models_behind_one_name() -> None:
    models = frozenset({"m-1", "m-2"})
    arms = [replace(arm, models=models) for arm in versions(2)]
    assert warned(measured_run(CLEAR, arms=arms)) == (
        "several models answered t@v1: m-1, m-2",
        "several models answered t@v2: m-1, m-2",
    )


def test_what_was_not_honoured_is_reported_once() -> None:
    arms = [replace(arm, warnings=frozenset({"seed"})) for arm in versions(2)]
    run = measured_run(CLEAR, arms=arms)
    facts: dict[str, Json] = {"small": {"not_honoured": ["seed", "top_p"]}}
    run = replace(run, info=run_info(80, facts=facts))
    assert warned(run) == ("not honoured: seed", "not honoured: top_p")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            {"small": {"batch_size": 4, "revision": "a"}},
            {"small": {"batch_size": 8, "revision": "a"}},
            ("batch_size of small differs: 4 and 8",),
        ),
        ({"small": {"batch_size": 4}}, {"large": {"batch_size": 8}}, ()),
        ({"small": "unreadable"}, {"small": {"batch_size": 8}}, ()),
        ({"small": {"not_honoured": "seed"}}, {}, ()),
    ],
)
def test_facts_of_backends_that_differ(
    first: Mapping[str, Json], second: Mapping[str, Json], expected: tuple[str, ...]
) -> None:
    arms = versions(2)
    runs = [
        replace(
            measured_run([CLEAR[at]], arms=arms[at : at + 1], number=at + 1),
            info=run_info(40, number=at + 1, facts=dict(facts)),
        )
        for at, facts in enumerate((first, second))
    ]
    assert warned(runs) == expected


def test_cases_for_development() -> None:
    run = replace(measured_run(CLEAR), split="dev")
    text = "these are the cases for development: confirm it with --split holdout"
    assert warned(run) == (text,)


def test_answers_that_were_cut_off() -> None:
    run = measured_run(CLEAR, cut_off=lambda arm, case: arm == 1 and case < 4)
    assert warned(run) == ("10 % of the answers of t@v2 were cut off",)
    assert warned(measured_run(binary_scores(30, 5, 65), cut_off=lambda arm, case: case < 2)) == ()
