"""The reference values and published outcomes beside the checkout, if they are there."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from promptlab.stats.clusters import cluster_mean
from promptlab.stats.multiplicity import holm, level_of_look
from promptlab.stats.paired import bonett_price, mcnemar_exact, mcnemar_midp, paired_t
from promptlab.stats.sequential import e_binary
from promptlab.stats.tango import tango

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data")


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SHARED / "statistics_vectors.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def outcomes() -> tuple[list[str], list[int]]:
    """Return the task and the difference, chain of thought minus direct, of every case."""
    with (SHARED / "bbh" / "codex_direct_vs_cot.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["task"] for row in rows], [int(row["cot"]) - int(row["direct"]) for row in rows]


def test_mcnemar(vectors: dict[str, Any]) -> None:
    for row in vectors["mcnemar"]:
        assert mcnemar_exact(row["b"], row["c"]) == pytest.approx(row["exact"], rel=5e-6)
        assert mcnemar_midp(row["b"], row["c"]) == pytest.approx(row["midp"], rel=5e-6)


@pytest.mark.parametrize(("name", "interval"), [("tango", tango), ("bonett_price", bonett_price)])
def test_intervals(vectors: dict[str, Any], name: str, interval: Any) -> None:
    for row in vectors[name]:
        bounds = interval(row["n"], row["b"], row["c"])
        digits = 3 if row["n"] == 250 else 4  # that one is given with fewer
        assert bounds == pytest.approx((row["lo"], row["hi"]), abs=0.51 * 10**-digits)


def test_e_values(vectors: dict[str, Any]) -> None:
    for row in vectors["evalue_beta11"]:
        assert e_binary(row["w"], row["l"]) == pytest.approx(row["E"], rel=5e-5)


@pytest.mark.parametrize("test", [mcnemar_exact, mcnemar_midp])
def test_tasks_after_holm(vectors: dict[str, Any], test: Any) -> None:
    tasks = vectors["bbh_codex_direct_vs_cot"]
    counts = [(row["cot_only"], row["direct_only"]) for row in tasks.values()]
    adjusted = holm([test(b, c) for b, c in counts])
    decided = [
        (name, b > c)
        for name, (b, c), p in zip(tasks, counts, adjusted, strict=True)
        if p <= 0.05 and (tango(b + c, b, c)[0] > 0 or tango(b + c, b, c)[1] < 0)
    ]
    assert sum(cot for _, cot in decided) == 15
    assert [name for name, cot in decided if not cot] == ["word_sorting"]
    unadjusted = sum(test(b, c) <= 0.05 for b, c in counts)
    assert unadjusted == (23 if test is mcnemar_midp else 22)


def test_tasks_as_clusters(outcomes: tuple[list[str], list[int]]) -> None:
    tasks, d = outcomes
    codes = np.unique(tasks, return_inverse=True)[1]
    naive, clustered = paired_t(d), cluster_mean(d, codes)
    assert naive.se == pytest.approx(0.0073, abs=5e-5)
    assert clustered.se == pytest.approx(0.0439, abs=5e-5)
    assert clustered.mean == naive.mean
    assert (clustered.se or 0) / (naive.se or 1) == pytest.approx(6.0, rel=0.01)


def test_levels_of_looks() -> None:
    later = json.loads((SHARED / "statistics_vectors_2.json").read_text())["vectors"]
    levels, looks = later["ledger"]["cases"]
    alpha = levels["alpha"]
    held = [level_of_look(alpha, number) for number in range(1, len(levels["levels"]) + 1)]
    assert held == pytest.approx(levels["levels"])
    assert sum(level_of_look(alpha, number) for number in range(1, 60)) == pytest.approx(
        levels["total"]
    )
    for number, row in enumerate(looks["looks"], 1):
        assert level_of_look(alpha, number) == pytest.approx(row["level"])
        assert (row["p"] <= level_of_look(alpha, number)) == (row["verdict"] != "undecided")
