"""Cases that flipped stand at the hunk that flipped them, in the page as in the document."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Made, lay_out, made_of, typed, view_of

BODY = "Answer {{ rank }} #v1\nOne.\nTwo.\n"
CHECK = '''\
def right(sample):
    """Right on ranks of 20 to 29, with the first hunk also below 10."""
    rank = sample.case.vars["rank"]
    return 20 <= rank < 30 or ("Be right" in sample.output and rank < 10)
'''
FILES = {
    "templates/task/v1.j2": BODY,
    "templates/task/v2.j2": "---\nparent: v1\n---\n"
    + BODY.replace("One.", "Be right.\nOne.").replace("Two.", "Be brief.\nTwo."),
    "suites/task.yaml": (
        'templates: ["task@*"]\nbackends: [echo]\nscorers: [checks_of_flips:right]\ncases:\n'
        + "".join(f"  - {{id: c{place:02}, vars: {{rank: {place}}}}}\n" for place in range(40))
    ),
    "checks_of_flips.py": CHECK,
}
TEN = [f"c{place:02}" for place in range(10)]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a run of two versions, hunk 1 of which wins ten cases, hunk 2 none."""
    root = lay_out(tmp_path_factory.mktemp("planted"), FILES)
    assert typed(root, "run", "task", "--json") == 0
    return root


def hunks(made: Made, step: int) -> list[str]:
    """Return the hunks of a step of the page, each as its markup."""
    article = made.html.split(f'id="step-{step}"')[1].split("</article>")[0]
    return article.split('<figure class="hunk"')[1:]


def cases_in(html: str) -> list[str]:
    return re.findall(r'href="#case-(c\d\d)"', html)


def test_hunks_that_changed_at_once_are_not_told_apart(planted: Path) -> None:
    made = made_of(planted, view_of(planted))
    first, second = hunks(made, 0)
    assert cases_in(first) == cases_in(second) == []
    command = "promptlab --project"
    assert f"What tells them apart: {command}" in made.page.text
    assert "2 hunks changed at once, and no text between was measured" in made.page.text
    [step] = made.document["hunks"]
    assert step["won"] == TEN
    assert [hunk["measured"] for hunk in step["hunks"]] == [None, None]


def test_ten_cases_stand_at_the_hunk_that_won_them(planted: Path, tmp_path: Path) -> None:
    between = FILES["templates/task/v2.j2"].replace("Be brief.\n", "")
    root = lay_out(tmp_path, {**FILES, "templates/task/v1b.j2": between})
    assert typed(root, "run", "task", "--json") == 0
    made = made_of(root, view_of(root))
    places = {(step["a"], step["b"]): at for at, step in enumerate(made.document["hunks"])}
    at = places["task@v1", "task@v2"]
    first, second = hunks(made, at)
    assert (cases_in(first), cases_in(second)) == (TEN, [])
    assert "No case flipped of 40 cases" in second
    document = made.document["hunks"][at]["hunks"]
    assert ([*document[0]["won"]], document[1]["won"], document[1]["lost"]) == (TEN, [], [])
    case = made.html.split('id="case-c03"')[1].split('class="case-box"')[0]
    assert f'flipped where this alone changed: <a href="#step-{at}-1">hunk 1</a>' in case
