"""Judges and raters from Python: passports, labels as values."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

import promptlab
from promptlab import Project, PromptlabError
from promptlab.core.ratings import Opinion
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session

JUDGE = """\
from promptlab import Sample, Score, scorer


@scorer(version="1", judge=True)
def kind(sample: Sample) -> Score:
    \"\"\"It says hello.\"\"\"
    good = "hello" in sample.output
    return Score(float(good), passed=good)
"""


@pytest.fixture
def project(folder: Path) -> Project:
    (folder / "judges.py").write_text(JUDGE, encoding="utf-8")
    suite = folder / "suites/greet.yaml"
    text = suite.read_text(encoding="utf-8")
    suite.write_text(text.replace("scorers:\n", "scorers:\n  - judges:kind\n"), encoding="utf-8")
    project = promptlab.open_project(folder)
    project.run("greet", repeats=1)
    return project


def rows(says: str = "pass") -> list[dict[str, object]]:
    return [
        {"case": f"p{n}", "version": version, "label": says if version == "v2" else "fail"}
        for n in range(20)
        for version in ("v1", "v2")
    ]


@pytest.mark.slow
def test_a_judge_is_held_against_rows_or_a_file(project: Project, folder: Path) -> None:
    passport = project.calibrate("greet", rows())
    assert (passport.scorer, passport.suite, passport.verdict) == ("kind", "greet", "refused")
    assert passport.findings[0].code == "too-few-labels"
    assert passport.figures.labels == 40
    assert repr(passport).startswith("The judge kind of suite greet is refused")
    assert passport.to_dict()["figures"]["accuracy"] == 1.0
    assert passport._repr_html_()
    (folder / "labels.csv").write_text(
        "case,version,label\n"
        + "".join(f"{r['case']},{r['version']},{r['label']}\n" for r in rows())
    )
    again = asyncio.run(project.calibrate_async("greet", folder / "labels.csv", items=0))
    assert again.to_dict()["labels_digest"] == passport.to_dict()["labels_digest"]
    [newest] = project.passports("greet")
    assert newest.to_dict()["digest"] == passport.to_dict()["digest"]


def test_mistakes_name_the_row(project: Project) -> None:
    with pytest.raises(PromptlabError, match="there are no labels"):
        project.calibrate("greet", [])
    with pytest.raises(PromptlabError) as caught:
        project.calibrate("greet", [*rows(), {"case": "nobody", "label": "pass"}])
    assert caught.value.where == "labels[40]: case"


@pytest.mark.slow
def test_what_people_said_is_a_value_and_calibrates(project: Project, folder: Path) -> None:
    with pytest.raises(PromptlabError, match="nobody has rated a single output"):
        project.ratings()
    with Workbench(Session(folder=folder)).open_store(readonly=False) as store:
        run_id = store.find_run("latest")
        for seq in range(10):
            time.sleep(0.01)  # ratings of one rater at one moment are one step
            for rater in ("ann", "bob"):
                store.ratings.add(run_id, [[seq]], rater, Opinion("pass" if seq % 2 else "fail"))
    ratings = project.ratings()
    assert (len(ratings), ratings.run, ratings[0].rater, ratings[0].label) == (
        20, run_id, "ann", "fail",
    )  # fmt: skip
    assert ratings.agreement()["alpha"] == 1.0
    assert repr(ratings) == f"<Ratings of outputs of run {run_id}: 20, by 2>"
    assert set(ratings.to_dicts()[0]) >= {"case", "version", "label", "rater", "kind"}
    figures = project.calibrate("greet", ratings, items=0).figures
    assert (figures.labels, figures.raters) == (10, 2)
