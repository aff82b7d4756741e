"""Keys planted in the environment, in options and addresses are found in nothing that is kept."""

from __future__ import annotations

import asyncio
import json
import os
import random
import string
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session

from .conftest import Promptlab

if TYPE_CHECKING:
    from tests.remote.fault_server import FaultServer

# Made here, so that no scanner of repositories takes them for real ones.
_CHANCE = random.Random(11)
_LETTERS = string.ascii_letters + string.digits


def _key(start: str, length: int = 40) -> str:
    return start + "".join(_CHANCE.choice(_LETTERS) for _ in range(length))


USED = {
    "FIRST_KEY": _key("sk-"),
    "SECOND_KEY": _key("sk-ant-"),
    "PROXY_TOKEN": _key("", 32),
    "TENANT": _key("tenant_", 12),
    "WITH_SIGNS": _key("a+b/c=d\\\"e'", 20),
}
IN_FILE = {"THIRD_KEY": _key("gsk_"), "FOURTH_KEY": _key("AIza", 35)}
LITERAL = [_key("sk-"), _key("user:pass", 10), _key("", 40)]
SLOW = ("huge", "huge-chunked", "drip", "gzip-bomb")
PLANTED = [*USED.values(), *IN_FILE.values(), *LITERAL]

CONFIG = """
[backends.one]
kind = "openai"
model = "m"
base_url = "{url}"
api_key_env = "FIRST_KEY"
headers = {{x-proxy = "${{PROXY_TOKEN}}", x-tenant = "${{TENANT}}", x-signs = "${{WITH_SIGNS}}"}}
timeout_s = 0.5
max_retries = 1
time_limit_s = 3

[backends.two]
kind = "anthropic"
model = "m"
base_url = "{url}"
api_key_env = "SECOND_KEY"
max_retries = 0
time_limit_s = 1

[backends.three]
kind = "openai"
model = "m"
base_url = "{url}"
api_key_env = "THIRD_KEY"
headers = {{x-more = "Token ${{FOURTH_KEY}}"}}
max_retries = 0
time_limit_s = 1
"""


@pytest.fixture
def planted(project: Path, monkeypatch: pytest.MonkeyPatch, fault_server: FaultServer) -> Path:
    for name, key in USED.items():
        monkeypatch.setenv(name, key)
    (project / ".env").write_text("".join(f"{name}={key}\n" for name, key in IN_FILE.items()))
    config = CONFIG.format(url=fault_server.base_url)
    (project / "promptlab.toml").write_text(config, encoding="utf-8")
    people = [{"id": f"c{number}", "name": f"name{number}"} for number in range(20)]
    (project / "suites" / "people.jsonl").write_text("\n".join(map(json.dumps, people)))
    return project


def leaks(project: Path, *texts: str) -> list[str]:
    """Return the planted keys that stand in texts or in any file but those they were put into."""
    sources = {".env", "promptlab.toml"}
    files = [path for path in project.rglob("*") if path.is_file() and path.name not in sources]
    kept = [path.read_bytes() for path in files] + [text.encode() for text in texts]
    forms = {key: {key.encode(), json.dumps(key)[1:-1].encode()} for key in PLANTED}
    lower = [text.lower() for text in kept]
    return [
        key
        for key, shapes in forms.items()
        if any(shape.lower() in text for shape in shapes for text in lower)
    ]


