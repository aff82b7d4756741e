"""`template`, `backend`, `scorer`, `schema`, `init` and `db`."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from promptlab.backends import Backend, Health
from promptlab.backends.echo import Echo
from promptlab.cli import run_cli
from promptlab.project.folder import find_project
from promptlab.templates.library import TemplateLibrary

from .conftest import FILES, Gold, Promptlab, edit, query


def document(promptlab: Promptlab, *words: str) -> Any:
    ran = promptlab(*words)
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


# Templates


def test_template_list(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    gold("library.txt", "template list", promptlab("template", "list").out)
    listed = document(promptlab, "template", "list", "--json")
    assert [(entry["template"], entry["version"]) for entry in listed] == [
        ("greet", "v1"),
        ("greet", "v2"),
    ]
    assert listed[1]["practices"] == ["clear"]
    assert listed[1]["variables"] == ["name"]
    assert listed[1]["parent"] == "v1"


def test_template_show(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    shared = project / "templates/_shared/rules.j2"
    shared.parent.mkdir()
    shared.write_text("Be brief.\n", encoding="utf-8")
    edit(project / "templates/greet/v1.j2", "Say", '{% include "_shared/rules.j2" %}Say')
    gold("library.txt", "template show", promptlab("template", "show", "greet@v1").out)
    shown = document(promptlab, "template", "show", "greet", "--json")
    assert shown["source"] == FILES["templates/greet/v2.j2"]
    old = document(promptlab, "template", "show", "greet@v1", "--json")
    assert old["includes"] == {"_shared/rules.j2": "Be brief.\n"}


def test_template_log_shows_every_text_of_a_version(
    ran_project: Path, promptlab: Promptlab
) -> None:
    first = document(promptlab, "template", "log", "greet", "--json")
    assert [(row["version"], row["trials"], row["current"]) for row in first] == [
        ("v1", 3, True),
        ("v2", 3, True),
    ]
    edit(ran_project / "templates/greet/v1.j2", "Say", "Whisper")
    text = promptlab("template", "log", "greet").out
    assert "(edited since)" in text
    rows = document(promptlab, "template", "log", "greet", "--json")
    assert [(row["version"], row["trials"], row["current"]) for row in rows] == [
        ("v1", 0, True),
        ("v2", 3, True),
        ("v1", 3, False),
    ]


def test_template_log_needs_no_database(project: Path, promptlab: Promptlab) -> None:
    rows = document(promptlab, "template", "log", "greet", "--json")
    assert [row["first_run"] for row in rows] == [None, None]
    assert not (project / "promptlab.db").exists()


def test_template_new_starts_from_the_newest(project: Path, promptlab: Promptlab) -> None:
    assert promptlab("template", "new", "greet").out == "created templates/greet/v3.j2\n"
    made = (project / "templates/greet/v3.j2").read_text(encoding="utf-8")
    assert made == FILES["templates/greet/v2.j2"].replace("parent: v1", "parent: v2")
    promptlab("template", "new", "greet", "--from", "greet@v1", "--version", "plain")
    plain = (project / "templates/greet/plain.j2").read_text(encoding="utf-8")
    assert plain == "---\nparent: v1\n---\n" + FILES["templates/greet/v1.j2"]


def test_template_new_leaves_the_body_alone(project: Path, promptlab: Promptlab) -> None:
    letter = "---\ndescription: A letter.\n---\nDear\nparent: {{ name }}\n"
    (project / "templates/greet/v3.j2").write_text(letter, encoding="utf-8")
    promptlab("template", "new", "greet")
    made = (project / "templates/greet/v4.j2").read_text(encoding="utf-8")
    assert made == letter.replace("---\nd", "---\nparent: v3\nd")


def test_a_new_template_can_be_run(project: Path, promptlab: Promptlab) -> None:
    assert promptlab("template", "new", "farewell").out == "created templates/farewell/v1.j2\n"
    ran = promptlab("run", "greet", "-t", "farewell", "-p", "text", "it")
    assert ran.code == 0


def test_template_render(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    ran = promptlab("template", "render", "greet", "--suite", "greet", "--case", "ben")
    gold("library.txt", "template render", ran.out)
    words = ("template", "render", "greet@v2", "-p", "name", "Zoe", "--off", "clear", "--json")
    [call] = document(promptlab, *words)
    assert call == {
        "answer": "answer",
        "messages": [
            {"role": "system", "content": "You greet people."},
            {"role": "user", "content": "Say hello to Zoe."},
        ],
    }


# Backends and scorers


def test_backend_list(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    assert "No backend is configured yet" in promptlab("backend", "list").out
    parrot = '[backends.parrot]\nkind = "echo"\nmodel = "grey"\nreply = "hi"\n'
    (project / "promptlab.toml").write_text(parrot, encoding="utf-8")
    table = promptlab("backend", "list").out
    assert "parrot" in table
    assert "reply=hi" in table
    listed = document(promptlab, "backend", "list", "--json")
    assert listed["backends"] == [
        {"name": "parrot", "kind": "echo", "model": "grey", "options": {"reply": "hi"}}
    ]
    assert {"echo", "hf"} <= set(listed["kinds"])


def test_backend_check(project: Path, promptlab: Promptlab) -> None:
    assert promptlab("backend", "check").out == "echo: ok: answers\n"
    ran = promptlab("backend", "check", "echo", "hf:./weights", "ecko", "--json")
    assert ran.code == 2
    parsed = json.loads(ran.out)
    assert [entry["ok"] for entry in parsed] == [True, False, False]
    assert parsed[1]["detail"] == "there is no model at ./weights"
    assert parsed[2]["hint"] == "did you mean 'echo'?"
    text = promptlab("backend", "check", "hf:./weights").out
    assert text.startswith("hf:./weights: no: there is no model at ./weights (`model` takes")
    assert text.count("\n") == 1


def test_echo_is_a_backend() -> None:
    backend: Backend = Echo(None, Echo.options_model.model_validate({}))  # type: ignore[arg-type] # its own options
    assert backend.notice() is None
    assert isinstance(Health(True, ""), Health)


def test_scorer_list_and_show(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    listed = document(promptlab, "scorer", "list", "--json")
    names = {entry["name"] for entry in listed}
    ours = {"exact_match", "contains", "regex", "label", "numeric", "json_schema", "length"}
    assert ours | {"format"} <= names
    table = promptlab("scorer", "list").out
    assert all(name in table for name in names)
    gold("library.txt", "scorer show", promptlab("scorer", "show", "contains").out)


def test_scorer_show_of_a_users_function(project: Path, promptlab: Promptlab) -> None:
    source = 'def kind(sample, *, least: int = 2):\n    """Is it kind?"""\n    return True\n'
    (project / "checks_to_show.py").write_text(source, encoding="utf-8")
    described = document(promptlab, "scorer", "show", "checks_to_show:kind", "--json")
    assert described["summary"] == "Is it kind?"
    assert described["parameters"] == [
        {"name": "least", "type": "int", "required": False, "default": 2, "help": ""}
    ]


# Schemas


def test_the_schema_of_a_suite_accepts_suites_and_refuses_mistakes(
    project: Path, promptlab: Promptlab
) -> None:
    schema = document(promptlab, "schema", "suite")
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema)
    repository = Path(__file__).parents[2] / "suites"
    for path in (project / "suites/greet.yaml", *repository.glob("*.yaml")):
        assert check.is_valid(yaml.safe_load(path.read_text(encoding="utf-8"))), path
    suite = yaml.safe_load(FILES["suites/greet.yaml"])
    assert not check.is_valid({**suite, "repeat": 2})
    assert not check.is_valid({**suite, "repeats": 0})
    assert not check.is_valid({key: suite[key] for key in suite if key != "cases"})


def test_the_schema_of_front_matter(promptlab: Promptlab) -> None:
    check = Draft202012Validator(document(promptlab, "schema", "template"))
    assert check.is_valid({"description": "x", "practices": ["clear"], "output": {"schema": {}}})
    assert not check.is_valid({"practice": ["clear"]})


# A new project, and the database


def test_init_makes_a_project_that_runs(
    tmp_path: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch, gold: Gold
) -> None:
    monkeypatch.chdir(tmp_path)
    made = promptlab("init", "demo")
    gold("library.txt", "init", made.out)
    monkeypatch.chdir(tmp_path / "demo" / "suites")  # found from below, too
    ran = promptlab("run", "thanks")
    assert (ran.code, ran.err) == (0, "")
    assert find_project(Path.cwd()).root == tmp_path / "demo"
    assert promptlab("init", str(tmp_path / "demo")).code == 2


def test_init_here_writes_over_nothing(
    tmp_path: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "promptlab.toml").write_text("# mine\n", encoding="utf-8")
    ran = promptlab("init")
    assert ran.code == 2
    assert ran.err == (
        "Error: promptlab.toml: already exists (name another folder: promptlab init DIR)\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["promptlab.toml"]


@pytest.mark.slow
def test_what_init_makes_is_safe_to_commit_and_bears_a_verdict(
    tmp_path: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_text("# mine\n*.bak\n.env", encoding="utf-8")
    assert "completed .gitignore" in promptlab("init").out
    subprocess.run(["git", "init", "-q"], check=True)
    assert promptlab("run", "thanks").code == 0
    (tmp_path / ".env").touch()
    kept = ["promptlab.db", "promptlab.db-wal", "promptlab.db-shm", ".env", ".env.local", "x.bak"]
    ignored = subprocess.run(["git", "check-ignore", *kept], capture_output=True, text=True)
    assert ignored.stdout.split() == kept
    open_ = ["promptlab.toml", ".gitignore", ".env.example", "suites/thanks.yaml"]
    assert subprocess.run(["git", "check-ignore", *open_], capture_output=True).stdout == b""
    lines = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["# mine", "*.bak", ".env"]
    assert len(lines) == len(set(lines))
    assert "v2 is better than v1" in " ".join(promptlab("compare").out.split())


def test_db_stats(ran_project: Path, promptlab: Promptlab) -> None:
    stats = document(promptlab, "db", "stats", "--json")
    counted = {name: stats["rows"][name] for name in ("cases", "generations", "runs", "trials")}
    assert counted == {"cases": 3, "generations": 6, "runs": 1, "trials": 6}
    assert stats["bytes"] == (ran_project / "promptlab.db").stat().st_size
    assert "generations" in promptlab("db", "stats").out


def test_db_vacuum_keeps_everything(ran_project: Path, promptlab: Promptlab) -> None:
    before = query(ran_project, "SELECT * FROM results ORDER BY arm, case_id, scorer")
    assert promptlab("db", "vacuum").out.endswith("MB freed\n")
    after = query(ran_project, "SELECT * FROM results ORDER BY arm, case_id, scorer")
    assert after == before


def test_db_verify_finds_what_was_tampered_with(ran_project: Path, promptlab: Promptlab) -> None:
    assert document(promptlab, "db", "verify", "--json") == {"problems": []}
    with closing(sqlite3.connect(ran_project / "promptlab.db")) as database, database:
        database.execute("UPDATE templates SET source = 'Say goodbye to {{ name }}.'")
    ran = promptlab("db", "verify")
    assert ran.code == 1
    assert "template greet@v1 was changed" in ran.out
    assert len(json.loads(promptlab("db", "verify", "--json").out)["problems"]) == 2


def test_tag_writes_an_alias_and_moves_it(promptlab: Promptlab, project: Path) -> None:
    aliases = project / "templates/greet/aliases.yaml"
    assert promptlab("template", "tag", "greet@v1", "best").out == "greet@best now means greet@v1\n"
    aliases.write_text("# blessed\n" + aliases.read_text(encoding="utf-8"), encoding="utf-8")
    moved = promptlab("template", "tag", "greet@v2", "best")
    assert moved.out == "greet@best now means greet@v2 (was v1)\n"
    assert promptlab("template", "tag", "greet@best", "live").code == 0
    assert aliases.read_text(encoding="utf-8") == "# blessed\nbest: v2\nlive: v2\n"


@pytest.mark.parametrize(
    ("reference", "alias", "expected"),
    [
        ("greet", "v1", "'v1' is a version of greet"),
        ("greet", "Best one", "'Best one' is not a valid alias"),
        ("greet@*", "best", "'greet@*' names 2 versions"),
        ("greet@v9", "best", "unknown version 'v9' of greet"),
    ],
)
def test_what_cannot_be_tagged_is_reported(
    promptlab: Promptlab, project: Path, reference: str, alias: str, expected: str
) -> None:
    ran = promptlab("template", "tag", reference, alias)
    assert (ran.code, ran.out) == (2, "")
    assert expected in ran.err
    assert not (project / "templates/greet/aliases.yaml").exists()


def test_tag_leaves_a_file_alone_that_it_cannot_add_to(promptlab: Promptlab, project: Path) -> None:
    aliases = project / "templates/greet/aliases.yaml"
    aliases.write_text("best: v1  # of all", encoding="utf-8")
    ran = promptlab("template", "tag", "greet@v2", "true")  # no text, as YAML has it
    assert ran.code == 2
    assert "aliases.yaml: has no `alias: version` lines" in ran.err
    assert aliases.read_text(encoding="utf-8") == "best: v1  # of all"


@pytest.mark.parametrize("text", ["{best: v1}\n", "# Mine.\nbest: 'v1'  # of all\nlive: v1\n"])
def test_tag_changes_no_more_than_the_alias(promptlab: Promptlab, project: Path, text: str) -> None:
    aliases = project / "templates/greet/aliases.yaml"
    aliases.write_text(text, encoding="utf-8")
    assert promptlab("template", "tag", "greet@v2", "best").code == 0
    assert aliases.read_text(encoding="utf-8") == text.replace("v1", "v2", 1)


@pytest.mark.slow
def test_new_versions_and_aliases_at_once_are_all_kept(project: Path) -> None:
    context = multiprocessing.get_context("fork")
    words = [["template", "new", "greet"] for _ in range(4)]
    words += [["template", "tag", "greet@v1", f"a{n}"] for n in range(4)]
    started = [context.Process(target=_call, args=(each,)) for each in words]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * 8
    library = TemplateLibrary(project / "templates")
    assert library.versions("greet") == ["v1", "v2", "v3", "v4", "v5", "v6"]
    assert library.aliases("greet").items() >= {f"a{n}": "v1" for n in range(4)}.items()


def _call(words: list[str]) -> None:
    sys.exit(run_cli(words))
