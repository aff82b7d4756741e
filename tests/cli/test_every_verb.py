"""Projects drawn at random: whichever verb is asked about a pair, the answer is the same."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from promptlab import open_project

from .conftest import Promptlab
from .drawn import lay_out, suite, version, write

CASES = 48
DECIDING = ("", "[compare]\nmin_effect = 0.05\n", "[compare]\nstrict = true\n")
OTHER_WAY = {"better": "worse", "worse": "better"}
DECIDES = ("n", "p", "p_family", "ci", "ci_simultaneous", "delta", "verdict")
SAME = (*DECIDES, "p_adjusted", "won", "lost", "notes", "reasons")
INTERVALS = ("ci", "ci_simultaneous")
MODELS = {"a": 3, "b": 5, "c": 7}

# Two that draw two and three versions run always, the others, with up to five, in the slow tests.
SEEDS = [1, 6, *(pytest.param(s, marks=pytest.mark.slow) for s in (0, *range(2, 6), *range(7, 12)))]


def drawn_project(root: Path, seed: int) -> list[str]:
    """Lay out versions that are right on cases drawn at random; return their names."""
    chance = np.random.default_rng([seed, 13])  # noqa: TID251 - seeded
    hard = chance.random(CASES)
    names = [f"v{place}" for place in range(1, int(chance.integers(2, 6)) + 1)]
    versions = {}
    for name in names:
        shift = chance.choice([0.0, 0.0, 0.2, 0.5])
        noise = chance.choice([0.02, 0.3])
        right = hard + noise * chance.standard_normal(CASES) < 0.5 + shift
        versions[name] = version(",".join(f"{rank}-{rank}" for rank in np.flatnonzero(right)), name)
    group = 4 if seed % 4 == 3 else 1
    lay_out(root, versions, suite(CASES, group=group))
    write(root, "promptlab.toml", DECIDING[seed % 3])
    return [f"task@{name}" for name in names]


def compared(promptlab: Promptlab, *words: str) -> dict[tuple[str, str], dict[str, Any]]:
    ran = promptlab("compare", "--json", *words)
    assert ran.code == 0, ran.err
    return {(row["a"], row["b"]): row for row in json.loads(ran.out)["comparisons"]}


def turned(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row says of the pair the other way round."""
    mirrored = {
        name: None if row[name] is None else [-row[name][1], -row[name][0]] for name in INTERVALS
    }
    return {
        **{name: row[name] for name in SAME},
        **mirrored,
        "delta": -row["delta"],
        "verdict": OTHER_WAY.get(row["verdict"], row["verdict"]),
        "won": row["lost"],
        "lost": row["won"],
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_every_verb_says_the_same_of_a_pair(project: Path, promptlab: Promptlab, seed: int) -> None:
    names = drawn_project(project, seed)
    assert promptlab("run", "task", "-t", "task@*").code == 0
    rows = compared(promptlab)
    assert len(rows) == len(names) * (len(names) - 1) // 2
    told = {**{pair[::-1]: turned(row) for pair, row in rows.items()}, **rows}
    ours = open_project(project)
    for a, b in permutations(names, 2):
        by_diff = json.loads(promptlab("diff", a, b, "--json").out)["measured"]
        by_api = ours.diff(a, b).to_dict()["measured"]
        assert by_api == by_diff
        [found] = by_diff
        for name in SAME:
            expected = told[a, b][name]
            near = isinstance(expected, float) or name in INTERVALS
            assert found[name] == (pytest.approx(expected) if near else expected), name
    in_api = ours.compare().to_dict()["comparisons"]
    assert in_api == list(rows.values())
    assert compared(promptlab) == rows  # asking again changes nothing


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_gate_holds_where_compare_says_better(
    project: Path, promptlab: Promptlab, seed: int
) -> None:
    names = drawn_project(project, seed)
    gates = [f"{b} > {a}" for a, b in permutations(names, 2)]
    words = [word for gate in gates for word in ("--gate", gate)]
    ran = promptlab("run", "task", "-t", "task@*", "--json", *words)
    assert ran.code in (0, 1), ran.err
    judged = {gate["gate"]: gate for gate in json.loads(ran.out)["gates"]}
    rows = compared(promptlab)
    told = {**{pair[::-1]: turned(row) for pair, row in rows.items()}, **rows}
    for a, b in permutations(names, 2):
        gate = judged[f"{b} > {a}"]
        assert gate["holds"] is (told[a, b]["verdict"] == "better")
        if not gate["holds"]:
            [finding] = gate["findings"]
            assert finding["verdict"] == told[a, b]["verdict"]
            assert finding["delta"] == pytest.approx(told[a, b]["delta"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_practice_that_rests_on_a_pair_is_that_pair(
    project: Path, promptlab: Promptlab, seed: int
) -> None:
    chance = np.random.default_rng([seed, 17])  # noqa: TID251 - seeded
    names = list(MODELS)[: 1 + seed % 3]
    first, second = (
        ",".join(f"{rank}-{rank}" for rank in np.flatnonzero(chance.random(CASES) < share))
        for share in (0.5, chance.choice([0.5, 0.7, 0.9]))
    )
    versions = {
        "v1": version(first, "v1"),
        "v2": "---\npractices: [clear]\n---\n" + version(second, "v2"),
    }
    text = suite(CASES, scorer="drawn_checks:by_model")
    lay_out(project, versions, text.replace("[echo]", f"[{', '.join(names)}]"))
    models = [f'[backends.{name}]\nkind = "echo"\nmodel = "{MODELS[name]}"' for name in names]
    write(project, "promptlab.toml", DECIDING[seed % 2] + "\n".join(models))
    assert promptlab("run", "task", "-t", "task@*").code == 0
    rows = json.loads(promptlab("compare", "--json").out)["comparisons"]
    by_backend = {row["backend"]: row for row in rows if row["backend"] is not None}
    practices = json.loads(promptlab("practices", "--json").out)["practices"]
    on_models = [one for one in practices if one["scope"] == "model"]
    assert {one["backend"] for one in on_models} == set(names)
    for one in on_models:
        row = by_backend[one["backend"]]
        assert {name: one[name] for name in DECIDES} == {name: row[name] for name in DECIDES}
