"""What the version at commit 5aa1c88 wrote and said, held against what is here now.

`golden/store.sqlite.gz` is a database that it wrote, `golden/project` the project that goes with
it, and `golden/said` what it said of them (see `golden/make.py`). Whoever has measured with an
older version can open the database, is told the same, and pays for nothing twice. In a JSON
document keys may be added; no other difference is allowed. No server and no network is there.
"""

from __future__ import annotations

import errno
import json
import math
import re
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest

from promptlab.store import Store
from promptlab.workbench.session import Session

from .golden.commands import (
    COMMANDS,
    DATABASE,
    ENDS,
    ENVIRONMENT,
    FIRST_20,
    MADE,
    PROJECT,
    RUNS,
    SAID,
    UNSET,
    frozen_database,
    normalised,
    restore,
    typed,
)

_MONEY = {
    "interval  USD more\n": "interval   USD more\n",
    f"{'─' * 72}\n": f"{'─' * 73}\n",
    "  -2.9e-05": "  -0.000029",
    "    +4e-05": "  +0.000040",
}

# Every number of a configuration has a range; `max_tokens` had no upper bound.
_MAX_TOKENS = """"max_tokens": {
          "anyOf": [
            {
              "minimum": 1,
"""
_BOUNDED = _MAX_TOKENS.replace(
    '"minimum"', f'"exclusiveMaximum": {2**31},\n              "minimum"'
)

# Two gates on numbers between 0 and 1 that hardly vary passed; with 12 cases they are open.
# Better is shown by the interval for all pairs of the run together, no worse by that of each arm.
_OPEN = "note@v3 on parrot is undecided, +0.2401, interval"
_GATES_OF_SHARES = [
    f"share: note@v3 > note@v2: {_OPEN} -0.06616 to +0.4778",
    f"share: no-worse note@v2 by 0.01: {_OPEN} -0.02618 to +0.4378",
]

# How a command ends now, where that was changed on purpose: exit code, and what it says of it.
ENDED = {
    "gate_passes.json": (1, "".join(f"gate failed: {gate}\n" for gate in _GATES_OF_SHARES)),
}