@pytest.mark.slow
def test_a_run_full_of_failures_keeps_no_key(
    planted: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    fast = [name for name in fault_server.PASSING if name not in SLOW]
    fault_server.mix([*fast, *fault_server.ANSWERS, *fault_server.REJECTED], share=0.7)
    ran = [
        promptlab("run", "greet", "-b", "one"),
        promptlab("run", "greet", "-b", "one", "--fresh", "--json"),
        promptlab("run", "greet", "-b", "two"),
        promptlab("run", "greet", "-b", "three", "--json"),
    ]
    fault_server.fail("401")
    ran += [promptlab("run", "greet", "-b", name, "--fresh") for name in ("one", "two", "three")]
    ran += [
        promptlab("show", "--full"),
        promptlab("show", "--errors", "--json"),
        promptlab("runs", "--json"),
        promptlab("backend", "list"),
        promptlab("backend", "list", "--json"),
        promptlab("backend", "check", "--json"),
    ]
    fault_server.fail("echo-key")
    ran += [
        promptlab("backend", "check"),
        promptlab("run", "greet", "-b", "one", "--fresh"),
        promptlab("show", "--full"),
    ]
    assert fault_server.requests > 150
    sent = [call.headers.get("x-signs") for call in fault_server.received]
    assert USED["WITH_SIGNS"] in sent  # what was sent is what was planted
    assert any("[key]" in text for text in (ran[0].out, ran[1].out, ran[-1].out))
    assert leaks(planted, *(text for one in ran for text in (one.out, one.err))) == []


@pytest.mark.parametrize(
    "line",
    [
        f'headers = {{authorization = "Bearer {LITERAL[0]}"}}',
        f'headers = {{x-anything = "{LITERAL[0]}"}}',
        f'base_url = "http://{LITERAL[1]}@127.0.0.1:9/v1"',
        f'base_url = "http://127.0.0.1:9/v1?key={LITERAL[2]}"',
        f'extra_body = {{user = {{secret = "{LITERAL[2]}"}}}}',
        f'api_key_env = "{LITERAL[0]}"',
        f'api_key = "{LITERAL[0]}"',
    ],
)
def test_a_key_in_a_file_is_refused_and_not_shown(
    project: Path, promptlab: Promptlab, line: str
) -> None:
    config = f'[backends.one]\nkind = "openai"\nmodel = "m"\n{line}\n'
    (project / "promptlab.toml").write_text(config, encoding="utf-8")
    ran = [promptlab("run", "greet", "-b", "one"), promptlab("backend", "check")]
    assert [one.code for one in ran] == [2, 2]
    assert ran[0].err.count("\n") == 1
    listed = promptlab("backend", "list", "--json")
    texts = [text for one in (*ran, listed) for text in (one.out, one.err)]
    assert leaks(project, *texts) == []


@pytest.mark.parametrize("at", ["", "@http://127.0.0.1:9/v1"])
def test_a_key_typed_as_a_model_is_refused_and_not_shown(
    project: Path, promptlab: Promptlab, at: str
) -> None:
    typed = f"openai:{LITERAL[0]}{at}"
    config = f'[backends.one]\nkind = "openai"\nmodel = "{LITERAL[0]}"\n'
    (project / "promptlab.toml").write_text(config, encoding="utf-8")
    ran = [promptlab("run", "greet", "-b", name) for name in (typed, "one")]
    ran += [
        promptlab("backend", "check", name, *words)
        for name in (typed, "one")
        for words in ((), ("--json",))
    ]
    assert {one.code for one in ran} == {2}
    assert "backend 'openai:[key]': the model's name looks like a key" in ran[0].err
    listed = [promptlab("backend", "list"), promptlab("backend", "list", "--json")]
    texts = [text for one in (*ran, *listed) for text in (one.out, one.err)]
    assert leaks(project, *texts) == []
    assert "[key]" in listed[0].out


def test_what_is_struck_out_is_listed_so(project: Path, promptlab: Promptlab) -> None:
    config = '[backends.one]\nkind = "openai"\nmodel = "[bold]m"\napi_key = "hunter22"\n'
    (project / "promptlab.toml").write_text(config, encoding="utf-8")
    listed = promptlab("backend", "list")
    assert "api_key=[key]" in listed.out
    assert "[bold]m" in listed.out
    assert "hunter22" not in listed.out


def test_the_log_of_a_crash_holds_no_key(
    planted: Path,
    promptlab: Promptlab,
    broken_verb: Callable[[Callable[[], None]], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(logs))

    def crash() -> None:
        bench = Workbench(Session(folder=planted))
        _, backend = bench.backend("one", "-b one")
        asyncio.run(backend.open())  # the key is looked up
        raise ValueError("with " + os.environ["FIRST_KEY"] + str(vars(backend)))

    broken_verb(crash)
    ran = promptlab("broken")
    assert (ran.code, sys.exc_info()[0]) == (3, None)
    [log] = logs.iterdir()
    assert "ValueError: with [key]" in log.read_text()
    assert leaks(planted, ran.out, ran.err, log.read_text()) == []


@pytest.mark.parametrize(
    ("words", "config"),
    [
        (("run", "greet", "-b", LITERAL[0]), ""),
        (("run", "greet", "-b", LITERAL[2]), ""),
        (("run", "greet", "-b", "one"), f'[backends.one]\nkind = "{LITERAL[0]}"\n'),
        (("run", "greet", "-b", "one"), f'[backends.one]\nkind = "mine:{LITERAL[0]}"\n'),
        (("run", "greet", "-b", LITERAL[0]), f'[backends.{LITERAL[0]}]\nkind = "echo"\n'),
        (("run", "greet", "-b", "one"), f'[backends.one]\nkind = "echo"\n{LITERAL[0]} = 1\n'),
        (("run", "greet", "-b", f"openai:m@ftp://{LITERAL[1]}@127.0.0.1:9"), ""),
        (("run", "greet", "-b", f"openai:m@HTTP://{LITERAL[1]}@127.0.0.1:9/v1", "--dry-run"), ""),
        (("run", "greet", "-b", f"openai:m@{LITERAL[1]}@127.0.0.1:9", "--dry-run"), ""),
        (("backend", "check", f"openai:m@http://{LITERAL[1]}@127.0.0.1:9/v1"), ""),
        (("backend", "check", "--json", f"openai:m@httpS://{LITERAL[1]}@127.0.0.1:9/v1"), ""),
        (("run", LITERAL[0]), ""),
        (("show", LITERAL[0]), ""),
        (("run", "greet", "-t", LITERAL[0]), ""),
        (("run", "greet", "--gate", f"{LITERAL[0]} >= 1"), ""),
        (("scorer", "show", LITERAL[0]), ""),
        (("import", f"{LITERAL[0]}.csv", "--suite", "x"), ""),
        (("--project", f"/{LITERAL[0]}", "runs"), ""),
    ],
)
def test_a_key_in_the_place_of_any_word_is_refused_and_not_shown(
    project: Path, promptlab: Promptlab, words: tuple[str, ...], config: str
) -> None:
    (project / "promptlab.toml").write_text(config, encoding="utf-8")
    ran = [promptlab(*words), promptlab("backend", "list"), promptlab("backend", "list", "--json")]
    assert ran[0].code == 2
    texts = [part for one in ran for part in (one.out, one.err)]
    # The password alone is the secret of an address.
    secrets = [LITERAL[0], LITERAL[1].partition(":")[2], LITERAL[2]]
    assert [secret for secret in secrets if secret.lower() in "".join(texts).lower()] == []
    assert leaks(project, *texts) == []


_TELLING = """
import os, sys
from promptlab.backends import Backend
from promptlab.core.types import Completion, Outcome, Score

KEY = os.environ["FIRST_KEY"]
SPLIT = KEY[:12] + chr(10) + KEY[12:]

def raising(sample):
    raise ValueError("with " + SPLIT)

def reasoning(sample):
    print("a key: " + KEY.lower())
    return Score(0.0, passed=False, reason="it is " + KEY.upper())

class Telling(Backend):
    async def open(self):
        print("opened with " + KEY)
        return {"where": "http://ada:" + KEY + "@example.org"}

    async def generate(self, requests):
        for place, request in enumerate(requests):
            if "Ada" in str(request.messages):
                raise RuntimeError("lost " + SPLIT)
            yield request, Completion(Outcome.OK, "I know " + SPLIT, model=KEY.lower())
"""


@pytest.mark.slow
def test_what_user_defined_code_tells_holds_no_key(planted: Path, promptlab: Promptlab) -> None:
    (planted / "telling.py").write_text(_TELLING, encoding="utf-8")
    (planted / "promptlab.toml").write_text('[backends.t]\nkind = "telling:Telling"\n')
    suite = (planted / "suites" / "greet.yaml").read_text(encoding="utf-8")
    added = "  - telling:raising\n  - telling:reasoning\n"
    (planted / "suites" / "greet.yaml").write_text(suite + added, encoding="utf-8")
    people = '{"id": "ada", "name": "Ada"}\n{"id": "ben", "name": "Ben"}\n'
    (planted / "suites" / "people.jsonl").write_text(people, encoding="utf-8")
    ran = [
        promptlab("run", "greet", "-b", "t"),
        promptlab("score", "latest"),
        promptlab("show", "--full"),
        promptlab("show", "--json"),
        promptlab("runs", "--json"),
    ]
    assert ran[0].code == 4
    texts = [part for one in ran for part in (one.out, one.err)]
    assert sum("[key]" in text for text in texts) > 4
    joined = "".join("".join(text.split()) for text in texts)  # also where it was split
    assert USED["FIRST_KEY"].lower() not in joined.lower()
    assert leaks(planted, *texts) == []
    (planted / "telling.py").unlink()


@pytest.mark.parametrize("bad", ["@[bad", "@:0", "@example.org:99999"])
def test_a_proxy_that_cannot_be_read_is_refused_without_its_password(
    project: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{LITERAL[1]}{bad}")
    monkeypatch.setenv("no_proxy", "")
    ran = promptlab("run", "greet", "-b", "openai:m@http://nowhere.invalid/v1")
    assert ran.code == 2
    assert "variable http_proxy names no proxy that can be used" in ran.err
    assert leaks(project, ran.out, ran.err) == []
    assert LITERAL[1].partition(":")[2] not in ran.err
