"""`promptlab review` without a terminal, and what other verbs make of people's scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from promptlab.cases.files import read_rows
from promptlab.core.ratings import Opinion
from promptlab.core.wanted import ResultFilter
from promptlab.importers.labels import read_labels
from promptlab.store import Store

from .conftest import Promptlab, query, spawn

Rate = Callable[..., None]


@pytest.fixture
def rate(ran_project: Path) -> Rate:
    """Return a function that rates trials of the newest run, as `review` does."""

    def rate_(*trials: int, rater: str = "ann", **opinion: object) -> None:
        rated = [trials]
        with Store.open(ran_project / "promptlab.db", lambda: datetime.now(UTC)) as store:
            store.ratings.add(store.find_run(), rated, rater, Opinion(**opinion))  # type: ignore[arg-type]

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
@pytest.mark.slow
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
    ran = promptlab("score", "--scorer", "human")
    assert (ran.code, "people give the scores of 'human' (promptlab review)" in ran.err) == (
        2,
        True,
    )
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


@pytest.mark.slow
def test_textual_is_not_loaded_before_it_runs() -> None:
    code = "import sys; import promptlab.cli.review; print('textual' in sys.modules)"
    assert spawn(code=code).stdout.strip() == "False"


def test_notes_and_tags_are_counted_by_version(promptlab: Promptlab, rate: Rate) -> None:
    rate(0, verdict="fail", note="too cold", tags=("vague", "long"))
    rate(0, verdict="fail", note="Too cold", tags=("Vague",), rater="ben")
    rate(2, verdict="fail", tags=("vague",))
    rate(1, verdict="pass")
    rate(3, tags=("vague",))
    rate(4, 5, verdict="left", note="too cold")
    out = promptlab("show", "--by", "note").out
    [head] = [line for line in out.splitlines() if line.startswith("tag")]
    assert head.split() == ["tag", "outputs", "greet@v1", "greet@v2", "pairs"]
    rows = [line.split() for line in out.splitlines()]
    assert ["vague", "3", "2", "1", "0"] in rows
    assert ["long", "1", "1", "0", "0"] in rows
    assert ["too", "cold", "1", "1", "0", "1"] in rows
    assert rows.count(["rated", "4", "2", "2", "1"]) == 2
    assert "By 2 raters: ann, ben." in out
    document = json.loads(promptlab("show", "--by", "note", "--json").out)
    assert document["tags"][0] == {
        "tag": "vague",
        "outputs": 3,
        "arms": {"greet@v1 on echo": 2, "greet@v2 on echo": 1},
        "pairs": 0,
    }
    assert document["notes"][0]["note"] == "too cold"
    assert document["rated"] == {
        "outputs": 4,
        "arms": {"greet@v1 on echo": 2, "greet@v2 on echo": 2},
        "pairs": 1,
    }


def test_hostile_notes_are_only_shown(promptlab: Promptlab, rate: Rate) -> None:
    rate(0, verdict="fail", note="\x1b[2J[red]x[/red]\u202e", tags=("\x1b]0;t\x07",))
    for words in (("show", "--by", "note"), ("show",)):
        ran = promptlab(*words)
        assert (ran.code, "\x1b" in ran.out, "\u202e" in ran.out) == (0, False, False)
        assert "^[[2J[red]x[/red]<U+202E>" in ran.out.replace("\n  ", "")


@pytest.mark.usefixtures("ran_project")
def test_where_nobody_rated_there_is_nothing_to_count_or_write(promptlab: Promptlab) -> None:
    for words in (("show", "--by", "note"), ("review", "--export", "labels.csv")):
        ran = promptlab(*words)
        assert (ran.code, ran.out) == (2, "")
        assert "nobody has rated" in ran.err
    assert not Path("labels.csv").exists()
    ran = promptlab("show", "--by", "note", "--failed")
    assert (ran.code, "--by note shows all that was noted" in ran.err) == (2, True)


def test_labels_are_written_for_a_judge(promptlab: Promptlab, rate: Rate) -> None:
    rate(0, verdict="fail", note='names "no one", at all', tags=("vague", "long"))
    rate(3, verdict="pass", rater="ben")
    rate(1, note="look again")
    ran = promptlab("review", "--export", "labels.csv")
    assert (ran.code, ran.out.startswith("3 labels of run ")) == (0, True)
    head, *lines = Path("labels.csv").read_text(encoding="utf-8").splitlines()
    assert head == "run,case,version,backend,repeat,label,rater,time,note,tags,kind"
    shown = [line.split(",", 1)[1] for line in lines]
    assert shown[0].startswith("ada,greet@v1,echo,0,fail,ann,2")
    assert shown[0].endswith('"names ""no one"", at all","vague, long",human')
    assert shown[1].startswith("ben,greet@v2,echo,0,pass,ben,2")
    assert shown[2].startswith("ada,greet@v2,echo,0,,ann,2")
    assert promptlab("review", "--export", "labels.JSONL").code == 0
    first = json.loads(Path("labels.JSONL").read_text(encoding="utf-8").splitlines()[0])
    assert (first["tags"], first["label"], first["kind"]) == (["vague", "long"], "fail", "human")
    assert "other_version" not in first
    for name in ("labels.csv", "labels.JSONL"):
        labels = list(read_labels(read_rows(Path(name), name)))
        told = [(each.case, each.version, each.value, each.rater, each.kind) for each in labels]
        assert told == [
            ("ada", "greet@v1", 0.0, "ann", "human"),
            ("ben", "greet@v2", 1.0, "ben", "human"),
        ]
        assert {(each.backend, each.repeat) for each in labels} == {("echo", 0)}


def test_labels_of_pairs_name_both_sides(promptlab: Promptlab, rate: Rate) -> None:
    rate(1, 0, verdict="left")
    assert promptlab("review", "--pairs", "--export", "pairs.jsonl").code == 0
    row = json.loads(Path("pairs.jsonl").read_text(encoding="utf-8"))
    assert [row[name] for name in ("version", "other_version", "label")] == [
        *("greet@v2", "greet@v1"),
        "left",
    ]
    ran = promptlab("review", "--export", "labels.csv")
    assert (ran.code, "add --pairs" in ran.err) == (2, True)


def test_a_format_that_is_not_known_is_a_mistake(promptlab: Promptlab, rate: Rate) -> None:
    rate(0, verdict="pass")
    for words in (("--export", "labels.txt"), ("--export", "l.csv", "-n", "3")):
        ran = promptlab("review", *words)
        assert (ran.code, ran.out) == (2, "")
        assert ".jsonl" in ran.err or "leave the other options out" in ran.err
    assert not Path("l.csv").exists()


def test_agreement_of_raters_is_told(promptlab: Promptlab, rate: Rate) -> None:
    for trial in range(6):
        rate(trial, verdict="pass" if trial % 2 else "fail")
        rate(trial, verdict="pass" if trial % 3 else "fail", rater="ben")
    out = promptlab("review", "--agreement").out
    rows = [line.split() for line in out.splitlines()]
    assert ["ann", "6", "3", "3"] in rows
    assert ["ben", "6", "4", "2"] in rows
    text = " ".join(out.split())
    assert "Krippendorff's alpha 0.06, on 6 outputs with verdicts of two or more." in text
    assert "An interval takes 10 of them." in text
    assert any(row[:5] == ["ann,", "ben", "6", "50.0", "%"] for row in rows)
    document = json.loads(promptlab("review", "--agreement", "--json").out)
    assert (document["kind"], document["units"], document["ci"]) == ("outputs", 6, None)
    assert document["alpha"] == pytest.approx(1 - 11 * 6 / (2 * 7 * 5))
    [pair] = document["pairs"]
    assert (pair["a"], pair["b"], pair["n"], pair["same"]) == ("ann", "ben", 6, 3)
    assert pair["kappa"] == pytest.approx(0.0)


def test_with_one_rater_agreement_is_not_known(promptlab: Promptlab, rate: Rate) -> None:
    rate(0, verdict="pass")
    told = "No output has verdicts of two raters yet: how far they agree is not known."
    assert told in " ".join(promptlab("review", "--agreement").out.split())
    assert json.loads(promptlab("review", "--agreement", "--json").out)["alpha"] is None
    for words in (("--json",), ("--agreement", "--export", "x.csv"), ("--agreement", "-n", "2")):
        assert promptlab("review", *words).code == 2
