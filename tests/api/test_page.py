"""The page on the Python API: every block of it runs, one after the other, as in a notebook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import promptlab

PAGE = Path(__file__).parent.parent.parent / "docs" / "python.md"
FILES = {
    "templates/sentiment/v1.j2": "What do you make of this review: {{ review }}\n",
    "templates/sentiment/v2.j2": (
        "---\nparent: v1\npractices: [clear]\n---\n"
        "{% user %}Is it positive or negative? {{ review }}{% enduser %}\n"
    ),
    "templates/sentiment/v3.j2": (
        "{% user %}Label this: {{ review }}{% enduser %}{% generate draft %}"
        '{% user %}What speaks against "{{ draft }}"?{% enduser %}\n'
    ),
    "templates/sentiment/aliases.yaml": "best: v2\n",
    "suites/sentiment.yaml": (
        'templates: ["sentiment@v1..v2"]\nbackends: [echo]\ncases: reviews.csv\n'
        "scorers:\n  - contains: {any: [positive]}\n"
    ),
    "suites/reviews.csv": "id,review\n" + "".join(f"r{n},Review {n}\n" for n in range(20)),
}

# A notebook's cells run in one namespace, inside a running loop, and may await.
NOTEBOOK = """
import ast, asyncio, inspect, pathlib, re, sys

async def run_cells(page):
    names = {"__name__": "__main__"}
    for cell in re.findall(r"^```python\\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        done = eval(compile(cell, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.isawaitable(done):
            await done
    return names

names = asyncio.run(run_cells(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
assert names["run"].status == "finished"
assert [row.comparison.verdict for row in names["comparisons"]] == ["better"]
assert [row.effect.verdict for row in names["effects"]] == ["better"]
assert names["messages"] == [
    {"role": "user", "content": "Is it positive or negative? Broke after a week."}
]
assert names["second"].messages[-1].text == 'What speaks against "Negative, I think."?'
"""


@pytest.mark.slow
def test_every_block_of_the_page_runs(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", NOTEBOOK, str(PAGE)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "v2 is better than v1: +100.0 points" in done.stdout
    assert "unknown suite 'sentimant'" in done.stdout


def test_the_page_has_every_name_that_is_offered() -> None:
    page = PAGE.read_text(encoding="utf-8")
    returned = {"Comparisons", "Difference", "Effects", "Forecast", "Project", "Prompt", "Results"}
    returned |= {"Looks", "Planning", "Report", "Run", "Version", "Answer", "Matrix"}
    returned |= {"JudgePassport", "Ratings"}  # made by calls, never by name
    missing = [
        name
        for name in promptlab.__all__
        if name not in returned and not re.search(rf"\bpromptlab\.{name}\b", page)
    ]
    assert missing == []
