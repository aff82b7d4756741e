"""What a stranger's project can do by which verb, and that --safe keeps it from doing anything.

Every hook that a project has leaves a mark here: code at import and in every member, and a server
that notes who comes, with which key.
"""

from __future__ import annotations

import json
import re
import shutil
import socketserver
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import click
import pytest

from promptlab.cli import cli, run_cli
from promptlab.workbench.session import Session

from .conftest import Promptlab, edit

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"

CODE = """
import os
from pathlib import Path
from pydantic import BaseModel
from promptlab import scorer
from promptlab.backends import Backend
from promptlab.core.types import Completion, Outcome

def mark(what):
    with open(os.environ["MARKS"], "a") as file:
        file.write(what + "\\n")

mark("import")

def check(**_):
    mark("check")

@scorer(check=check)
def tone(sample):
    "Grade the tone."
    mark("score")
    return True

class Mine(Backend):
    def __init__(self, model, options, environment=None):
        mark("init")
        mark("env" if (environment or {}).get("OF_THE_PROJECT") else "no env")

    def identity(self):
        mark("identity")
        return {"kind": "mine"}

    async def generate(self, requests):
        mark("generate")
        for request in requests:
            yield request, Completion(Outcome.OK, "x")

class Own:
    def __init__(self, jobs=None):
        mark("executor")

    async def execute(self, work, backends, watch):
        mark("execute")
"""

TOML = """
[backends.mine]
kind = "mine:Mine"

[backends.far]
kind = "openai"
model = "m"
base_url = "{url}"
api_key_env = "OF_THE_PROJECT"
max_retries = 0
time_limit_s = 1

[backends.judge]
kind = "openai"
model = "m"
base_url = "{url}/judge"
api_key_env = "OF_THE_PROJECT"
"""

SUITE = """
templates: ["greet@*"]
backends: {backends}
cases: [{{id: ada, name: Ada, expect: x}}, {{id: ben, name: Ben, expect: x}}]
scorers: [{{length: {{unit: words, max: 5}}}}, "mine:tone"]
"""

JUDGED = """
templates: ["greet@v1"]
backends: [echo]
cases: [{id: ada, name: Ada}, {id: ben, name: Ben}]
scorers: [{rubric: {criteria: Is it polite?, judge: judge, at_least: 0.5}}, "mine:tone"]
"""

GRADE = json.dumps(
    {"choices": [{"message": {"content": "Score: 4"}, "finish_reason": "stop"}]}
).encode()

LABELS = "case,version,label\nada,v1,pass\nben,v1,fail\n"

