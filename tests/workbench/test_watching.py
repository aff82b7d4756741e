"""Rounds of a watch: what a save changes, and what it is held against."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session
from promptlab.workbench.watching import Round, SuiteWatch, Watched, in_silence

SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
scorers: [exact_match]
holdout: 0.5
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a project with two versions, of which v2 is right on every case, and v1 on none."""
    for name, text in {
        "templates/t/v1.j2": "no {{ n }}",
        "templates/t/v2.j2": "---\nparent: v1\n---\nyes {{ n }}",
        "templates/_shared/end.j2": "!",
        "suites/s.yaml": SUITE,
        "suites/cases.jsonl": "".join(
            json.dumps({"id": f"c{n}", "n": n, "expect": f"yes {n}"}) + "\n" for n in range(40)
        ),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def begin(root: Path, **options: object) -> SuiteWatch:
    watching = SuiteWatch(Session(folder=root), Watched(suite="s", **options))  # type: ignore[arg-type]
    assert watching.changes() == ()
    return watching


def save(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text, encoding="utf-8")


def go(watching: SuiteWatch) -> Round:
    return asyncio.run(watching.run(watching.changes(), in_silence))


def test_a_saved_version_runs_with_its_parent_on_dev_cases_alone(root: Path) -> None:
    watching = begin(root)
    save(root, "templates/t/v2.j2", "---\nparent: v1\n---\nyes {{ n }}\n")
    done = go(watching)
    assert done.changed == ("t@v2",)
    [against] = done.compared
    [row] = against.results.comparisons
    assert (against.against, against.before, row.a, row.b) == ("t@v1", False, "t@v1", "t@v2")
    assert 10 < row.n < 30  # of 40, half of which are held out
    assert (done.trials, done.calls) == (2 * row.n, 2 * row.n)
    save(root, "templates/t/v2.j2", "---\nparent: v1\n---\nyes  {{ n }}\n")
    assert go(watching).calls == row.n  # the parent is stored


@pytest.mark.parametrize(
    ("new", "listed"),
    [
        ({"v3": "v1"}, ("t@v1", "t@v3")),
        ({"v1a": "v9", "v9": "v2"}, ("t@v2", "t@v9", "t@v1a")),
        ({"v3": "v4", "v4": "v3"}, ("t@v4", "t@v3")),
    ],
)
def test_the_parent_is_the_baseline(
    root: Path, new: dict[str, str], listed: tuple[str, ...]
) -> None:
    watching = begin(root, limit=1)
    for name, parent in new.items():
        save(root, f"templates/t/{name}.j2", f"---\nparent: {parent}\n---\n{name} {{{{ n }}}}")
    done = go(watching)
    with Workbench(watching.session).open_store() as store:
        assert store.run(done.run_id).templates == listed


def test_a_version_without_a_parent_is_held_against_its_text_before(root: Path) -> None:
    watching = begin(root)
    save(root, "templates/t/v1.j2", "No {{ n }}")
    [first] = go(watching).compared
    assert (first.before, first.results.comparisons) == (True, ())  # that was never run
    save(root, "templates/t/v1.j2", "yes {{ n }}")
    [second] = go(watching).compared
    [row] = second.results.comparisons
    assert (second.before, row.delta, len(row.lost)) == (True, 1.0, 0)


def test_what_does_not_change_a_prompt_changes_nothing(root: Path) -> None:
    watching = begin(root)
    stamp = watching.stamp()
    save(root, "templates/t/v1.j2", "no {{ n }}")  # the same text, saved again
    assert watching.stamp() != stamp
    assert watching.changes() == ()
    save(root, "templates/_shared/end.j2", "?")  # nobody includes it
    assert watching.changes() == ()


def test_includes_suite_and_cases_are_watched(root: Path) -> None:
    save(root, "templates/t/v1.j2", 'no {{ n }}{% include "_shared/end.j2" %}')
    watching = begin(root)
    save(root, "templates/_shared/end.j2", "?")
    assert watching.changes() == ("t@v1",)
    save(root, "suites/s.yaml", SUITE + "repeats: 2\n")
    assert watching.changes() == ("t@v1", "t@v2")
    lines = (root / "suites/cases.jsonl").read_text(encoding="utf-8")
    save(root, "suites/cases.jsonl", lines + '{"id": "new", "n": 99, "expect": "yes 99"}\n')
    assert watching.changes() == ("t@v1", "t@v2")
    save(root, "templates/t/v3.j2", "new {{ n }}")
    assert watching.changes() == ("t@v3",)


def test_a_broken_file_leaves_the_last_good_state(root: Path) -> None:
    watching = begin(root)
    save(root, "templates/t/v1.j2", "{% if")
    with pytest.raises(PromptlabError, match=r"templates/t/v1\.j2:1"):
        watching.changes()
    save(root, "templates/t/v1.j2", "no {{ n }}")
    assert watching.changes() == ()


def test_limits_hold_over_all_rounds(root: Path) -> None:
    watching = begin(root, max_calls=5, limit=4, templates=("t@v1",))
    save(root, "templates/t/v1.j2", "No {{ n }}")
    done = go(watching)
    assert (done.calls, done.limit, watching.spent) == (4, None, False)
    save(root, "templates/t/v1.j2", "NO {{ n }}")
    done = go(watching)
    assert (done.calls, done.limit, watching.calls, watching.spent) == (1, "--max-calls 1", 5, True)


def test_what_scorers_compare_with_is_run_too(root: Path) -> None:
    both = "\n  - exact_match\n  - pairwise: {judge: echo, against: t@v1, criteria: Is it right?}"
    save(root, "suites/s.yaml", SUITE.replace(" [exact_match]", both))
    watching = begin(root, limit=2)
    save(root, "templates/t/v3.j2", "new {{ n }}")
    done = go(watching)
    assert done.changed == ("t@v3",)
    assert done.trials == 4  # v3 and its rival on two cases
