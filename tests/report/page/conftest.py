"""Reports of runs whose results are chosen, made once for all tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from promptlab.cli import run_cli
from promptlab.report.documents.report import report_json
from promptlab.report.html.page.report import report_html
from promptlab.report.views.report import ReportView, report_view
from promptlab.workbench.bench import Workbench
from promptlab.workbench.reporting import Asked, report_of
from promptlab.workbench.session import Session

from .parsed import Page, parsed

CHECKS = '''\
from promptlab import Score


def right(sample):
    """Right where the prompt names a range that holds the rank of the case."""
    low, high = sample.case.vars["range"][sample.turns[0].completion.text.split("#")[1][:2]]
    passed = low <= sample.case.vars["rank"] < high
    return Score(float(passed), passed, reason=f"rank {sample.case.vars['rank']}")
'''
FILES = {
    "templates/task/v1.j2": "Answer this: {{ rank }} #v1\n",
    "templates/task/v2.j2": (
        "---\nparent: v1\npractices: [clear]\n---\nAnswer this clearly: {{ rank }} #v2\n"
    ),
    "templates/task/v3.j2": (
        "---\nparent: v2\nsampling: {max_tokens: 64}\n---\n"
        "{% user %}Answer this clearly: {{ rank }} #v3{% enduser %}{% generate draft %}"
        "{% user %}Say it again: {{ draft }}{% enduser %}\n"
    ),
    "suites/task.yaml": (
        'templates: ["task@*"]\nbackends: [priced]\ncases: cases.jsonl\nprimary: right\n'
        "scorers:\n  - checks_of_page:right\n"
        "  - length: {unit: words, max: 9}\n"
    ),
    "promptlab.toml": '[backends.priced]\nkind = "echo"\nprice = 2.5\n',
    "checks_of_page.py": CHECKS,
}
RANGES = {"v1": [0, 12], "v2": [0, 30], "v3": [6, 34]}


def cases(number: int = 40) -> str:
    """Return cases with numbers, lists and tags in them."""
    rows = [
        {
            "id": f"c{place:02}",
            "vars": {"rank": place, "range": RANGES, "weights": [1.5, {"deep": -2}]},
            "expect": place % 3 if place % 2 else {"answer": place},
            "tags": ["even" if place % 2 == 0 else "odd"],
        }
        for place in range(number)
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@dataclass(frozen=True)
class Made:
    """A report in every form, and the project that it is of."""

    root: Path
    view: ReportView
    document: dict[str, Any]
    html: str
    page: Page


def lay_out(root: Path, files: dict[str, str]) -> Path:
    """Write the files of a project."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return root


def typed(root: Path, *words: str) -> int:
    """Run a verb in a project, with an import path of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", sys.path.copy())
        return run_cli(["--project", str(root), *words])


def view_of(root: Path, *run_refs: str, **asked: Any) -> ReportView:
    """Return the view of a report of a project."""
    bench = Workbench(Session(folder=root))
    return report_view(report_of(bench, Asked(run_refs, **asked)))


def made_of(root: Path, view: ReportView) -> Made:
    """Return a report in every form, without charts."""
    html = report_html(view, {})
    document = json.loads(json.dumps(report_json(view)))
    return Made(root, view, document, html, parsed(html))


@pytest.fixture(scope="session")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with one run of three versions on forty cases."""
    files = {**FILES, "suites/cases.jsonl": cases()}
    root = lay_out(tmp_path_factory.mktemp("task"), files)
    assert typed(root, "run", "task", "--json") == 0
    return root


@pytest.fixture(scope="session")
def made(task: Path) -> Made:
    """Return the report of that run."""
    return made_of(task, view_of(task))


Maker = Callable[..., Made]
