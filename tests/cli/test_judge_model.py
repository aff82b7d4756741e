"""The embedded model as a judge, from end to end: what it says is stored, and replayed offline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Promptlab, edit, query

CONFIG = """\
[backends.small]
kind = "hf"
model = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""
JUDGES = """\
  - decision: {question: "Does the text mention {{ name }}?", judge: small}
  - decision: {question: "How polite is the text?", judge: small, kind: score, name: polite}
  - rubric: {criteria: "It greets {{ name }}.", judge: small, prompt: brief}
"""
BRIEF = """\
---
sampling: {temperature: 0, max_tokens: 12}
---
Criteria: {{ criteria }}
{{ output }}
Grade the text from {{ low }} to {{ high }}. Reply with one line: Score: GRADE
"""
SCORES = "SELECT scorer, arm, case_id, score, passed, reason, error FROM results ORDER BY 1, 2, 3"
SCORERS = "  - contains: {any: ["


@pytest.mark.slow
@pytest.mark.model
def test_a_small_model_judges_and_is_replayed_offline(project: Path, promptlab: Promptlab) -> None:
    (project / "promptlab.toml").write_text(CONFIG)
    (project / "templates/_judges/brief").mkdir(parents=True)
    (project / "templates/_judges/brief/v1.j2").write_text(BRIEF)
    edit(project / "suites/greet.yaml", SCORERS, JUDGES + SCORERS)
    ran = promptlab("run", "greet", "--json")
    assert ran.code in (0, 4), ran.err  # 4: some grades cannot be read
    assert json.loads(ran.out)["calls"] == 6 + 3 * 6
    rows = query(project, SCORES)
    weighed = [row for row in rows if row[0] in ("decision", "polite")]
    assert len(weighed) == 12
    assert all(0 < score < 1 for _, _, _, score, *_ in weighed)
    assert len({score for _, _, _, score, *_ in weighed}) == 12
    assert all(reason.startswith(("Yes 0.", "No 0.", "grade ")) for *_, reason, _ in weighed)
    for *_, score, _, reason, error in [row for row in rows if row[0] == "rubric"]:
        told = str(error).startswith("not gradable: the judge ")
        assert told if score is None else reason.startswith("grade ")
    offline = promptlab("run", "greet", "--offline", "--json")
    assert (offline.code, json.loads(offline.out)["calls"]) == (ran.code, 0), offline.err
    both = query(project, SCORES)
    assert sorted(map(str, both)) == sorted(map(str, rows * 2))