# What was changed on purpose since, by file: what was said, and what is said now.
CHANGED = {
    # There is one kind more.
    "backend_list.txt": {"echo, gemini": "echo, embedding, gemini"},
    "backend_list.json": {'    "gemini",\n': '    "embedding",\n    "gemini",\n'},
    # A run of backends that charge nothing cost nothing; `runs.txt` also says what was run on what,
    # rather than that all was well, and was written again.
    **{
        f"{name}.json": {'"cost_usd": null': '"cost_usd": 0.0'}
        for name in (
            *("runs", "runs_first", "resume_stopped"),
            *("resume_latest_limit", "resume_killed", "resume_any"),
        )
    },
    # The seconds of a batch do not say what an answer takes.
    "compare_tone.txt": {
        "tokens more  s more        interval": "tokens more",
        "+1   -0.31  -0.31 to -0.31": "+1",
    },
    "again_race3.txt": {
        "tokens more  s more": "tokens more",
        "-4   +0.00": "-4",
        "+12   +0.00": "+12",
    },
    # An edited version and a deleted one are told apart.
    "template_log.txt": {"(an older text under this label)": "(edited since)"},
    # No difference of shares is larger than 100 points.
    "practices_many.txt": {
        "-140 ": "-100 ",
        "+140 ": "+100 ",
        "+130.1 ": "+100.0 ",
        "+139.5 ": "+100.0 ",
        "+136.4 ": "+100.0 ",
        "-108.1 to +113.1 ": "-100.0 to +100.0 ",
    },
    # Sides graded with different parameters of a scorer are refused, where there was a note.
    "diff_apart.json": {
        "the arms ran on different cases": (
            "the scorer 'luck' has other parameters in each run: run the suite again;"
            " the arms ran on different cases"
        )
    },
    # `diff` rests on all that is stored of the pair, as `compare` does: an earlier run has two more
    # cases, which neither version gets right.
    "diff_mark.json": {
        '"n": 24,': '"n": 26,',
        '"mean_a": 0.5,': '"mean_a": 0.46153846153846156,',
        '"mean_b": 0.9166666666666666,': '"mean_b": 0.8461538461538461,',
        '"delta": 0.4166666666666667,': '"delta": 0.3846153846153846,',
        '"ties": 12': '"ties": 14',
    },
    "diff_mark_case.json": {
        '"n": 24,': '"n": 26,',
        '"mean_a": 0.9166666666666666,': '"mean_a": 0.8461538461538461,',
        '"mean_b": 0.7083333333333334,': '"mean_b": 0.6538461538461539,',
        '"delta": -0.20833333333333334,': '"delta": -0.19230769230769232,',
        '"ties": 15': '"ties": 17',
    },
    # Plainer English; long lines are wrapped as the terminal wraps them.
    "resume_imported.json": {
        "there is nothing to carry out": "there is nothing to resume",
    },
    # A trial without a score counts as 0 where scores lie between 0 and 1, as in comparisons.
    "again_touchy.json": {
        '"n": 11,': '"n": 12,',
        '"n_groups": 11,': '"n_groups": 12,',
        '"mean": 0.6363636363636364,': '"mean": 0.5833333333333334,',
    },
    "again_touchy.txt": {"--full` tells why": "--full` shows why"},
    # Amounts of money are written without an exponent, with as many digits as say something.
    "resume_spent.json": {"0.000235 USD": "0.00023 USD"},
    "compare_fine.txt": {
        "v1: 24 cases can show 40 points, 1,997 more 5 points": (
            "v1: with 24 cases a difference of 40 points is detectable; 1,997 more are \n"
            "needed to detect 5"
        ),
        **_MONEY,
    },
    "compare_far.txt": {**_MONEY, "  +6.9e-05": "  +0.000069"},
    # `list[str | int]` was read as markup, and half of it was swallowed.
    "scorer_show.txt": {
        f"type{' ' * 8}default{' ' * 10}what it does{' ' * 6}": (
            f"type{' ' * 14}default{' ' * 10}what it does"
        ),
        f"list{' ' * 8}required{' ' * 9}the allowed labels{' ' * 6}": (
            f"list[str | int]{' ' * 3}required{' ' * 9}the allowed labels"
        ),
        f"str | int   '{{{{ expect }}}}'   the right one{' ' * 6}": (
            f"str | int{' ' * 9}'{{{{ expect }}}}'   the right one"
        ),
        f"bool{' ' * 8}True{' ' * 13}take upper and lower case as the same; switch it off for \n": (
            f"bool{' ' * 14}True{' ' * 13}take upper and lower case as the same; switch it   \n"
        ),
        f"{' ' * 43}labels such as A and B{' ' * 35}": (
            f"{' ' * 49}off for labels such as A and B{' ' * 21}\n"
            "What it does not do: Negations are known in the languages ar bg bn ca "
            "cs da de el en es et fa fi fr \n"
            "gu he hi hr hu hy id it ja ka km ko lo ml mr ms my nb nl pa pl pt ro "
            "ru sk sr sv ta te th tr uk ur \n"
            "vi zh. In running text of another script an answer has no score (not "
            "gradable); in another language \n"
            "of one of these scripts, a denied label counts as if it were not "
            "denied. Irony, quotations, \n"
            "questions and double negations are not understood, nor are other "
            'words for a label ("good" for \n'
            '"positive"). Endings are not taken off a word ("positively"), but for '
            "what Korean joins to a noun. \n"
            '"Label is" and the like are known in English, the headings before a '
            "colon in some more languages. A \n"
            'label of one letter is also found where it is a word ("a", "I").'
        ),
        # It reads text by other rules, and says what it does not do.
        "(version 1)": "(version 3)",
    },
    "practices_elsewhere.txt": {
        "24 cases can show 33 points, 1,611 more 5 points": (
            "with 24 cases a difference of 33 points is detectable; 1,611 more are needed to \n"
            "detect 5"
        ),
        "24 cases can show 25 points, 1,084 more 5 points": (
            "with 24 cases a difference of 25 points is detectable; 1,084 more are needed to \n"
            "detect 5"
        ),
    },
    # Descriptions of keys in plainer English.
    # Scorers may be in a file.
    "schema_suite.txt": {
        "each with its parameters.": "each with its parameters, or `use: FILE` for a file of them.",
        _MAX_TOKENS: _BOUNDED,
        "that decides; the first one.": "that decides; by default the first.",
        "that is graded; the last one.": "that is graded; by default the last.",
        "How often each arm meets each case.": "How often each arm runs on each case.",
        "Where every random choice starts from.": "Random seed.",
        # More formats of tables.
        "A file beside the suite (.jsonl .json .csv .yaml .parquet), or a list.": (
            "A file beside the suite, or a list. "
            "Files: .jsonl .json .csv .tsv .xlsx .yaml .parquet."
        ),
        # Code that models wrote is run only with leave.
        '"title": "Gates",\n      "type": "array"\n    }': (
            '"title": "Gates",\n      "type": "array"\n    },\n    "allow_code": {\n      '
            '"default": false,\n      "description": "Whether `code` may run what models wrote, in'
            ' its box on this machine.",\n      "title": "Allow Code",\n      "type": "boolean"\n'
            "    }"
        ),
    },
    "schema_template.txt": {
        _MAX_TOKENS: _BOUNDED,
        "What a template says of its answer.": "What a template says about its answer.",
    },
    # Scorers that read text do so by other rules, and say what they do not do.
    "scorer_list.json": {
        **{
            f'"name": "{name}",\n    "version": "1"': f'"name": "{name}",\n    "version": "2"'
            for name in (
                *("contains", "exact_match", "format", "json_schema"),
                *("length", "regex"),
            )
        },
        # Later labels that hold a number, such as gpt-4, were found as well; and 10^(3) was read.
        **{
            f'"name": "{name}",\n    "version": "1"': f'"name": "{name}",\n    "version": "3"'
            for name in ("label", "numeric")
        },
        '"leave out all punctuation"': (
            '"leave out all punctuation and symbols but those of numbers"'
        ),
        "a JSON Schema, draft 2020-12; a $ref must stay within it": (
            "a JSON Schema of the draft that its $schema names, else 2020-12; a $ref must stay"
            " within it"
        ),
        "take what its first ``` fence holds": (
            "take what its fences hold, ``` or ~~~; the first that holds JSON counts"
        ),
    },
    "scorer_show.json": {'"version": "1"': '"version": "3"'},
    # Numbers between 0 and 1 that hardly vary are not known that well: two imagined cases.
    "gate_passes.json": {
        '"gates_failed": []': f'"gates_failed": {json.dumps(_GATES_OF_SHARES)}',
    },
    "gate_fails.json": {
        "worse, -0.1227, interval -0.1244 to -0.121": (
            "undecided, -0.1227, interval -0.3724 to +0.162"
        )
    },
}

