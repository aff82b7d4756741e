"""`promptlab diff`: two versions, in text and in size."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import FILES, Gold, Promptlab, edit

LAME = """\
from promptlab.backends.echo import Echo
from promptlab.core.errors import BackendError

class Lame(Echo):
    def count_tokens(self, request):
        raise BackendError("its extra is not installed", hint="install it")
"""


def document(promptlab: Promptlab, *words: str) -> Any:
    ran = promptlab("diff", *words, "--json")
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


def mistake(promptlab: Promptlab, *words: str) -> str:
    ran = promptlab("diff", *words)
    assert (ran.code, ran.out) == (2, "")
    [line] = ran.err.splitlines()
    return line.removeprefix("Error: ")


def add(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def other(project: Path) -> Path:
    """Return the project with a second template."""
    add(project, "templates/part/v1.j2", "Say goodbye to {{ name }}.\n")
    add(project, "templates/part/v9.j2", "Say goodbye.\n")
    return project


# What is printed


def test_two_versions(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    ran = promptlab("diff", "greet@v1", "greet@v2")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    gold("diff.txt", "diff", ran.out)


def test_one_case(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    ran = promptlab("diff", "v1", "v2", "--case", "ben")
    assert (ran.code, ran.err) == (0, "")
    gold("diff.txt", "diff --case", ran.out)


def test_answers_to_come_are_stood_in_for(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    text = FILES["templates/greet/v2.j2"] + (
        "{% generate draft %}\n{% user %}Once more, warmer.{% enduser %}\n"
    )
    add(project, "templates/greet/v3.j2", text)
    gold("diff.txt", "diff of turns", promptlab("diff", "v2", "v3", "--case", "ada").out)


def test_equal_versions(project: Path, promptlab: Promptlab) -> None:
    add(project, "templates/greet/v3.j2", FILES["templates/greet/v1.j2"])
    ran = promptlab("diff", "greet@v1", "v3", "--case", "ada")
    digest = document(promptlab, "greet@v1", "v3")["digest_a"]
    assert ran.out == f"greet@v1 and greet@v3 are the same text (digest {digest})\n"
    assert ran.code == 0
    assert promptlab("diff", "v1", "v3", "--patch").out == ""


def test_nothing_is_stored(project: Path, promptlab: Promptlab) -> None:
    promptlab("diff", "v1", "v2")
    assert not (project / "promptlab.db").exists()


# References


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("greet@v1", "greet@v2"),
        ("greet@v1", "greet"),
        ("greet@v1", "v2"),
        ("v1", "v2"),
        ("first", "best"),
        ("greet@first", "greet@v2..v2"),
    ],
)
def test_ways_to_name_a_version(
    project: Path, promptlab: Promptlab, first: str, second: str
) -> None:
    add(project, "templates/greet/aliases.yaml", "first: v1\nbest: v2\n")
    described = document(promptlab, first, second)
    assert (described["a"], described["b"]) == ("greet@v1", "greet@v2")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("v1", "v2", ("greet@v1", "greet@v2")),  # greet alone has both
        ("v9", "v1", ("part@v9", "part@v1")),
        ("v1", "part@v9", ("part@v1", "part@v9")),
        ("v1", "greet", ("greet@v1", "greet@v2")),
    ],
)
def test_the_other_side_says_of_which_template_a_version_is(
    other: Path, promptlab: Promptlab, first: str, second: str, expected: tuple[str, str]
) -> None:
    described = document(promptlab, first, second)
    assert (described["a"], described["b"]) == expected


def test_versions_of_two_templates(other: Path, promptlab: Promptlab) -> None:
    described = document(promptlab, "greet@v1", "part@v9")
    assert (described["a"], described["b"]) == ("greet@v1", "part@v9")
    assert described["files"][0]["path_b"] == "templates/part/v9.j2"
    assert described["variables"] == {"added": [], "dropped": ["name"]}
    assert document(promptlab, "part@v1", "v9")["b"] == "part@v9"
    assert document(promptlab, "part@v1", "greet")["b"] == "greet@v2"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["greet@v1", "v7"], "unknown template or version 'v7' (known: greet, part, v1, v2)"),
        (["gret", "greet"], "unknown template 'gret' (did you mean 'greet'?)"),
        (["gret@v1", "greet"], "unknown template 'gret' (did you mean 'greet'?)"),
        (["greet@v1", "greet@v7"], "unknown version 'v7' of greet (known: v1, v2)"),
        (
            ["v1", "v1"],
            "'v1' may be a version of greet or of part (write greet@v1 or part@v1)",
        ),
        (["v9", "v2"], "unknown template or version 'v2' (known: greet, part, v1, v9)"),
        (
            ["greet@*", "v1"],
            "'greet@*' names 2 versions (choose one of greet@v1, greet@v2)",
        ),
        (["greet@v1", "v2", "--patch", "--json"], "--patch cannot be combined with --json"),
        (["greet@v1", "v2", "--patch", "--case", "ada"], "--patch cannot be combined with --case"),
        (["greet@v1", "v2", "--case", "aida"], "unknown case 'aida' of suite greet (did you"),
        (["greet@v1", "v2", "--suite", "gret"], "unknown suite 'gret' (did you mean 'greet'?)"),
        (["greet@v1", "part", "--case", "ada"], "no suite has both greet@v1 and part@v9 (name"),
        (["greet@v1", "v2", "-b", "nobody"], "--backend: unknown backend 'nobody'"),
    ],
)
def test_mistakes(other: Path, promptlab: Promptlab, words: list[str], expected: str) -> None:
    assert mistake(promptlab, *words).startswith(expected)


def test_a_word_that_is_nothing_in_a_project_of_one_template(
    project: Path, promptlab: Promptlab
) -> None:
    expected = "unknown template or version 'gret' (did you mean 'greet'?)"
    assert mistake(promptlab, "gret", "v1") == expected


# The patch


def test_git_applies_the_patch(project: Path, promptlab: Promptlab) -> None:
    first, second = (project / f"templates/greet/v{number}.j2" for number in (1, 2))
    first.write_bytes(b"\xef\xbb\xbfSay hello\r\nto {{ name }}.")
    wanted = second.read_bytes()
    ran = promptlab("diff", "v1", "v2", "--patch")
    second.unlink()
    command = ["git", "apply", "--whitespace=nowarn", "-"]
    subprocess.run(command, cwd=project, input=ran.out.encode(), check=True, capture_output=True)
    assert second.read_bytes() == wanted
    assert first.read_bytes().endswith(b".")


# Size


def test_tokens_are_counted_on_the_cases_of_the_suite(project: Path, promptlab: Promptlab) -> None:
    assert document(promptlab, "v1", "v2")["tokens"] == {
        "a": 4,
        "b": 10,
        "delta": 6,
        "unit": "tokens",
        "counted_by": "echo",
        "suite": "greet",
        "cases": 3,
    }


def test_of_many_cases_some_are_counted(project: Path, promptlab: Promptlab) -> None:
    cases = "".join(
        json.dumps({"id": f"c{n}", "name": " ".join("x" * n)}) + "\n" for n in range(1, 101)
    )
    add(project, "suites/people.jsonl", cases)
    tokens = document(promptlab, "v1", "v2")["tokens"]
    assert (tokens["cases"], tokens["a"]) == (20, 3 + sum(range(1, 101, 5)) / 20)
    assert "the mean over 20 of 100 cases of suite greet" in promptlab("diff", "v1", "v2").out


def test_the_first_suite_that_has_both_is_taken_unless_one_is_named(
    project: Path, promptlab: Promptlab
) -> None:
    suite = FILES["suites/greet.yaml"]
    add(project, "suites/a_broken.yaml", "templates: [nothing@v1]\n")
    add(project, "suites/b_one.yaml", suite.replace('"greet@*"', '"greet@v1"'))
    add(project, "suites/c_blind.yaml", suite.replace("people.jsonl", "[{other: 1}]"))
    add(project, "suites/z_later.yaml", suite.replace("people.jsonl", "[{id: x, name: Zo}]"))
    assert document(promptlab, "v1", "v2")["tokens"]["suite"] == "greet"
    named = document(promptlab, "v1", "v2", "--suite", "z_later", "--case", "x")
    assert (named["tokens"]["suite"], named["tokens"]["cases"]) == ("z_later", 1)
    assert named["case"]["suite"] == "z_later"
    message = mistake(promptlab, "v1", "v2", "--suite", "c_blind")
    assert "'name' is undefined, in case" in message
    assert "templates/greet/v1.j2:1" in message


def test_a_backend_may_be_named(project: Path, promptlab: Promptlab) -> None:
    add(project, "promptlab.toml", '[backends.parrot]\nkind = "echo"\n')
    tokens = document(promptlab, "v1", "v2", "-b", "parrot")["tokens"]
    assert (tokens["counted_by"], tokens["unit"]) == ("parrot", "tokens")


def test_a_backend_that_cannot_count_matters_only_where_it_is_named(
    project: Path, promptlab: Promptlab
) -> None:
    add(project, "backends_without_extra.py", LAME)
    add(project, "promptlab.toml", '[backends.lame]\nkind = "backends_without_extra:Lame"\n')
    edit(project / "suites/greet.yaml", "[echo]", "[lame, echo]")
    assert document(promptlab, "v1", "v2")["tokens"]["counted_by"] == "echo"
    message = mistake(promptlab, "v1", "v2", "-b", "lame", "--json")
    assert message == "its extra is not installed (install it)"


def test_without_a_suite_the_texts_are_counted(project: Path, promptlab: Promptlab) -> None:
    (project / "suites/greet.yaml").unlink()
    add(project, "promptlab.toml", '[backends.parrot]\nkind = "echo"\n')
    tokens = document(promptlab, "v1", "v2")["tokens"]
    assert (tokens["a"], tokens["counted_by"], tokens["suite"]) == (6, "parrot", None)
    assert tokens["cases"] is None


def test_characters_are_counted_where_no_backend_counts(
    project: Path, promptlab: Promptlab, gold: Gold
) -> None:
    edit(project / "suites/greet.yaml", "[echo]", "['openai:some', remote]")
    add(project, "promptlab.toml", '[backends.wrong]\nkind = "none"\n')
    tokens = document(promptlab, "v1", "v2")["tokens"]
    assert (tokens["unit"], tokens["counted_by"]) == ("characters", None)
    assert (
        tokens["a"] == sum(len(f"Say hello to {name}.") for name in ("Ada", "Benjamin", "Eve")) / 3
    )
    gold("diff.txt", "diff without a tokenizer", promptlab("diff", "v1", "v2").out)
