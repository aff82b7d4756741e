"""The page: its policy, its parts, what it says without script, and what it leaves out."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from promptlab.report.html.page.markup import tag, text
from promptlab.report.html.page.palette import (
    COLOURS,
    DRAWN,
    INK,
    MUTED,
    PAPER,
    Colour,
    contrast,
)
from promptlab.workbench.shown_cells import Room

from .conftest import FILES, Made, cases, lay_out, made_of, typed, view_of

POLICY = "Content-Security-Policy"


def policy(made: Made) -> str:
    [found] = [
        values["content"]
        for name, values in made.page.tags
        if name == "meta" and values.get("http-equiv") == POLICY
    ]
    assert found is not None
    return found


def sha(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(made: Made) -> None:
    [style], [script] = made.page.styles, made.page.scripts
    parts = dict(part.split(" ", 1) for part in policy(made).split("; "))
    assert parts["default-src"] == "'none'"
    assert parts["style-src"] == sha(style)
    assert parts["script-src"] == sha(script)
    assert "unsafe" not in policy(made)


def test_nothing_is_loaded_and_no_attribute_holds_style_or_script(made: Made) -> None:
    names = {name for _, values in made.page.tags for name in values}
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "src"})
    assert not re.search(r"url\(|@import", made.page.styles[0])
    assert "http" not in made.page.styles[0] + made.page.scripts[0]


def test_the_conclusion_comes_first_in_the_terminals_words(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    headline = made.view.headline
    assert made.page.text.index(headline) < made.page.text.index("Paired differences", 400)
    assert made.view.comparison is not None
    assert made.view.comparison.headline == headline
    capsys.readouterr()
    assert typed(made.root, "compare") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith(" ".join(headline.split()))


def test_all_parts_are_there_in_order(made: Made) -> None:
    sections = [values["id"] for name, values in made.page.tags if name == "section"]
    assert sections == [
        *("conclusion", "arms", "differences", "decomposition", "practices", "history"),
        *("cost", "cases", "text", "details", "outcomes", "ledger", "made", "figures"),
    ]


def test_a_case_shows_both_outputs_and_the_hunk_that_changed(made: Made) -> None:
    html = made.html
    start = html.index('id="case-c20"')
    case = html[start : html.index('class="case-box"', start)]
    assert "Won by task@v2 against task@v1" in case
    assert 'this alone changed: <a href="#step-0-1">hunk 1</a>' in case
    assert re.search(r"<ins>\s*clearly\s*</ins>", case)
    assert 'id="step-0-1"' in html


@pytest.mark.slow
def test_a_page_of_the_same_evidence_is_the_same(made: Made) -> None:
    again = made_of(made.root, view_of(made.root))
    assert again.html == made.html


@pytest.mark.slow
def test_addresses_survive_a_new_run(made: Made, tmp_path: Path) -> None:
    root = lay_out(tmp_path, {**FILES, "suites/cases.jsonl": cases(12)})
    assert typed(root, "run", "task", "--json") == 0
    anew = made_of(root, view_of(root))
    cells = {id_ for id_ in anew.page.ids if "--" in id_}
    assert len(cells) == 36
    assert cells <= set(made.page.ids)


@pytest.mark.slow
def test_what_does_not_fit_is_counted_and_the_command_that_shows_it_is_named(made: Made) -> None:
    small = made_of(made.root, view_of(made.root, room=Room(trials=30)))
    matrix = small.document["matrix"]
    assert (len(matrix["cases"]), matrix["n_cases"], matrix["shown"]) == (10, 40, 10)
    kinds = matrix["kinds"]
    assert sum(kind["cases"] for kind in kinds.values()) == 40
    assert all(kind["shown"] > 0 for kind in kinds.values() if kind["cases"])
    assert "10 of 40 cases are shown" in small.page.text
    run_id = small.view.run_ids[0]
    assert f"promptlab show {run_id} --matrix --limit 40 shows all of them" in small.page.text
    assert len(small.html) < len(made.html)


def test_one_arm_alone_makes_a_report(task: Path, tmp_path: Path) -> None:
    root = lay_out(tmp_path, {**FILES, "suites/cases.jsonl": cases(4)})
    assert typed(root, "run", "task", "-t", "task@v1", "--json") == 0
    alone = made_of(root, view_of(root))
    assert alone.document["compare"] is None
    assert "1 arm, 4 trials: nothing is compared." in alone.page.text
    assert "There is nothing to compare by version" in alone.page.text


def test_markup_shows_what_a_text_holds() -> None:
    assert text("<b>\u202e&\x1b") == "&lt;b&gt;&lt;U+202E&gt;&amp;^["
    assert tag("p", "<i>", tag("b", '"')) == "<p>&lt;i&gt;<b>&quot;</b></p>"
    assert tag("a", "x", href='#" onclick="y', id=None, hidden=True) == (
        '<a href="#&quot; onclick=&quot;y" hidden>x</a>'
    )


@pytest.mark.parametrize("colour", DRAWN, ids=lambda colour: str(colour.name))
def test_what_charts_draw_stands_out(colour: Colour) -> None:
    assert colour in COLOURS
    assert contrast(colour.light, PAPER.light) >= 3
    assert contrast(colour.dark, PAPER.dark) >= 3


@pytest.mark.parametrize("colour", [INK, MUTED], ids=lambda colour: str(colour.name))
def test_letters_stand_out_more(colour: Colour) -> None:
    for back in [each for each in COLOURS if each.name in ("paper", "shade")]:
        assert contrast(colour.light, back.light) >= 4.5
        assert contrast(colour.dark, back.dark) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