# What was changed on purpose since, in every file: patterns of what was said, and what is now.
EVERYWHERE = (
    # A model refuses; a comparison has no verdict. In documents it is still `refused`.
    (re.compile(r"^refused: ", re.MULTILINE), "no verdict: "),
    (re.compile(r"(?<=  )refused$", re.MULTILINE), "no verdict"),
    (re.compile(r": refused \("), ": no verdict ("),
    (re.compile(r" is refused: "), " has no verdict: "),
    (re.compile(r"(?<=groups of cases are too few: )(?=\d)"), "at least "),
    (re.compile(r"\bno case differs: "), "no difference was seen: no case differs, and "),
)
# What is said since beside what was: notes name their backend, diff names a run with more cases,
# gates that hold are reported.
ADDED = (
    (re.compile(r"(% of the answers of \S+)\s+on\s+(?:all\s+backends|\w+)(?=\s+were)"), r"\1"),
    (re.compile(r"\nNote: run (?:.|\n)*\Z"), ""),
    (re.compile(r"^gate holds: .*\n", re.MULTILINE), ""),
    # Trials say what was asked and what was expected.
    (re.compile(r"^  (?:asked|expected): .*\n", re.MULTILINE), ""),
)
_DRAWN = re.compile("[·─┼│●]+")
# How a verdict is reached has changed since, on purpose (docs/trust.md): what was measured must be
# as it was (cases, means, differences, wins, losses, tokens), what is concluded from it need not.
JUDGED = {
    *("ci", "se", "p", "p_adjusted", "method", "verdict", "reason", "reasons"),
    *("cases_needed", "detectable", "warnings", "notes", "usd_per_point", "wordings", "general"),
    *("delta_tokens_ci", "delta_output_tokens_ci", "delta_cost_usd_ci", "delta_latency_s_ci"),
}
CONCLUDING = ("compare", "practices", "diff", "gate", "again", "show", "resume")

# The frozen project imports modules by the names that they had.
pytestmark = pytest.mark.filterwarnings("ignore:promptlab.(types|scorers):DeprecationWarning")

