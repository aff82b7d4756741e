"""Every kind of bad input: one line that says what is wrong, where, and how to fix it.

None shows a traceback, none ends with another code than 2, none loses what is stored.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from promptlab.store import Store
from promptlab.workbench.session import Session

from .conftest import Gold, Promptlab, edit, sections

Spoil = Callable[[Path], None]

SUITE = "suites/greet.yaml"
CASES = "suites/people.jsonl"
V1 = "templates/greet/v1.j2"
V2 = "templates/greet/v2.j2"
A_KEY = "sk-test-" + "a1B2" * 6
NEWER = """
INSERT INTO _sqlite_migrations (migration_set, name, applied_at)
VALUES ('promptlab', '0099_later', '2030-01-01')
"""
GOES_ON = "UPDATE runs SET status = 'running', pid = 1, process_started = NULL"  # always runs
ANOTHER_RUN = """
INSERT INTO runs (run_id, suite, settings, overrides, status, trials, fresh, pid, host, created_at,
    facts)
SELECT '20991231-235959-beef', suite, settings, overrides, 'interrupted', trials, fresh, pid, host,
    created_at, facts FROM runs
"""


def spoiled(name: str, old: str, new: str) -> Spoil:
    """Replace a piece of a file."""
    return lambda root: edit(root / name, old, new)


def put(name: str, content: str | bytes) -> Spoil:
    """Write a whole file."""

    def spoil(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return spoil


def all_of(*spoils: Spoil) -> Spoil:
    def spoil(root: Path) -> None:
        for one in spoils:
            one(root)

    return spoil


def from_cases(file: str, content: str | bytes) -> Spoil:
    """Let the suite read its cases from this file."""
    return all_of(spoiled(SUITE, "people.jsonl", file), put(f"suites/{file}", content))


def with_key(line: str) -> Spoil:
    """Add a line to the suite, before its cases."""
    return spoiled(SUITE, "cases:", f"{line}\ncases:")


def with_scorer(text: str) -> Spoil:
    """Let the suite have this scorer instead of its first."""
    return spoiled(SUITE, 'contains: {any: ["{{ name }}"]}', text)


def with_own_scorer(module: str, source: str) -> Spoil:
    """Let the suite have the scorer `polite` of a module of the project."""
    return all_of(put(f"{module}.py", source), with_scorer(f"{module}:polite"))


def with_backend(options: str) -> Spoil:
    """Configure a backend called `parrot`."""
    return put("promptlab.toml", f"[backends.parrot]\n{options}\n")


def sql(statement: str) -> Spoil:
    """Change the database behind promptlab's back."""

    def spoil(root: Path) -> None:
        with closing(sqlite3.connect(root / "promptlab.db")) as database, database:
            database.execute(statement)

    return spoil


def nothing(_: Path) -> None:
    """Leave the project as it is: the command alone is wrong."""


def no_database(root: Path) -> None:
    (root / "promptlab.db").unlink()


def database_without_run(root: Path) -> None:
    Store.open(root / "empty.db", Session.now).close()


def folder_for_database(root: Path) -> None:
    (root / "kept.db").mkdir()


def pipe(name: str) -> Spoil:
    """Put a pipe that nobody writes to in the place of a file."""

    def spoil(root: Path) -> None:
        (root / name).unlink(missing_ok=True)
        os.mkfifo(root / name)

    return spoil


def link_to(target: str, name: str) -> Spoil:
    """Put a link in the place of a file."""
    return lambda root: (root / name).symlink_to(target)


_MULTIPLIED = (
    "[&a [x,x,x,x,x,x,x,x,x]"
    + "".join(
        f", &{name} [{','.join([f'*{of}'] * 9)}]"
        for name, of in zip("bcdefgh", "abcdefg", strict=True)
    )
    + "]"
)
_ENV = "A=0123456789\n" + "".join(
    f"{name}={f'${{{of}}}' * 10}\n" for name, of in zip("BCDEFG", "ABCDEF", strict=True)
)


