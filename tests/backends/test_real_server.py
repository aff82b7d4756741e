"""A server that nobody here wrote says what the same weights say here: `transformers serve`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from promptlab.backends import Backend
from promptlab.backends.hf import HuggingFace
from promptlab.backends.openai import OpenAI, Options
from promptlab.cli import run_cli
from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.core.types import Completion, Message, Outcome, Request, Role, Sampling
from promptlab.local_model.files.weights import DEFAULT_MODEL
from promptlab.local_model.options import Options as LocalOptions

pytestmark = [pytest.mark.model, pytest.mark.slow]

MODEL = "smollm2"  # what the server calls it: a folder of that name, where it is started
PATIENCE_S = 90  # it takes 6 s on two idle cores
ADDRESS = re.compile(r"Uvicorn running on (http://\S+:\d+)")

# The server ends with its standard input, so that it outlives no test process, killed or not.
SERVE = """
import os, threading

def end_with_the_tests():
    while os.read(0, 1):
        pass
    os._exit(1)

threading.Thread(target=end_with_the_tests, daemon=True).start()

from transformers.cli.transformers import main
main()
"""

CONFIG = """
[backends.here]
kind = "hf"
model = "{here}"

[backends.there]
kind = "openai"
model = "{there}"
base_url = "{url}"

[backends.short]
kind = "openai"
model = "{there}"
base_url = "{url}"
extra_body = {{max_completion_tokens = 3}}  # here it counts before max_tokens, and saves seconds
"""

TEMPLATE = """\
---
sampling: {max_tokens: 6}
---
{% system %}You answer in one word.{% endsystem %}
{% user %}Is {{ thing }} hot or cold?{% enduser %}
{% generate first %}
{% user %}You said: {{ first }} Now say it again.{% enduser %}
"""

SUITE = """\
templates: [hot]
backends: [here, there]
cases:
  - {id: ice, vars: {thing: ice}}
  - {id: fire, vars: {thing: fire}}
scorers:
  - length: {unit: words, max: 5}
"""


def talk(key: str, max_tokens: int, *said: tuple[Role, str]) -> Request:
    messages = tuple(Message(role, text) for role, text in said)
    return Request(key, messages, Sampling(max_tokens=max_tokens))


# In none of the answers do the two likeliest tokens come near one another (0.08 and more between
# their logits), so no order of additions decides what is said.
REQUESTS = [
    talk("question", 12, ("user", "What is the capital of France?")),
    talk(
        "system",
        12,
        ("system", "You answer in French."),
        ("user", "What is the capital of France?"),
    ),
    talk("empty system", 5, ("system", ""), ("user", "Hi")),
    talk(
        "dialogue",
        8,
        ("user", "What is 2 + 3?"),
        ("assistant", "5"),
        ("user", "And what is 4 + 4?"),
    ),
    talk(
        "label",
        5,
        ("system", "You label reviews."),
        ("user", "Label as positive or negative.\nReview: I loved it!\nLabel:"),
    ),
    talk("letters", 8, ("user", "Répète: «naïve café» 日本 🙂")),
    talk("code", 6, ("user", "Write a Python function:\n```python\ndef add(a, b):\n")),
    talk("one token", 1, ("user", "1, 2, 3, 4, 5,")),
]


@dataclass(frozen=True, slots=True)
class Server:
    """A server that was started, and may be not yet ready."""

    process: subprocess.Popen[bytes]
    log: Path

    def url(self) -> str:
        """Return the address of its API, once it answers there."""
        deadline = time.monotonic() + PATIENCE_S
        while not (match := ADDRESS.search(self.log.read_text())):
            code = self.process.poll()
            if code is not None or time.monotonic() > deadline:
                end = f"ended with {code}" if code is not None else f"is not up in {PATIENCE_S} s"
                pytest.fail(f"transformers serve {end}:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)
        return f"{match[1]}/v1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start the server on a port that it finds free itself, with the weights that `hf` uses."""
    root = tmp_path_factory.mktemp("server")
    weights = asyncio.run(HuggingFace(DEFAULT_MODEL, LocalOptions())._folder())
    (root / MODEL).symlink_to(weights)
    log = root / "log"
    options = {"dtype": "float32", "device": "cpu", "host": "127.0.0.1", "port": "0"}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", MODEL, *words],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=written,
            stderr=written,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
    try:
        yield Server(process, log)
    finally:
        process.kill()
        process.communicate()


