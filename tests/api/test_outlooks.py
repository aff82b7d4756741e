"""A suite before its run, and what was concluded of it, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import promptlab
from promptlab import PromptlabError


def test_a_plan_says_what_the_command_says(folder: Path) -> None:
    project = promptlab.open_project(folder)
    plan = project.plan("greet", effect=0.2, baseline="v1", limit=10)
    document = plan.to_dict()
    assert (document["cases"], document["effect"], plan.effect) == (10, 0.2, 0.2)
    assert plan.cases_needed == document["cases_needed"]
    assert plan.detectable == document["detectable"]
    assert str(plan).startswith("10 cases can show")
    assert "10 cases can show" in plan._repr_html_()
    early = project.plan("greet", until_decided=True, alpha=0.1, case_cost=5)
    assert (early.to_dict()["level"], early.power) == (0.05, early.to_dict()["power"])
    with pytest.raises(PromptlabError, match="so no difference can be as large"):
        project.plan("greet", effect=20)


@pytest.mark.slow
def test_the_ledger_is_a_list_of_families(folder: Path) -> None:
    project = promptlab.open_project(folder)
    run = project.run("greet")
    project.compare(run)
    looks = project.ledger("greet")
    [family] = looks
    assert (family.size, [look.verdict for look in family.looks]) == (1, ["better"])
    assert looks.to_dict()["families"][0]["looks"][0]["b"] == "greet@v2"
    assert list(looks.to_frame()["verdict"]) == ["better"]
    assert "1 look at 1 question." in str(looks)
    assert "1 look at 1 question." in looks._repr_html_()
    with pytest.raises(PromptlabError, match="unknown suite 'nothing'"):
        project.ledger("nothing")