@dataclass(frozen=True, slots=True)
class Bad:
    """A kind of bad input: what spoils the project, and the command that meets it.

    Its whole answer stands under the same name in `tests/gold/bad_input.txt`.
    """

    kind: str
    spoil: Spoil
    command: str = "run greet"


BAD = (
    # The suite
    Bad("unknown suite", nothing, "run gret"),
    Bad("unknown suite key", spoiled(SUITE, "templates:", "template:")),
    Bad("unknown nested key", with_key("sampling: {temprature: 1}")),
    Bad("suite value of wrong type", with_key("repeats: many")),
    Bad("suite value out of range", with_key("holdout: 1.5")),
    Bad("suite value not of the list", with_key("design: version")),
    Bad("missing suite key", spoiled(SUITE, "cases: people.jsonl\n", "")),
    Bad("suite is a list", put(SUITE, "- a\n- b\n")),
    Bad("suite is empty", put(SUITE, "")),
    Bad("empty list", spoiled(SUITE, "backends: [echo]", "backends: []")),
    Bad("bad YAML", spoiled(SUITE, "[echo]", "[echo")),
    Bad("tab in YAML", spoiled(SUITE, "  - length", "\t- length")),
    Bad("YAML key twice", with_key("backends: [echo]")),
    Bad("suite not UTF-8", put(SUITE, "description: caf\xe9\n".encode("latin-1"))),
    Bad("unknown primary", with_key("primary: lenght")),
    Bad("unknown grade", with_key("grade: draft")),
    Bad("bad gate", with_key('gates: ["length is good"]')),
    Bad("gate of an unknown scorer", nothing, "run greet --gate lenght>=1"),
    Bad("gate number", nothing, "run greet --gate length>=1.2.3"),
    # Cases
    Bad("no cases file", spoiled(SUITE, "people.jsonl", "peple.jsonl")),
    Bad("cases of unknown ending", from_cases("people.txt", "ada")),
    Bad("empty cases file", put(CASES, "")),
    Bad("no inline case", spoiled(SUITE, "people.jsonl", "[]")),
    Bad("bad JSON line", put(CASES, '{"name": "Ada"}\n{"name": "Eve"\n')),
    Bad("case is no object", put(CASES, '["Ada"]\n')),
    Bad("bad CSV", from_cases("people.csv", 'id,name\na,"Ada\n')),
    Bad("CSV row too long", from_cases("people.csv", "id,name\na,Ada,x\n")),
    Bad("case id twice", spoiled(CASES, '"eve"', '"ada"')),
    Bad("wrong column", with_key("columns: {expect: answr}")),
    Bad("wrong role", with_key("columns: {expct: answer}")),
    Bad("cases not UTF-8", put(CASES, '{"name": "J\xf8rn"}'.encode("latin-1"))),
    Bad("case of 5 MB", put(CASES, '{"id": "big", "name": "%s"}' % ("x" * 5_000_000))),
    Bad("case number not JSON", put(CASES, '{"name": NaN}')),
    Bad("unknown case id", nothing, "run greet --case adda"),
    Bad("unknown tag", nothing, "run greet --tag shrt"),
    Bad("empty holdout", nothing, "run greet --split holdout"),
    # Scorers
    Bad("unknown scorer", with_scorer("contain: {any: [x]}")),
    Bad("unknown scorer parameter", with_scorer("contains: {anny: [x]}")),
    Bad("missing scorer parameter", with_scorer("regex")),
    Bad("scorer parameter of wrong type", spoiled(SUITE, "max: 5", "max: many")),
    Bad("bad regex", with_scorer('regex: {pattern: "(a"}')),
    Bad("two scorers of one label", with_scorer("length: {unit: words, max: 9}")),
    Bad("scorer needs what the case lacks", with_scorer("exact_match")),
    Bad("scorer variable", with_scorer('contains: {any: ["{{ nam }}"]}')),
    Bad("scorer module missing", with_scorer("checks_that_are_not:polite")),
    Bad("scorer module broken", with_own_scorer("checks_broken", "1 / 0\n")),
    Bad(
        "scorer function missing",
        with_own_scorer("checks_empty", "def polit(sample):\n    return True\n"),
    ),
    Bad(
        "scorer function shape", with_own_scorer("checks_shape", "def polite():\n    return True\n")
    ),
    # Templates
    Bad("missing variable", spoiled(V1, "name", "nme")),
    Bad("undefined include", spoiled(V1, "Say", '{% include "_shared/rule.j2" %} Say')),
    Bad("template without body", put(V1, "---\ndescription: nothing else\n---\n")),
    Bad("empty template", put(V1, "")),
    Bad(
        "two system messages",
        spoiled(V2, "{% user %}", "{% system %}And kindly.{% endsystem %}\n{% user %}"),
    ),
    Bad("text outside the tags", spoiled(V2, "{% user %}", "Dear model,\n{% user %}")),
    Bad("unclosed tag", spoiled(V2, "{% enduser %}", "")),
    Bad("unclosed variable", spoiled(V1, "{{ name }}", "{{ name }")),
    Bad("unknown template tag", spoiled(V1, "Say", "{% usr %}Say")),
    Bad("unknown filter", spoiled(V1, "{{ name }}", "{{ name | uper }}")),
    Bad("braces of another tool", spoiled(V1, "Say", 'As {{"a": 1}} say')),
    Bad("blocks of another tool", spoiled(V1, "Say", "{{#if name}}Say{{/if}}")),
    Bad("a filter for web pages", spoiled(V1, "{{ name }}", "{{ name | pprint }}")),
    Bad("a value without a text", spoiled(V1, "{{ name }}", "{{ name.split }}")),
    Bad("a text without end", spoiled(V1, "{{ name }}", "{{ name * 10 ** 12 }}")),
    Bad("too many operators", put(V1, "Hi\n{{ name" + " + name" * 999 + " }}")),
    Bad("a NUL in a template", spoiled(V1, "Say", "Say\0")),
    Bad("unclosed front matter", spoiled(V2, "practices: [clear]\n---", "practices: [clear]")),
    Bad("unknown front matter key", spoiled(V2, "practices", "practice")),
    Bad("bad practice name", spoiled(V2, "[clear]", "[Clear!]")),
    Bad("template not UTF-8", put(V1, "Gr\xfc\xdfe {{ name }}".encode("latin-1"))),
    Bad("no such image", spoiled(V2, "Say", "{{ image('face.png') }} Say")),
    Bad("an image elsewhere", spoiled(V2, "Say", "{{ image('/etc/face.png') }} Say")),
    Bad("a suite elsewhere", nothing, "run ../greet"),
    Bad("unknown template", nothing, "run greet -t gret"),
    Bad("unknown version", nothing, "run greet -t greet@v3"),
    Bad("unknown template in the suite", spoiled(SUITE, "greet@*", "gret@*")),
    Bad("empty range", nothing, "run greet -t greet@v2..v1"),
    Bad("bad alias", put("templates/greet/aliases.yaml", "best: v9\n"), "run greet -t greet@best"),
    # Backends and the configuration
    Bad("unknown backend", nothing, "run greet -b ecko"),
    Bad("unknown kind of backend", nothing, "run greet -b opnai:gpt"),
    Bad("unknown backend in the suite", spoiled(SUITE, "[echo]", "[smollm2]")),
    Bad(
        "unknown backend option",
        with_backend('kind = "echo"\nrepply = "hi"'),
        "run greet -b parrot",
    ),
    Bad(
        "backend option of wrong type",
        with_backend('kind = "echo"\ndelay_s = -1'),
        "run greet -b parrot",
    ),
    Bad("backend without kind", with_backend('reply = "hi"')),
    Bad("bad TOML", put("promptlab.toml", "[backends.parrot\n")),
    Bad("unknown key in the configuration", put("promptlab.toml", "[backend.parrot]\n")),
    Bad("half an address", nothing, "run greet -b openai:m@127.0.0.1:8000/v1"),
    Bad("another scheme", nothing, "run greet -b openai:m@unix:///run/model.sock"),
    Bad(
        "an address in the model",
        with_backend('kind = "openai"\nmodel = "m@my-box:8000/v1"'),
        "run greet -b parrot",
    ),
    Bad(
        "thinking as a word",
        with_backend('kind = "openai"\nmodel = "m"\nthinking = "much"'),
        "run greet -b parrot",
    ),
    Bad(
        "thinking in tokens where there are none",
        with_backend(
            'kind = "openai"\nmodel = "m"\nthinking = 99\nbase_url = "http://127.0.0.1:9/v1"'
        ),
        "run greet -b parrot",
    ),
    Bad(
        "a query with a number",
        with_backend('kind = "openai"\nmodel = "m"\nquery = {api-version = 2}'),
        "run greet -b parrot",
    ),
    Bad("hf without a model name", with_backend('kind = "hf"'), "run greet -b parrot"),
    Bad("hf without weights", nothing, "run greet -b hf:./weights"),
    Bad("unknown executor", nothing, "run greet --executor locl"),
    # Keys, logins, and what a stranger's project may not do
    Bad("a key as a backend", nothing, f"run greet -b {A_KEY}"),
    Bad("a key as a kind", with_backend(f'kind = "{A_KEY}"'), "run greet -b parrot"),
    Bad("a key as a model", nothing, f"run greet -b openai:{A_KEY}"),
    Bad("a key as an option", with_backend(f'kind = "echo"\n{A_KEY} = 1'), "run greet -b parrot"),
    Bad("a login in an address", nothing, "run greet -b openai:m@FTP://ada:pw-123@host:9"),
    Bad(
        "a login in an option",
        with_backend('kind = "openai"\nmodel = "m"\nbase_url = "https://ada:pw-123@host/v1"'),
        "run greet -b parrot",
    ),
    Bad("a model that leaves its address", nothing, "run greet -b gemini:../x"),
    Bad("a model that is no name", nothing, "run greet -b gemini:.."),
    Bad("a backend with --safe", nothing, "--safe run greet -b openai:m"),
    Bad(
        "code with --safe",
        spoiled(SUITE, "  - length", "  - mine:f\n  - length"),
        "--safe run greet",
    ),
    # The database
    Bad("database in no folder", nothing, "--db nowhere/kept.db run greet"),
    Bad("database is a folder", folder_for_database, "--db kept.db run greet"),
    Bad(
        "not a database",
        put("kept.db", "These are my notes, no database.\n" * 40),
        "--db kept.db run greet",
    ),
    Bad(
        "database of another program", sql("ALTER TABLE _sqlite_migrations RENAME TO notes"), "show"
    ),
    Bad("database of a newer version", sql(NEWER)),
    Bad("no database yet", no_database, "show"),
    # Words of the command line
    Bad("unknown run", nothing, "show 19991231"),
    Bad("no such run counted back", nothing, "show -7"),
    Bad("ambiguous run", sql(ANOTHER_RUN), "show 20"),
    Bad("nothing to resume", nothing, "resume"),
    Bad("resume of a run that goes on", sql(GOES_ON), "resume latest"),
    Bad("no run yet", database_without_run, "--db empty.db show"),
    Bad("outside of a project", nothing, "--project / run greet"),
    Bad("case that the run had not", nothing, "show --case adda"),
    Bad("template that the run had not", nothing, "show -t gret"),
    Bad("version that the run had not", nothing, "show -t greet@v3"),
    Bad("bad condition", nothing, "show --where scor<1"),
    Bad("two statements", nothing, "show --where 1;drop"),
    Bad("unknown verb", nothing, "rnu greet"),
    Bad("unknown option", nothing, "run greet --drry-run"),
    Bad("missing argument", nothing, "run"),
    Bad("bad number", nothing, "run greet -n 0"),
    Bad("bad choice", nothing, "schema suit"),
    Bad("init over a project", nothing, "init"),
    Bad("show an unknown template", nothing, "template show gret"),
    Bad("show many versions", nothing, "template show greet@*"),
    Bad("render without a variable", nothing, "template render greet@v1"),
    Bad(
        "switch off what is no practice",
        nothing,
        "template render greet@v2 -p name Ada --off clera",
    ),
    Bad("new template with a bad name", nothing, "template new Greet!"),
    Bad("new version with a bad name", nothing, "template new greet --version ../v3"),
    Bad("new version that exists", nothing, "template new greet --version v1"),
    Bad("show an unknown scorer", nothing, "scorer show contain"),
    Bad("offline and fresh", nothing, "run greet --offline --fresh"),
    Bad("answers are not stored", nothing, "run greet --offline -t greet@v1 --repeats 2"),
    # What people bring
    Bad("aliases that multiply", with_key(f"description: {_MULTIPLIED}")),
    Bad("alias of itself", with_key("sampling: &s {stop: [*s]}")),
    Bad("thousands of levels", with_key("description: " + "[" * 9000)),
    Bad("schema of itself", put(V1, "---\noutput: {schema: &s {not: *s}}\n---\n{{ name }}")),
    Bad("pipe for a template", pipe(V1)),
    Bad("device for a configuration", link_to("/dev/zero", "promptlab.toml")),
    Bad("pipe for .env", pipe(".env")),
    Bad("name that is no UTF-8", put(os.fsdecode(b"templates/greet/v\xff.j2"), "hi")),
    Bad("name that is too long", nothing, f"run {'x' * 300}"),
    Bad("huge number in TOML", put("promptlab.toml", "[compare]\nmin_cases = 0x" + "f" * 99)),
    Bad("infinite option", with_backend('kind = "echo"\ndelay_s = inf'), "run greet -b parrot"),
    Bad("references that multiply in .env", put(".env", _ENV)),
    Bad("blank column name", from_cases("c.csv", "id;name;\n1;Ada;x\n")),
    Bad("rows without content", from_cases("c.csv", "id;name\n;\n;\n")),
    Bad("table of promptfoo", from_cases("c.csv", "name,__expected\nAda,x\n")),
    Bad("case of promptfoo", from_cases("c.yaml", "- {vars: {name: A}, assert: []}\n")),
    Bad("several lists", from_cases("c.json", '{"tests": [1], "prompts": [2]}')),
    Bad("workbook that is none", from_cases("c.xlsx", b"PK\x03\x04")),
    Bad("packed cases", from_cases("c.jsonl.gz", b"")),
    Bad("half a variable", nothing, "run greet -p name"),
)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.kind)
def test_bad_input(bad: Bad, ran_project: Path, promptlab: Promptlab, gold: Gold) -> None:
    bad.spoil(ran_project)
    before = results(ran_project)
    ran = promptlab(*bad.command.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("Error: ")
    command = f"$ promptlab {bad.command}\n"
    gold("bad_input.txt", bad.kind, command + ran.err.replace(str(ran_project), "PROJECT"))
    assert results(ran_project) == before


def test_every_message_of_the_gold_file_is_of_a_kind_in_the_table() -> None:
    assert sorted(sections("bad_input.txt")) == sorted(bad.kind for bad in BAD)


def results(root: Path) -> list[tuple[object, ...]]:
    """Return what the database holds; nothing where the case took it away."""
    if not (root / "promptlab.db").exists():
        return []
    with closing(sqlite3.connect(root / "promptlab.db")) as database:
        assert list(database.execute("PRAGMA integrity_check")) == [("ok",)]
        return list(database.execute("SELECT * FROM results ORDER BY 1, arm, case_id, scorer"))
