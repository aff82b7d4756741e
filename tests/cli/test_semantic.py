"""`semantic` in a run: asked like any call, stored, and trusted no more than a judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local_model.sentence_models import write_sentence_model

from .conftest import Promptlab, edit, query

SCORERS = "  - contains: {any: ["


@pytest.fixture
def project_with_model(project: Path) -> Path:
    write_sentence_model(project / "tiny")
    model = json.dumps(str(project / "tiny"))
    (project / "promptlab.toml").write_text(
        f'[backends.sentences]\nkind = "embedding"\nmodel = {model}\n'
    )
    asked = '  - semantic: {target: "the patient has a fever", model: sentences}\n'
    edit(project / "suites/greet.yaml", SCORERS, asked + SCORERS)
    return project


@pytest.mark.slow
def test_its_answers_are_stored_and_no_verdict_comes_of_them(
    project_with_model: Path, promptlab: Promptlab
) -> None:
    ran = promptlab("run", "greet", "--json")
    assert ran.code == 0, ran.err
    rows = query(project_with_model, "SELECT score, reason FROM results WHERE scorer = 'semantic'")
    assert len(rows) == 6
    assert all(0 <= score <= 1 and reason.startswith("cosine ") for score, reason in rows)
    again = promptlab("run", "greet", "--offline", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["calls"] == 0
    compared = promptlab("compare", "--scorer", "semantic", "--json")
    [comparison] = json.loads(compared.out)["comparisons"]
    assert comparison["verdict"] == "refused"
    assert any("judge" in reason["code"] for reason in comparison["reasons"])