# Every verb with words that make it do its most.
WORDS: dict[str, tuple[str, ...]] = {
    "init": ("new",),
    "plan": ("greet",),
    "run": ("greet", "--fresh"),
    "try": (
        *("greet@v1", "-b", "mine", "--suite", "judged", "--case", "ada"),
        *("--score", "--fresh"),
    ),
    "watch": ("greet", "--once"),
    "resume": (),
    "score": ("latest",),
    "review": ("--export", "labels.csv"),
    "view": ("--get", "/compare"),
    "judge calibrate": ("judged", "--labels", "labels.csv", "--scorer", "rubric"),
    "judge show": (),
    "import": ("outcomes.csv", "--suite", "x"),
    "runs": (),
    "runs delete": ("latest", "--yes"),
    "show": ("--full",),
    "export": ("-o", "results.csv"),
    "diff": ("greet@v1", "greet@v2", "--case", "ada"),
    "compare": (),
    "practices": (),
    "report": ("--json",),
    "ledger": ("greet",),
    "suite list": (),
    "suite show": ("greet",),
    "template list": (),
    "template show": ("greet@v1",),
    "template log": ("greet",),
    "template new": ("greet",),
    "template split": ("greet@v1", "greet@v3"),
    "template render": ("greet@v1", "-p", "name", "Ada"),
    "template restore": ("greet@v1", "--as", "v9"),
    "template tag": ("greet@v1", "best"),
    "backend list": (),
    "backend check": ("mine", "far"),
    "scorer list": (),
    "scorer show": ("mine:tone",),
    "schema": ("suite",),
    "db stats": (),
    "db vacuum": (),
    "db verify": (),
    "help": ("run",),
}


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.seen.append(self.headers.get("authorization", ""))  # type: ignore[attr-defined]
        if "/judge/" not in self.path:
            self.send_error(404)
            return
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(GRADE)))
        self.end_headers()
        self.wfile.write(GRADE)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def visits() -> Iterator[tuple[str, list[str]]]:
    """Return the address of a server, and whom it has seen."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Door) as server:
        seen: list[str] = []
        server.seen = seen  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", seen
        server.shutdown()


@pytest.fixture(scope="module")
def _prepared(
    _one_run: Path, visits: tuple[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a project with an interrupted run, all of whose hooks leave marks."""
    root = tmp_path_factory.mktemp("stranger") / "project"
    shutil.copytree(_one_run.parent, root)
    (root / "mine.py").write_text(CODE, encoding="utf-8")
    (root / "promptlab.toml").write_text(TOML.format(url=visits[0]), encoding="utf-8")
    (root / ".env").write_text("OF_THE_PROJECT=key-of-the-project-1\n", encoding="utf-8")
    (root / "outcomes.csv").write_text("template,case,score\ngreet@v1,ada,1\n", encoding="utf-8")
    (root / "labels.csv").write_text(LABELS, encoding="utf-8")
    (root / "suites" / "judged.yaml").write_text(JUDGED, encoding="utf-8")
    suite = root / "suites" / "greet.yaml"
    suite.write_text(SUITE.format(backends="[mine, far]"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARKS", str(root.parent / "marks"))
        patch.setattr(sys, "path", sys.path.copy())
        assert run_cli(["--project", str(root), "run", "judged"]) == 0
        assert run_cli(["--project", str(root), "run", "greet"]) == 2  # the server knows no model
    assert "generate" in marks(root)
    assert visits[1]
    return root


@pytest.fixture
def strange(
    _prepared: Path,
    visits: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Path:
    """Return a copy of the project, in which nothing has happened yet, and go there."""
    root = tmp_path / "project"
    shutil.copytree(_prepared, root)
    monkeypatch.setenv("MARKS", str(tmp_path / "marks"))
    monkeypatch.delenv("OF_THE_PROJECT", raising=False)
    monkeypatch.chdir(root)
    # As a process of its own would begin: the module has not been imported yet.
    for name in [name for name in sys.modules if name == "mine" or name.endswith("_mine")]:
        del sys.modules[name]
    visits[1].clear()
    return root


def marks(root: Path) -> set[str]:
    file = root.parent / "marks"
    return set(file.read_text(encoding="utf-8").split("\n")) - {""} if file.exists() else set()


def verbs(group: click.Group, context: click.Context, before: str = "") -> Iterator[str]:
    """Yield every verb, as one types it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield f"{before}{name}"
            yield from verbs(command, context, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def told() -> dict[str, tuple[bool, bool]]:
    """Return what the page says of each verb: whether it runs code, whether it calls servers."""
    rows = re.findall(r"^\| (`[^|]*) \| (yes|no)[^|]* \| (yes|no)[^|]* \|", PAGE.read_text(), re.M)
    return {
        verb: (code == "yes", calls == "yes")
        for names, code, calls in rows
        for verb in re.findall(r"`([^`]+)`", names)
    }


def test_every_verb_is_tried_and_told() -> None:
    known = set(verbs(cli, click.Context(cli)))
    assert known == WORDS.keys()
    assert known == told().keys()


@pytest.mark.parametrize("verb", WORDS)
def test_what_a_strangers_project_does(
    strange: Path, visits: tuple[str, list[str]], promptlab: Promptlab, verb: str
) -> None:
    words = (*verb.split(), *WORDS[verb])
    database = (strange / "promptlab.db").read_bytes()
    safe = promptlab("--safe", *words)
    assert safe.code in (0, 2)
    assert "bug in promptlab" not in safe.err
    assert marks(strange) == set()
    assert visits[1] == []

    (strange / "promptlab.db").write_bytes(database)
    shutil.rmtree(strange / "new", ignore_errors=True)
    promptlab(*words)
    assert (bool(marks(strange)), bool(visits[1])) == told()[verb]
    assert "no env" not in marks(strange)


@pytest.mark.parametrize(
    ("words", "lacking"),
    [
        (("run", "greet"), "backend 'mine' is of kind mine:Mine, and --safe uses echo alone"),
        (("run", "greet", "-b", "far"), "--safe uses echo alone"),
        (("run", "greet", "-b", "openai:m@http://127.0.0.1:9/v1"), "--safe uses echo alone"),
        (("run", "greet", "-b", "hf:some/model", "--dry-run"), "--safe uses echo alone"),
        (("run", "own", "-b", "echo"), "'mine:tone' is code of the project"),
        (("scorer", "show", "os:system"), "'os:system' is code of the project"),
        (("scorer", "show", "mine.part:tone"), "is code of the project"),
    ],
)
def test_what_safe_refuses_is_refused_in_one_line(
    strange: Path, promptlab: Promptlab, words: tuple[str, ...], lacking: str
) -> None:
    (strange / "mine").mkdir()
    (strange / "mine" / "__init__.py").write_text(CODE, encoding="utf-8")
    suites = strange / "suites"
    (suites / "own.yaml").write_text((suites / "greet.yaml").read_text(), encoding="utf-8")
    edit(suites / "greet.yaml", ', "mine:tone"', "")
    ran = promptlab("--safe", *words)
    assert ran.code == 2
    assert lacking in ran.err
    assert ran.err.count("\n") == 1
    assert marks(strange) == set()


@pytest.mark.slow
def test_an_executor_of_the_project_is_refused(strange: Path, promptlab: Promptlab) -> None:
    edit(strange / "suites" / "greet.yaml", ', "mine:tone"', "")
    edit(strange / "suites" / "greet.yaml", "[mine, far]", "[echo]")
    ran = promptlab("--safe", "run", "greet", "--executor", "mine:Own")
    assert (ran.code, marks(strange)) == (2, set())
    assert "'mine:Own' is code of the project" in ran.err
    ran = promptlab("--safe", "run", "greet")  # what is left runs
    assert (ran.code, marks(strange)) == (0, set())
    promptlab("run", "greet", "--fresh", "--executor", "mine:Own")
    assert marks(strange) >= {"import", "executor", "execute"}  # the next command is as before


def test_the_page_says_which_verbs_run_what_models_wrote() -> None:
    rows = re.findall(
        r"^\| (`[^|]*) \| (?:yes|no)[^|]* \| [^|]* \| ([^|]*) \|", PAGE.read_text(), re.M
    )
    run = {verb for names, says in rows if says != "no" for verb in re.findall(r"`([^`]+)`", names)}
    assert run == {
        "run",
        "resume",
        "score",
        "try",
        "watch",
    }  # see test_allow_code.py


def test_the_commands_that_messages_suggest_stay_safe(strange: Path) -> None:
    assert Session(strange, safe=True).command.startswith("promptlab --safe --project ")
