"""Reports of runs of other forms: rounds, several backends and repeats, imports, hostile texts."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from promptlab.core.visible import visible
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session

from .conftest import FILES, RANGES, Made, cases, lay_out, made_of, typed, view_of
from .parsed import leaves

ROUNDS = {
    "templates/talk/v1.j2": (
        "{% user %}Say {{ word }}.{% enduser %}{% generate draft %}"
        "{% user %}Now say maple.{% enduser %}\n"
    ),
    "suites/talk.yaml": (
        'templates: ["talk@*"]\nbackends: [echo, other]\nrepeats: 2\nscorers:\n'
        "  - contains: {any: [maple]}\n"
        "  - contains: {any: [maple], name: first, grade: draft}\ncases:\n"
        + "".join(f"  - {{id: w{place}, vars: {{word: birch{place}}}}}\n" for place in range(6))
    ),
    "promptlab.toml": '[backends.other]\nkind = "echo"\nreply = "maple"\n',
}
GOLDEN = Path(__file__).parents[2] / "golden"
HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script></script></pre></details>"
    "<a href='javascript:alert(3)'>\" onclick=\"alert(4) \u202eright\u2066 \x1b[2J\x07\u2028"
)


def same_numbers(made: Made) -> None:
    """Require the numbers of the page and of its document to be the same, the whole set."""
    found = {visible(at): value for at, value in leaves(made.document)}
    assert {mark.at: mark.value for mark in made.page.marks} == found
    assert len(made.page.ids) == len(set(made.page.ids))
    assert {link[1:] for link in made.page.links} <= set(made.page.ids)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Return a report of two backends, two repeats and two answers a trial."""
    root = lay_out(tmp_path_factory.mktemp("talk"), ROUNDS)
    assert typed(root, "run", "talk", "--json") == 0
    return made_of(root, view_of(root))


def test_each_answer_of_a_conversation_has_its_score(talk: Made) -> None:
    [rounds] = talk.document["rounds"]
    assert rounds["answers"] == ["draft", "answer"]
    by_echo = {
        one["answer"]: one["mean"] for one in rounds["scores"] if one["arm"].endswith("echo")
    }
    assert by_echo == {"draft": 0.0, "answer": 1.0}
    assert "Score by round" in talk.page.text


def test_numbers_are_the_same_with_rounds_repeats_and_backends(talk: Made) -> None:
    same_numbers(talk)
    cell = talk.document["matrix"]["cases"][0]["cells"][0]
    assert len(cell["trials"]) == 2
    assert all(len(trial["turns"]) == 2 for trial in cell["trials"])


def test_outcomes_of_other_tools_make_a_report(tmp_path: Path) -> None:
    rows = "".join(
        f"chat@v{arm},c{case},{(case * arm) % 3 / 2},out {case}\n"
        for arm in (1, 2)
        for case in range(30)
    )
    root = lay_out(tmp_path, {**FILES, "suites/cases.jsonl": cases(3)})
    (root / "outcomes.csv").write_text(f"template,case,score,output\n{rows}", encoding="utf-8")
    assert typed(root, "import", str(root / "outcomes.csv"), "--suite", "chats") == 0
    made = made_of(root, view_of(root))
    same_numbers(made)
    assert made.document["hunks"] == []  # nobody told the texts
    assert "imported from" in made.page.text


@pytest.mark.slow
def test_several_runs_are_joined(task: Path, tmp_path: Path) -> None:
    root = lay_out(tmp_path, {**FILES, "suites/cases.jsonl": cases(20)})
    for version in ("v1", "v2"):
        assert typed(root, "run", "task", "-t", f"task@{version}", "--json") == 0
    made = made_of(root, view_of(root, "latest", "-2"))
    same_numbers(made)
    assert len(made.document["run"]) == 2
    assert made.document["compare"]["comparisons"][0]["n"] == 20


@pytest.mark.slow
def test_long_vectors_of_numbers_do_not_fill_the_page(tmp_path: Path) -> None:
    rows = [
        {"id": f"c{place}", "vars": {"rank": place, "range": RANGES, "of": [0.25] * 2_000}}
        for place in range(20)
    ]
    written = "".join(f"{json.dumps(row)}\n" for row in rows)
    root = lay_out(tmp_path, {**FILES, "suites/cases.jsonl": written})
    assert typed(root, "run", "task", "--json") == 0
    made = made_of(root, view_of(root))
    assert 1 < len(made.document["matrix"]["cases"]) < 20
    assert len(made.html) < 3_000_000


@pytest.mark.slow
def test_every_kind_of_run_makes_a_report(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "project", tmp_path / "project")
    root = tmp_path / "project"
    stored = gzip.decompress((GOLDEN / "store.sqlite.gz").read_bytes())
    (root / "promptlab.db").write_bytes(stored)
    with Workbench(Session(folder=root)).open_store(readonly=False) as store:
        run_ids = [run.run_id for run in store.runs()]
    assert len(run_ids) > 20
    for run_id in run_ids:
        same_numbers(made_of(root, view_of(root, run_id)))


def test_hostile_texts_are_only_shown(tmp_path: Path) -> None:
    rows = [
        {
            "id": f"{HOSTILE}{place}",
            "vars": {"rank": place, "range": RANGES, "t": HOSTILE},
            "expect": {HOSTILE: [HOSTILE, place]},
            "tags": [HOSTILE],
            "group": f"{HOSTILE}{place}",
        }
        for place in range(12)
    ]
    files = {
        **FILES,
        "templates/task/v1.j2": "{{ rank }} #v1 {{ t }}\n",
        "templates/task/v2.j2": "again {{ rank }} #v2 {{ t }}\n",
        "templates/task/v3.j2": "more {{ rank }} #v3 {{ t }}\n",
        "suites/cases.jsonl": "".join(f"{json.dumps(row)}\n" for row in rows),
    }
    root = lay_out(tmp_path, files)
    assert typed(root, "run", "task", "--json") == 0
    made = made_of(root, view_of(root))
    same_numbers(made)
    names = [name for name, _ in made.page.tags]
    assert names.count("script") == names.count("style") == 1
    assert not {"img", "iframe", "object", "embed", "link", "base"} & set(names)
    attributes = {name for _, values in made.page.tags for name in values}
    assert not [name for name in attributes if name.startswith("on")]
    assert "<script>alert(2)</script>" in made.page.text
    assert not {"\u202e", "\u2066", "\x1b", "\x07"} & set(made.html)
    assert "<U+202E>" in made.page.text