SCORERS = "golden_scorers"  # the module of the frozen project
SUITES = sorted(path.stem for path in (PROJECT / "suites").glob("*.yaml"))
NEEDS_MODEL = {"tone", "weigh"}
# What of a suite is stored: cases that failed on `moody` and on `far` would be asked again, and
# an arm of `race` was stopped when it was decided.
STORED = {"plain": ["-b", "parrot"], "far": ["--tag", "fine"], "race": FIRST_20.split()}


@pytest.fixture(scope="module")
def database() -> bytes:
    return frozen_database()


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the frozen project, without a database."""
    root = tmp_path_factory.mktemp("golden").resolve() / "project"
    shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns("__pycache__"))
    # Since, prompts keep line breaks after tags; a project can go on with those it has measured.
    with (root / "promptlab.toml").open("a", encoding="utf-8") as file:
        file.write('\n[templates]\nline_breaks = "cut"\n')
    return root


@pytest.fixture(scope="module")
def migrated(copied: Path, database: bytes) -> bytes:
    """Return the database as the first verb that opens it leaves it."""
    restore(copied, database)
    Store.open(copied / DATABASE, Session.now).close()
    return (copied / DATABASE).read_bytes()


@pytest.fixture
def project(copied: Path, migrated: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the frozen project with a fresh copy of its database, and go there.

    The server of its backend `far` is gone, and so is every other one.
    """
    restore(copied, migrated)
    monkeypatch.chdir(copied)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    called = []

    def refuse(_: socket.socket, address: object) -> NoReturn:
        called.append(address)
        raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody is there")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    yield copied
    sys.modules.pop(SCORERS, None)
    assert called == [], "the frozen database needs nobody"


def differences(recorded: Any, found: Any, where: str = "$") -> Iterator[str]:
    """Tell where `found` lacks what was recorded, or says something else. Added keys are fine.

    Numbers may differ in the last digits, as another processor adds them up.
    """
    if found is None and where.endswith(("latency_s_ci", "delta_latency_s_ci")):
        return  # the seconds of a batch
    if type(recorded) is type(found) is dict:
        yield from (f"{where}: the key {key!r} is gone" for key in recorded if key not in found)
        for key in recorded.keys() & found.keys() - JUDGED:
            yield from differences(recorded[key], found[key], f"{where}.{key}")
    elif type(recorded) is type(found) is list and _as_long(
        recorded, found := _known(recorded, found), where
    ):
        for at, (one, other) in enumerate(zip(recorded, found, strict=False)):
            yield from differences(one, other, f"{where}[{at}]")
    elif not _same(recorded, found, where):
        yield f"{where}: {recorded!r} was recorded, {found!r} found"


def _known(recorded: list[Any], found: list[Any]) -> list[Any]:
    """Return what is found without the scorers that were added since."""
    if not recorded or not isinstance(recorded[0], dict) or "summary" not in recorded[0]:
        return found
    names = [each["name"] for each in recorded]
    return [each for each in found if each["name"] in names]


def _as_long(recorded: list[Any], found: list[Any], where: str) -> bool:
    """Return whether two lists can be compared item by item. Notes may have been added."""
    if where.endswith((".warnings", ".notes")):
        return len(recorded) <= len(found)
    return len(recorded) == len(found)


def _same(recorded: Any, found: Any, where: str) -> bool:
    if ".ci[" in where and found in (-1.0, 1.0):  # no difference of shares is larger
        return bool(recorded / found >= 1)
    if "latency_s" in where and found is None:  # the seconds of a batch
        return True
    if type(recorded) is type(found) is float:
        return math.isclose(recorded, found, rel_tol=1e-9, abs_tol=1e-12)
    return type(recorded) is type(found) and bool(recorded == found)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, marks=[pytest.mark.model] if command.model else [])
        for file, command in COMMANDS.items()
    ],
)
def test_it_says_what_it_said(project: Path, file: str) -> None:
    recorded = (SAID / file).read_text(encoding="utf-8")
    end = json.loads(ENDS.read_text(encoding="utf-8"))[file]
    code, out, err = typed(COMMANDS[file].words)
    found = normalised(out, project)
    said_code, said_err = ENDED.get(file, (end["code"], end["err"]))
    for pattern, word in EVERYWHERE:
        recorded, said_err = pattern.sub(word, recorded), pattern.sub(word, said_err)
    for was, now in CHANGED.get(file, {}).items():
        assert was in recorded + said_err
        recorded, said_err = recorded.replace(was, now), said_err.replace(was, now)
    told = normalised(err, project)
    for pattern, word in ADDED:
        recorded, found, told = (pattern.sub(word, text) for text in (recorded, found, told))
    concludes = file.startswith(CONCLUDING)
    assert code == said_code
    assert concludes or told == said_err
    if file.endswith(".json") and recorded:
        assert list(differences(json.loads(recorded), json.loads(found))) == []
    elif concludes:
        assert bool(found) == bool(recorded)
    else:
        assert _laid_out(found) == _laid_out(recorded)


