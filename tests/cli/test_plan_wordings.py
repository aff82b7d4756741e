"""`promptlab plan` after a pilot of several wordings: how many of them the effect takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab
from .drawn import lay_out, suite, version

# A practice whose four wordings bring between none and all of the cases from 20 on.
GAINS = (0, 4, 10, 16)


def pilot(project: Path, promptlab: Promptlab, gains: tuple[int, ...] = GAINS) -> None:
    """Run versions with a practice, each with and without it."""
    texts = {
        f"v{place}": version(
            "0-19", f'{{% practice "clear" %}}Also 20-{19 + gain}, {place}.{{% endpractice %}}'
        )
        for place, gain in enumerate(gains, start=1)
    }
    lay_out(project, texts, suite(60, more="design: ablation\n"))
    assert promptlab("run", "task").code == 0


def planned(promptlab: Promptlab, *words: str) -> tuple[dict[str, Any], str]:
    ran = promptlab("plan", "task", "--json", *words)
    assert ran.code == 0, ran.err
    document: dict[str, Any] = json.loads(ran.out)
    return document, " ".join(document["text"])


@pytest.mark.slow
def test_a_pilot_says_how_many_wordings_are_needed(project: Path, promptlab: Promptlab) -> None:
    pilot(project, promptlab)
    document, text = planned(promptlab, "--effect", "0.3")
    [row] = document["comparisons"]
    wordings = row["wordings"]
    assert (wordings["number"], wordings["paired"]) == (4, True)
    assert wordings["upper"] > wordings["sd"] > 0
    assert wordings["needed"] > 4
    assert f"30 points need {wordings['needed']} pairs of wordings." in text
    names = {source["name"]: source for source in wordings["sources"]}
    assert sum(source["share"] for source in names.values()) == pytest.approx(1)
    assert set(names) == {"cases", "wordings"}  # nothing is known of repeats
    assert names["wordings"]["share"] > 0.5
    assert "The next call buys most in more wordings" in text
    assert row["cases_needed"] is None  # more cases would not help
    smaller = planned(promptlab, "--effect", "0.2")[0]["comparisons"][0]["wordings"]["needed"]
    assert smaller > wordings["needed"]


@pytest.mark.slow
def test_no_number_of_wordings_is_said_to_do(project: Path, promptlab: Promptlab) -> None:
    pilot(project, promptlab)
    document, text = planned(promptlab, "--effect", "0.01")
    assert document["comparisons"][0]["wordings"]["needed"] is None
    assert "No number of wordings shows 1 points on 60 cases." in text


@pytest.mark.slow
def test_one_wording_tells_nothing_of_others(project: Path, promptlab: Promptlab) -> None:
    pilot(project, promptlab, (9,))
    document, text = planned(promptlab, "--effect", "0.3")
    assert document["comparisons"][0]["wordings"] is None
    assert "takes 3 wordings of it" in text
