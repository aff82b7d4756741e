"""Effects of practices are looks too: whoever asks again on more cases is told at which level."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Promptlab


def measured(promptlab: Promptlab, project: Path, cases: int) -> None:
    """Import texts with a practice and texts without it, on this many cases."""
    rows = ["template,case,score,practices"]
    rows += [
        f"{name}{place},{case},{int((case * step + 13 * place) % 100 < share)},{practice}"
        for name, practice, share, step in (("w", "clear", 55, 37), ("o", "", 50, 17))
        for place in range(3)
        for case in range(cases)
    ]
    (project / "outcomes.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert promptlab("import", "outcomes.csv", "--suite", "s").code == 0


def effect(promptlab: Promptlab) -> dict[str, Any]:
    [one] = json.loads(promptlab("practices", "--json").out)["practices"]
    assert isinstance(one, dict)
    return one


@pytest.mark.slow
def test_more_cases_are_a_second_look(project: Path, promptlab: Promptlab) -> None:
    measured(promptlab, project, 40)
    first = effect(promptlab)
    assert first["verdict"] == "undecided"
    assert first["look"] == {"number": 1, "level": 0.05}
    assert effect(promptlab)["look"] == first["look"]
    measured(promptlab, project, 80)
    second = effect(promptlab)
    assert second["look"] == {"number": 2, "level": 0.0025}
    assert "looked-again" in [note["code"] for note in second["notes"]]
    assert "clear" in promptlab("ledger", "s").out