def _laid_out(text: str) -> list[str]:
    """Return the words of a text: how wide its columns are changes with the words in them.

    The same note on several backends counts once: it named none.
    """
    lines = _DRAWN.sub("-", text).splitlines()
    once = [
        line for at, line in enumerate(lines) if line not in lines[:at] or "cut off" not in line
    ]
    return " ".join(once).split()


@pytest.mark.parametrize(
    "suite",
    [
        pytest.param(name, marks=[pytest.mark.model] if name in NEEDS_MODEL else [])
        for name in SUITES
    ],
)
def test_no_suite_is_measured_again(project: Path, suite: str) -> None:
    before = _count(project, "generations")
    code, out, _ = typed(["run", suite, "--json", *STORED.get(suite, [])])
    found = json.loads(out)
    assert code in (0, 4)  # `touchy` has a scorer that fails
    assert found["calls"] == 0
    assert sum(found["outcomes"].values()) == found["trials"]
    assert _count(project, "generations") == before
    assert all("weights" not in facts for facts in found["backends"].values())  # none was loaded


def test_only_prompts_that_changed_are_measured_again(project: Path) -> None:
    settings = project / "promptlab.toml"
    cut = settings.read_text(encoding="utf-8")
    settings.write_text(cut.replace('"cut"', '"kept"'), encoding="utf-8")
    try:
        _, out, err = typed(["run", "kind", "--json"])  # note@v1 and note@v2
        cases = json.loads(out)["trials"] // 2
        assert json.loads(out)["calls"] == cases
        assert "the prompts of note@v2 now keep their line breaks after tags" in err
        assert "note@v1" not in err
        assert typed(["db", "verify"])[0] == 0
        assert json.loads(typed(["run", "race", *FIRST_20.split(), "--json"])[1])["calls"] == 0
        assert json.loads(typed(["run", "kind", "--json"])[1])["calls"] == 0
    finally:
        settings.write_text(cut, encoding="utf-8")
    assert json.loads(typed(["run", "kind", "--json"])[1])["calls"] == 0  # and none to go back


def test_every_run_is_still_there(project: Path, database: bytes) -> None:
    restore(project, database)
    code, out, err = typed(["runs", "-n", "99", "--json"])
    assert (code, err) == (0, "")
    assert [run["run"] for run in json.loads(out)] == [*RUNS.values()][::-1]
    assert len(RUNS) == len(MADE)
    assert typed(["db", "verify"]) == (0, "The database is sound.\n", "")


def test_no_server_is_needed(project: Path) -> None:
    code, out, _ = typed(["run", "far", "--tag", "fine", "--json"])  # it might call, and need not
    assert (code, json.loads(out)["calls"]) == (0, 0)


def test_every_answer_is_kept(project: Path) -> None:
    assert {path.name for path in SAID.iterdir()} == {*COMMANDS, ENDS.name}


def _count(root: Path, table: str) -> int:
    with closing(sqlite3.connect(root / DATABASE)) as opened:
        [(rows,)] = opened.execute(f"SELECT count(*) FROM {table}")
    return int(rows)


@pytest.mark.parametrize(
    ("recorded", "found", "told"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, 0),
        ({"a": 1}, {"b": 1}, 1),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "c": 3}]}, 0),
        ([1], [1, 2], 1),
        ([1.0], [1.0 + 1e-13], 0),
        ([1.0], [1.001], 1),
        ([1], [1.0], 1),
        ([True], [1], 1),
        (None, {}, 1),
    ],
)
def test_only_added_keys_are_no_difference(recorded: Any, found: Any, told: int) -> None:
    assert len(list(differences(recorded, found))) == told
