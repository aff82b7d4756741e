"""`--format markdown`: for a pull request, with the numbers that the terminal has."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from promptlab.report.markdown.text import MOST
from tests.exporters.trials import HOSTILE

from .conftest import Promptlab
from .drawn import lay_out, suite, version, write

VERSIONS = {
    "v1": version("0-19"),
    "v2": version("0-17,20-35", "Answer @octocat, fixes #12 <b>."),
    "v3": version("0-21"),
}


@pytest.fixture
def ran(project: Path, promptlab: Promptlab) -> Path:
    """Return a project with a run of three versions."""
    lay_out(project, VERSIONS)
    assert promptlab("run", "task").code == 0
    return project


def printed(promptlab: Promptlab, *words: str) -> str:
    done = promptlab(*words)
    assert (done.code, done.err) == (0, ""), done.err
    return done.out


def page_of(markdown: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown))


def without_code(page: str) -> str:
    return re.sub(r"<(code|pre)\b.*?</\1>", "", page, flags=re.DOTALL)


@pytest.mark.slow
def test_the_conclusion_comes_first_and_every_number_is_the_terminals(
    ran: Path, promptlab: Promptlab
) -> None:
    text = printed(promptlab, "compare", "--baseline", "v1", "--format", "markdown")
    shown = printed(promptlab, "compare", "--baseline", "v1")
    first = " ".join(shown.partition("\n\n")[0].split())
    assert unescape(text.partition("\n")[0]) == f"**{first}**"
    table = next(part for part in shown.split("\n\n") if "won:lost" in part)
    cells = {cell for line in table.splitlines()[3:] for cell in re.split(r"\s{2,}", line) if cell}
    in_markdown = {
        unescape(cell.strip(" |`")) for line in text.splitlines() for cell in line.split(" | ")
    }
    assert cells
    assert cells - in_markdown == set()
    [row, _] = json.loads(printed(promptlab, "compare", "--baseline", "v1", "--json"))[
        "comparisons"
    ]
    assert f"{row['delta'] * 100:+.1f}" in text
    assert f"{row['wins']}:{row['losses']}" in text


@pytest.mark.slow
def test_the_cases_are_folded_away_with_question_and_answers(
    ran: Path, promptlab: Promptlab
) -> None:
    text = printed(promptlab, "compare", "--baseline", "v1", "--format", "markdown")
    found = json.loads(printed(promptlab, "compare", "--baseline", "v1", "--json"))["comparisons"]
    parts = re.findall(r"<details>.*?</details>", text, re.DOTALL)
    assert len(parts) == sum(bool(row[how]) for row in found for how in ("won", "lost"))
    won = next(part for part in parts if part.startswith("<details><summary><code>Won by v2"))
    ids = next(row for row in found if row["b"] == "task@v2")["won"]
    assert f"{len(ids)} cases" in won
    for case in ids:
        assert f"`{case}`" in won
    assert won.count("`task@v2`:") == 10  # the first ten with their answers, the rest by name
    assert won.count("`rank`:") == 10
    assert "0 -&gt; 1" in won


@pytest.mark.slow
def test_nothing_in_it_is_alive(project: Path, promptlab: Promptlab) -> None:
    write(project, "templates/t/v1.j2", "{{ x }}")
    write(project, "templates/t/v2.j2", "{{ x }} and more than there was <b>")
    texts = [text for text in HOSTILE if "\x00" not in text]
    cases = "".join(f"{json.dumps({'id': f'{x[:30]}{n}', 'x': x})}\n" for n, x in enumerate(texts))
    write(project, "suites/cases.jsonl", cases)
    plan = {
        "templates": ["t@*"],
        "backends": ["echo"],
        "cases": "cases.jsonl",
        "scorers": [{"length": {"unit": "characters", "max": 70}}],
    }
    write(project, "suites/s.yaml", json.dumps(plan))
    assert promptlab("run", "s").code == 0
    for words in (("compare",), ("diff", "t@v1", "t@v2")):
        page = page_of(printed(promptlab, *words, "--format", "markdown"))
        outside = without_code(page)
        ours = {"p", "strong", "table", "thead", "tbody", "tr", "th", "td", "br", "ul", "li"}
        ours |= {"details", "summary"}
        assert set(re.findall(r"<([a-z]+)", outside)) <= ours
        for mark in ("@", "#12", "://", "www.", "onerror", "\u202e", "\x1b"):
            assert mark not in outside
        assert outside.count("<details>") == outside.count("</details>") > 0


@pytest.mark.slow
def test_a_comment_of_github_has_room_for_it(project: Path, promptlab: Promptlab) -> None:
    more = "x" * 3_000
    versions = {f"v{n}": version(f"{n * 5}-{n * 5 + 20}", f"{n}{more}") for n in range(6)}
    lay_out(project, versions)
    assert promptlab("run", "task").code == 0
    text = printed(promptlab, "compare", "--format", "markdown")
    assert len(text) <= MOST
    assert "more characters" in text
    assert text.count("<details>") == text.count("</details>") > 5


@pytest.mark.slow
def test_a_diff_has_each_hunk_with_its_flips(project: Path, promptlab: Promptlab) -> None:
    a = "Right on 20-29. Item {{ rank }}.\nOne.\nTwo.\n"
    b = a.replace("One.", "Right on 0-9.\nOne.\nBe brief.")
    lay_out(project, {"v1": a, "v2": b})
    made = json.loads(printed(promptlab, "template", "split", "task@v1", "v2", "--json"))
    assert promptlab(*made["command"].split()[1:]).code == 0
    text = printed(promptlab, "diff", "task@v1", "v2", "--format", "markdown")
    first, _, second = text.partition("**Hunk 1")[2].partition("**Hunk 2")
    won = json.loads(printed(promptlab, "diff", "task@v1", "v2", "--json"))["hunks"][0]["won"]
    assert len(won) == 10
    assert set(re.findall(r"`(c\d\d)`", first)) == set(won)
    second = second.partition("<details>")[0]
    assert not re.findall(r"`c\d\d`", second)
    assert "No case flipped" in second
    assert "```diff\n+Be brief.\n```" in second
    same = printed(promptlab, "diff", "task@v1", "v1", "--format", "markdown")
    assert "are the same text" in same


@pytest.mark.slow
def test_practices_are_a_table_too(project: Path, promptlab: Promptlab) -> None:
    block = '{% practice "clear" %}Right on 0-9.{% endpractice %}\n'
    lay_out(
        project,
        {"v1": f"Right on 20-29. Item {{{{ rank }}}}.\n{block}"},
        suite(more="design: ablation\n"),
    )
    assert promptlab("run", "task").code == 0
    text = printed(promptlab, "practices", "--format", "markdown")
    [row] = json.loads(printed(promptlab, "practices", "--json"))["practices"]
    [line] = [line for line in text.splitlines() if line.startswith("| `clear` ")]
    assert f"{row['delta'] * 100:+.1f}" in line
    assert row["verdict"] in line
    assert text.startswith("**")


@pytest.mark.slow
def test_formats_are_not_mixed(ran: Path, promptlab: Promptlab) -> None:
    for verb in (("compare",), ("practices",), ("diff", "task@v1", "v2"), ("show",)):
        refused = promptlab(*verb, "--json", "--format", "markdown")
        assert (refused.code, refused.out) == (2, "")
        assert "--json cannot be combined with --format markdown" in refused.err
    as_json = printed(promptlab, "compare", "--json")
    assert printed(promptlab, "compare", "--json", "--format", "json") == as_json
    assert printed(promptlab, "compare", "--format", "json") == as_json
    assert printed(promptlab, "compare", "--format", "text") == printed(promptlab, "compare")
    for words in (("--patch", "--format", "markdown"), ("--case", "c00", "--format", "markdown")):
        assert promptlab("diff", "task@v1", "v2", *words).code == 2
