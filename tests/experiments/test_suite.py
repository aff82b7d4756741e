from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.experiments.suite import Suite, load_suite, suite_names

Write = Callable[[str, str], Path]

FULL = """
description: Does naming the labels help?
templates: ["sentiment@*"]
backends: [smollm2]
cases: data/sentiment.jsonl
columns: {id: nr, expect: label}
scorers:
  - exact_match: {target: "{{ expect }}", ignore_case: true}
  - length
primary: exact_match
grade: draft
sampling: {temperature: 0, max_tokens: 8}
repeats: 2
seed: 1
holdout: 0.5
design: ablation
gates: ["exact_match >= 0.8"]
"""
SMALL = "templates: t\nbackends: echo\ncases: [{q: x}]\nscorers: [length]\n"


@pytest.fixture
def load(write: Write, project: Path) -> Callable[[str], Suite]:
    def load_text(text: str) -> Suite:
        write("suites/s.yaml", text)
        return load_suite(project / "suites", "s")

    return load_text


def mistake(action: Callable[[], object]) -> str:
    with pytest.raises(PromptlabError) as caught:
        action()
    return str(caught.value)


def test_all_keys_are_read(load: Callable[[str], Suite], write: Write) -> None:
    suite = load(FULL)
    write("suites/data/sentiment.jsonl", '{"nr": 1, "review": "good", "label": "positive"}')
    (case,) = suite.read_cases()
    assert (case.id, case.vars, case.expect) == ("1", {"nr": 1, "review": "good"}, "positive")
    assert suite.assets == suite.path.parent / "data"
    assert suite.settings.templates == ("sentiment@*",)
    assert suite.settings.scorers[1] == "length"
    assert suite.settings.sampling.given() == {"temperature": 0, "max_tokens": 8}
    assert (suite.settings.repeats, suite.settings.holdout) == (2, 0.5)


def test_one_template_or_backend_needs_no_list(load: Callable[[str], Suite]) -> None:
    settings = load(SMALL).settings
    assert (settings.templates, settings.backends) == (("t",), ("echo",))
    assert (settings.repeats, settings.seed, settings.holdout) == (1, 0, 0)
    assert (settings.design, settings.primary, settings.grade) == ("versions", None, None)


def test_cases_stand_inline(load: Callable[[str], Suite]) -> None:
    suite = load(SMALL.replace("{q: x}", "{q: x, expect: yes}, {id: b, vars: {q: 2024-01-31}}"))
    first, second = suite.read_cases()
    assert (first.vars, first.expect) == ({"q": "x"}, "yes")
    assert second.vars == {"q": "2024-01-31"}
    assert suite.assets == suite.path.parent


@pytest.mark.parametrize("name", ["s", "s.yaml", "suites/s.yaml"])
def test_a_suite_is_found_by_name_or_file(write: Write, project: Path, name: str) -> None:
    write("suites/s.yaml", SMALL)
    write("suites/a.b.yaml", SMALL)
    write("suites/data.jsonl", "")
    assert load_suite(project / "suites", name).name == "s"
    assert load_suite(project / "suites", "a.b").name == "a.b"
    assert suite_names(project / "suites") == ["a.b", "s"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../away", "unknown suite '../away'"),
        ("../away.yaml", "../away.yaml is not in"),
        ("../../away", "unknown suite '../../away'"),
        ("data/../s", "unknown suite 'data/../s'"),
        ("data/x", "unknown suite 'data/x'"),
        ("", "unknown suite ''"),
        (".", "unknown suite '.'"),
    ],
)
def test_a_suite_is_a_name_and_no_path(
    write: Write, project: Path, name: str, message: str
) -> None:
    write("away.yaml", SMALL)
    write("suites/s.yaml", SMALL)
    write("suites/data/x.yaml", SMALL)
    assert mistake(lambda: load_suite(project / "suites", name)).startswith(message)
    away = str(project / "away")
    assert mistake(lambda: load_suite(project / "suites", away)).startswith("unknown suite")


def test_an_unknown_suite_is_reported(write: Write, project: Path) -> None:
    assert mistake(lambda: load_suite(project / "suites", "x")) == (
        "unknown suite 'x' (there are none yet)"
    )
    write("suites/sentiment.yaml", SMALL)
    assert mistake(lambda: load_suite(project / "suites", "sentimant")) == (
        "unknown suite 'sentimant' (did you mean 'sentiment'?)"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cases:", "case:", ":3: case: unknown key 'case' (did you mean 'cases'?)"),
        ("scorers: [length]\n", "", ":1: scorers: the key 'scorers' is missing (add it)"),
        ("templates: t", "templates: []", ":1: templates: the list is empty (write at least one"),
        ("templates: t", "templates: [1]", ":1: templates.0: expected text, found 1 (put it in"),
        ("[length]", "length", ":4: scorers: expected a list, found 'length'"),
        ("[length]", "[3]", ":4: scorers.0: expected text or keys and values, found 3"),
        ("[{q: x}]", "3", ":3: cases: expected text or a list, found 3"),
        ("[{q: x}]", "[{q: x}, z]", ":3: cases.1: expected keys and values, found 'z'"),
        ("echo", "echo\nrepeats: 0", ":3: repeats: expected a number greater than or equal to 1"),
        ("echo", "echo\nrepeats: many", ":3: repeats: expected a whole number, found 'many'"),
        ("echo", "echo\nholdout: 1", ":3: holdout: expected a number less than 1, found 1"),
        ("echo", "echo\ndesign: version", ":3: design: expected 'versions', 'ablation' or "
         "'factorial', found 'version' (did you mean 'versions'?)"),
        ("echo", "echo\ncolumns: {label: q}", ":3: columns.label: expected 'id', 'expect', 'tags'"),
        ("echo", "echo\nsampling:\n  temprature: 1",
         ":4: sampling.temprature: unknown key 'temprature' (did you mean 'temperature'?)"),
        ("echo", "echo\nseed: 1\nseed: 2", ":4: seed: the key 'seed' appears twice (keep one of"),
        ("echo", "echo: bad: x", ":2: bad YAML: "),
    ],
)  # fmt: skip
def test_mistakes_are_reported_with_file_line_and_key_path(
    load: Callable[[str], Suite], old: str, new: str, message: str
) -> None:
    error = mistake(lambda: load(SMALL.replace(old, new, 1)))
    assert error.startswith(f"suites/s.yaml{message}")
    assert "\n" not in error


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ("no.jsonl", "suites/s.yaml:3: cases: there is no file 'no.jsonl' (paths start from the"),
        (".", "suites/s.yaml:3: cases: there is no file '.'"),
        ("s.yaml", "suites/s.yaml: expected a list of cases"),
        ("s.txt", "suites/s.txt: cases cannot be read from .txt"),
        ("[{id: a}, {id: a}]",
         "suites/s.yaml:3: cases.1: the case id 'a' appears twice, first at suites/s.yaml:3"),
        ("[]", "suites/s.yaml:3: cases: there are no cases (add at least one row)"),
    ],
)  # fmt: skip
def test_mistakes_in_cases_are_reported(
    load: Callable[[str], Suite], write: Write, cases: str, message: str
) -> None:
    write("suites/s.txt", "x")
    assert mistake(load(SMALL.replace("[{q: x}]", cases)).read_cases).startswith(message)


def test_cases_may_lie_anywhere(load: Callable[[str], Suite], tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("q\n")
    message = mistake(load(SMALL.replace("[{q: x}]", str(tmp_path / "c.csv"))).read_cases)
    assert message == f"{tmp_path}/c.csv: there are no cases (add at least one row)"
