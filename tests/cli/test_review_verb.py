"""`promptlab review` without a terminal, and what other verbs make of people's scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptlab.core.ratings import Opinion
from promptlab.core.results import ResultFilter
from promptlab.store import Store

from .conftest import Promptlab, query, spawn

Rate = Callable[..., None]


@pytest.fixture
def rate(ran_project: Path) -> Rate:
    """Return a function that rates trials of the newest run, as `review` does."""

    def rate_(*trials: int, rater: str = "ann", **opinion: object) -> None:
        with Store.open(ran_project / "promptlab.db", lambda: datetime.now(UTC)) as store:
            store.ratings.add(store.find_run(), trials, rater, Opinion(**opinion))  # type: ignore[arg-type]

    return rate_


@pytest.mark.usefixtures("ran_project")
def test_it_needs_a_terminal(promptlab: Promptlab) -> None:
    ran = promptlab("review")
    assert (ran.code, ran.out) == (2, "")
    assert "review needs a terminal, and stdin or stderr is none" in ran.err


WITHOUT_TEXTUAL = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "textual":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from promptlab.cli import run_cli
sys.exit(run_cli(["review"]))
"""


@pytest.mark.usefixtures("ran_project")
def test_it_says_how_its_package_is_installed() -> None:
    ran = spawn(code=WITHOUT_TEXTUAL)
    assert (ran.returncode, ran.stdout) == (2, "")
    told = "Error: review needs the package textual, which is not installed (pip install "
    assert ran.stderr.startswith(told)
    assert "textual" in ran.stderr.removeprefix(told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--rater", "  "), "--rater: '  ' is no name of a rater"),
        (("--rater", "a\x1b[31m"), "is no name of a rater"),
        (("--rater", "x" * 61), "up to 60 visible characters"),
        (("--case", "adda"), "unknown case 'adda'"),
        (("-t", "greet@v9"), "unknown version 'v9' of greet"),
        (("--pairs", "-t", "greet@v1"), "has no two outputs of the same case"),
        (("nope",), "unknown run 'nope'"),
        (("-n", "0"), "too small"),
    ],
)
@pytest.mark.usefixtures("ran_project")
def test_what_cannot_be_reviewed_is_a_mistake(
    promptlab: Promptlab, words: tuple[str, ...], told: str
) -> None:
    ran = promptlab("review", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


@pytest.mark.usefixtures("project")
def test_without_a_database_none_is_made(promptlab: Promptlab) -> None:
    ran = promptlab("review")
    assert ran.code == 2
    assert "there is no database yet" in ran.err
    assert not Path("promptlab.db").exists()


def test_other_verbs_show_and_compare_what_people_say(promptlab: Promptlab, rate: Rate) -> None:
    # 3 cases by 2 arms, arms side by side.
    for case in range(3):
        rate(2 * case, verdict="fail", note="cold")
        rate(2 * case + 1, verdict="pass")
    out = promptlab("show", "--full").out
    assert "human: FAIL, ann: fail: cold" in out
    arms = json.loads(promptlab("compare", "--scorer", "human", "--json").out)["comparisons"]
    assert [(row["mean_a"], row["mean_b"], row["n"]) for row in arms] == [(0.0, 1.0, 3)]
    failed = json.loads(promptlab("show", "--where", "scorer = 'human'", "--failed", "--json").out)
    assert [row["version"] for row in failed["results"]] == ["v1"] * 3


def test_outputs_are_graded_again_without_people(promptlab: Promptlab, rate: Rate) -> None:
    rate(0, verdict="pass")
    graded = promptlab("score", "--json")
    assert graded.code == 0
    assert [each["scorer"] for each in json.loads(graded.out)["scorers"]] == ["contains", "length"]
    sql = "SELECT score FROM results WHERE scorer = 'human' AND score NOT NULL"
    assert query(Path(), sql) == [(1.0,)]
    assert promptlab("db", "verify").code == 0


def test_an_interrupted_run_that_was_rated_is_resumed(promptlab: Promptlab, rate: Rate) -> None:
    rate(0, verdict="fail")
    with Store.open(Path("promptlab.db"), lambda: datetime.now(UTC)) as store:
        run_id = store.find_run()
        store.end_run(run_id, "interrupted")
    ran = promptlab("resume", "--json")
    assert (ran.code, json.loads(ran.out)["status"]) == (0, "finished")
    with Store.open(Path("promptlab.db"), lambda: datetime.now(UTC)) as store:
        rows = store.results(run_id, ResultFilter(where="scorer = 'human' AND score = 0"))
        assert [row.seq for row in rows] == [0]


def test_textual_is_not_loaded_before_it_runs() -> None:
    code = "import sys; import promptlab.cli.review; print('textual' in sys.modules)"
    assert spawn(code=code).stdout.strip() == "False"