def answers(backend: Backend, *requests: Request) -> dict[str, Completion]:
    async def gather() -> dict[str, Completion]:
        await backend.open()
        try:
            return {asked.key: said async for asked, said in backend.generate(requests)}
        finally:
            await backend.close()

    return asyncio.run(gather())


@pytest.fixture(scope="module")
def here(server: Server) -> dict[str, Completion]:
    """Return what `hf` says, asked while the server is still starting."""
    return answers(HuggingFace(DEFAULT_MODEL, LocalOptions(device="cpu")), *REQUESTS)


@pytest.fixture(scope="module")
def url(server: Server, here: dict[str, Completion]) -> str:
    return server.url()


def remote(url: str, model: str = MODEL, **options: Any) -> OpenAI:
    return OpenAI(model, Options(base_url=url, max_retries=0, **options))


@pytest.fixture(scope="module")
def there(url: str) -> dict[str, Completion]:
    return answers(remote(url), *REQUESTS)


@pytest.mark.parametrize("key", [request.key for request in REQUESTS])
def test_the_same_prompt_has_the_same_answer(
    here: dict[str, Completion], there: dict[str, Completion], key: str
) -> None:
    mine, theirs = here[key], there[key]
    assert theirs.error is None
    assert theirs.text == mine.text
    assert theirs.text
    assert (theirs.outcome, theirs.finish_reason) == (mine.outcome, mine.finish_reason)
    assert theirs.usage == mine.usage
    assert theirs.model == f"{MODEL}@main"


def test_some_answers_end_by_themselves_and_some_are_cut(there: dict[str, Completion]) -> None:
    assert {said.outcome for said in there.values()} == {Outcome.OK, Outcome.TRUNCATED}
    assert there["one token"].usage.output_tokens == 1


def test_a_response_has_the_same_answer_as_a_chat(
    url: str, here: dict[str, Completion], there: dict[str, Completion]
) -> None:
    asked = next(request for request in REQUESTS if request.key == "dialogue")
    said = answers(remote(url, api="responses"), asked)["dialogue"]
    assert (said.text, said.outcome, said.error) == (here["dialogue"].text, Outcome.OK, None)
    chat = there["dialogue"].usage
    assert (said.usage.input_tokens, said.usage.output_tokens) == (
        chat.input_tokens,
        chat.output_tokens,
    )


def test_what_it_refuses_is_reported_in_its_words(url: str) -> None:
    said = answers(remote(url, extra_body={"top_k": 5}), REQUESTS[0])["question"]
    assert said.error == "rejected: HTTP 422: Unexpected fields in the request: {'top_k'}"
    assert said.failure is not None
    assert said.failure.fault is Fault.REJECTED


def test_another_model_than_it_has_stops_the_backend(url: str) -> None:
    with pytest.raises(BackendError, match=f"pinned to '{MODEL}'; requested 'other'"):
        answers(remote(url, model="other"), REQUESTS[0])


@pytest.fixture
def lab(
    url: str,
    project: Path,
    write: Callable[[str, str | bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Return a project that has both backends and a suite for them."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    write("promptlab.toml", CONFIG.format(here=DEFAULT_MODEL, there=MODEL, url=url))
    write("templates/hot/v1.j2", TEMPLATE)
    write("suites/hot.yaml", SUITE)
    return project


def test_check_says_what_it_does_and_does_not(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_cli(["--project", str(lab), "backend", "check", "short"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert out.startswith(f"short: ok: {MODEL}@main, ")
    honoured, _, refused = out.partition("; not ")
    assert "system message" in honoured.partition("; honours ")[2]
    assert refused.startswith("logprobs, JSON schema")


def test_a_run_gives_the_same_results_on_both(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_cli(["--project", str(lab), "run", "hot", "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert json.loads(out)["calls"] == 8
    what = "case_id, outcome, output, input_tokens, output_tokens, score, error"
    with closing(sqlite3.connect(lab / "promptlab.db")) as database:
        mine, theirs = (
            database.execute(
                f"SELECT {what} FROM results WHERE backend = ? ORDER BY case_id", [name]
            ).fetchall()
            for name in ("here", "there")
        )
    assert mine == theirs
    assert [row[0] for row in mine] == ["fire", "ice"]
    assert all(row[2] for row in mine)
