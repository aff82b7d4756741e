"""Texts that were run and have no file any more: shown, compared, and had back."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FILES, Promptlab, edit

V1, V2 = FILES["templates/greet/v1.j2"], FILES["templates/greet/v2.j2"]


@pytest.fixture
def changed(ran_project: Path) -> Path:
    """Return the project with one run, v1 edited and v2 deleted since, and a new v3."""
    edit(ran_project / "templates/greet/v1.j2", "Say", "Whisper")
    (ran_project / "templates/greet/v2.j2").unlink()
    (ran_project / "templates/greet/v3.j2").write_text("Hi {{ name }}\n", encoding="utf-8")
    return ran_project


def document(promptlab: Promptlab, *words: str) -> Any:
    ran = promptlab(*words, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def log(promptlab: Promptlab) -> dict[str, Any]:
    """Return the rows of past texts by their version."""
    rows = document(promptlab, "template", "log", "greet")
    return {row["version"]: row for row in rows if not row["current"]}


def names_of(row: dict[str, Any]) -> list[str]:
    """Return all names under which verbs print a past text."""
    digest, version = row["digest"], row["version"]
    label = f"{version} [{digest[3:9]}]"
    return [digest, digest[:11], label, f"greet@{label}"]


def test_the_log_tells_edited_from_deleted(changed: Path, promptlab: Promptlab) -> None:
    past = log(promptlab)
    assert {version: row["fate"] for version, row in past.items()} == {
        "v1": "edited",
        "v2": "deleted",
    }
    printed = promptlab("template", "log", "greet").out
    assert "(edited since)" in printed
    assert "(deleted since)" in printed


@pytest.mark.parametrize(("version", "text"), [("v1", V1), ("v2", V2)])
def test_a_past_text_is_shown_by_every_name(
    changed: Path, promptlab: Promptlab, version: str, text: str
) -> None:
    row = log(promptlab)[version]
    names = [*names_of(row), *(["v2", "greet@v2"] if version == "v2" else [])]
    for name in names:
        shown = document(promptlab, "template", "show", name)
        assert (shown["source"], shown["digest"]) == (text, row["digest"])
        assert shown["version"] == f"{version} [{row['digest'][3:9]}]"


@pytest.mark.slow
def test_a_past_text_is_rendered_and_compared(changed: Path, promptlab: Promptlab) -> None:
    for name in names_of(log(promptlab)["v1"]):
        assert "Say hello to Zoë." in promptlab("template", "render", name, "-p", "name", "Zoë").out
        difference = promptlab("diff", name, "v1").out
        assert "-Say hello to {{ name }}." in difference
        assert "+Whisper hello to {{ name }}." in difference
    assert promptlab("run", "greet", "-t", "v3", "-t", "v1").code == 0
    for name in names_of(log(promptlab)["v1"]):
        compared = document(promptlab, "compare", "--baseline", name)
        assert len(compared["comparisons"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("run", "greet", "-t", "{}"),
        ("template", "tag", "{}", "best"),
        ("diff", "{}", "v3", "--patch"),
    ],
    ids=["run", "tag", "patch"],
)
def test_what_needs_a_file_says_how_to_have_it_back(
    changed: Path, promptlab: Promptlab, words: tuple[str, ...]
) -> None:
    row = log(promptlab)["v1"]
    remedy = f"promptlab template new --from {row['digest'][:11]} greet"
    for name in names_of(row):
        ran = promptlab(*(word.format(name) for word in words))
        assert ran.code == 2
        assert len(ran.err.splitlines()) == 1
        assert f"(to have it back: {remedy})" in ran.err


@pytest.mark.slow
def test_the_remedy_after_an_edit_keeps_the_old_text(changed: Path, promptlab: Promptlab) -> None:
    digest = log(promptlab)["v1"]["digest"]
    note = promptlab("run", "greet").err
    remedy = note[note.index("promptlab template") : note.rindex(")")]
    assert promptlab(*shlex.split(remedy)[1:]).out == "created templates/greet/v4.j2\n"
    assert (changed / "templates/greet/v4.j2").read_text(encoding="utf-8") == V1
    assert log(promptlab)["v1"]["kept_as"] == "v4"
    assert document(promptlab, "template", "show", digest)["version"] == "v4"
    assert "no model call was made" in promptlab("run", "greet", "-t", "v4").out


def test_a_deleted_version_comes_back_under_its_label(changed: Path, promptlab: Promptlab) -> None:
    ran = promptlab("template", "new", "greet", "--from", "v2", "--version", "v2")
    assert (ran.code, ran.err) == (0, "")
    assert (changed / "templates/greet/v2.j2").read_text(encoding="utf-8") == V2
    assert "v2" not in log(promptlab)


@pytest.mark.slow
def test_other_includes_are_told(project: Path, promptlab: Promptlab) -> None:
    shared = project / "templates/_shared/rules.j2"
    shared.parent.mkdir()
    shared.write_text("Be brief.\n", encoding="utf-8")
    edit(project / "templates/greet/v1.j2", "Say", '{% include "_shared/rules.j2" %} Say')
    assert promptlab("run", "greet").code == 0
    shared.write_text("Be long.\n", encoding="utf-8")
    digest = log(promptlab)["v1"]["digest"]
    assert document(promptlab, "template", "show", digest)["includes"] == {
        "_shared/rules.j2": "Be brief.\n"
    }
    assert (
        "greet@v3 is not all that was run"
        in promptlab("template", "new", "greet", "--from", digest).err
    )


def test_a_template_that_was_deleted_comes_back(changed: Path, promptlab: Promptlab) -> None:
    for file in (changed / "templates/greet").iterdir():
        file.unlink()
    assert {row["fate"] for row in log(promptlab).values()} == {"deleted"}
    assert promptlab("template", "new", "greet", "--from", "v1").code == 0
    assert (changed / "templates/greet/v1.j2").read_text(encoding="utf-8") == V1


def test_show_takes_every_name_of_a_version(ran_project: Path, promptlab: Promptlab) -> None:
    (ran_project / "templates/greet/aliases.yaml").write_text("best: v2\n", encoding="utf-8")
    digest = document(promptlab, "template", "show", "greet@v2")["digest"]
    names = ["greet@v2", "v2", "best", "greet@best", digest, digest[:11], f"v2 [{digest[3:9]}]"]
    for name in names:
        trials = document(promptlab, "show", "-t", name)["results"]
        assert {row["version"] for row in trials} == {"v2"}
    ran = promptlab("show", "-t", "b2:00000000")
    assert ran.err == (
        "Error: unknown text 'b2:00000000' of this run (known: greet@v1, greet@v2)\n"
    )


@pytest.mark.slow
def test_a_version_alone_is_taken_by_every_verb(ran_project: Path, promptlab: Promptlab) -> None:
    for words in (
        ("run", "greet", "-t", "v2"),
        ("run", "greet", "-t", "v1..v2", "--until-decided", "--baseline", "v2"),
        ("run", "greet", "--gate", "no-worse v1 by 0.9", "--dry-run"),
        ("template", "show", "v1"),
        ("template", "tag", "v2", "best"),
        ("template", "new", "greet", "--from", "v1"),
        ("run", "greet", "-t", "best"),
        ("diff", "v1", "best"),
    ):
        ran = promptlab(*words)
        assert ran.code == 0, (words, ran.err)
    (ran_project / "templates/other").mkdir()
    (ran_project / "templates/other/v2.j2").write_text("Bye {{ name }}\n", encoding="utf-8")
    assert promptlab("run", "greet", "-t", "v2").code == 0  # the suite is about greet
    assert promptlab("template", "show", "v2").err == (
        "Error: 'v2' may be a version of greet or of other (write greet@v2 or other@v2)\n"
    )


def test_an_imported_text_is_not_made_a_prompt(project: Path, promptlab: Promptlab) -> None:
    rows = "template,case,score,output\nplain,a,1,yes\nplain,b,0,no\n"
    (project / "scores.csv").write_text(rows, encoding="utf-8")
    assert promptlab("import", "scores.csv", "--suite", "mail").code == 0
    ran = promptlab("template", "new", "mail", "--from", "plain")
    assert ran.code == 2
    assert "the text of mail@plain is not known" in ran.err
    assert not (project / "templates/mail").exists()


def test_a_text_is_written_back_as_it_was(changed: Path, promptlab: Promptlab) -> None:
    row = log(promptlab)["v2"]
    for name in names_of(row):
        ran = promptlab("template", "restore", name)
        assert (ran.code, ran.err) == (0, "")
        assert "greet@v2 is again what was run: its results belong to it" in ran.out
        assert (changed / "templates/greet/v2.j2").read_text(encoding="utf-8") == V2
        assert "has this text already" in promptlab("template", "restore", name).out
        (changed / "templates/greet/v2.j2").unlink()
    promptlab("template", "restore", row["digest"])
    assert document(promptlab, "run", "greet", "-t", "greet@v2")["calls"] == 0


def test_no_other_text_is_overwritten(changed: Path, promptlab: Promptlab) -> None:
    digest = log(promptlab)["v1"]["digest"]
    refused = promptlab("template", "restore", digest)
    assert (refused.code, refused.out) == (2, "")
    assert "templates/greet/v1.j2: has another text" in refused.err
    assert "Whisper" in (changed / "templates/greet/v1.j2").read_text(encoding="utf-8")
    assert promptlab("template", "restore", digest, "--as", "v4").code == 0
    assert (changed / "templates/greet/v4.j2").read_text(encoding="utf-8") == V1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("b2:000000",), "no text is known"),
        (("greet@v1", "--as", "../v9"), "is not a valid version name"),
    ],
)
def test_what_cannot_be_restored_is_told(
    changed: Path, promptlab: Promptlab, words: tuple[str, ...], said: str
) -> None:
    ran = promptlab("template", "restore", *words)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert said in ran.err


def test_what_a_text_includes_comes_back_or_is_told(project: Path, promptlab: Promptlab) -> None:
    rules = project / "templates/_shared/rules.j2"
    rules.parent.mkdir()
    rules.write_text("Be kind.\n", encoding="utf-8")
    (project / "templates/greet/v1.j2").write_text(
        '{% include "_shared/rules.j2" %} {{ name }}', encoding="utf-8"
    )
    promptlab("run", "greet", "-t", "v1", "-n", "1")
    (project / "templates/greet/v1.j2").unlink()
    rules.unlink()
    ran = promptlab("template", "restore", log(promptlab)["v1"]["digest"])
    assert "created templates/_shared/rules.j2" in ran.out
    assert rules.read_text(encoding="utf-8") == "Be kind.\n"
    rules.write_text("Be quick.\n", encoding="utf-8")
    (project / "templates/greet/v1.j2").unlink()
    told = promptlab("template", "restore", log(promptlab)["v1"]["digest"])
    assert "but templates/_shared/rules.j2 changed since" in told.err
    assert rules.read_text(encoding="utf-8") == "Be quick.\n"
