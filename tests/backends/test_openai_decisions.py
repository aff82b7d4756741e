"""OpenAI's decisions API: a model that weighs given answers, as the judge of `decision`."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from promptlab.backends.openai import OpenAI, Options
from promptlab.cli import run_cli
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Message, Outcome, Request, Sampling

QUESTION = (Message("system", "Be fair."), Message("user", "Is it polite?"))
KNOWN = {"model", "input", "questions"}


class Server:
    """A server that holds calls to the format, and answers with `shares`, the last option first."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.shares = [0.7, 0.2, 0.1]
        self.reply: tuple[int, Any] | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                status, reply = server.answer(self.path, json.loads(content))
                data = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        assert path == "/v1/decisions"
        assert body.keys() == KNOWN
        self.bodies.append(body)
        if self.reply is not None:
            return self.reply
        [question] = body["questions"]
        values = [choice["value"] for choice in question["choices"]]
        shares = dict(zip(values, self.shares, strict=False))
        probabilities = [
            {"value": value, "probability": share} for value, share in reversed(shares.items())
        ]
        choice = max(shares, key=shares.__getitem__)
        answer = {"type": "choice", "choice": choice, "confidence": 0.5, "name": None}
        usage = {"input_tokens": 30, "output_tokens": 1, "total_tokens": 31}
        answers = [{**answer, "probabilities": probabilities}]
        return 200, {"answers": answers, "model": "luna", "usage": usage}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def ask(server: Server, *answers: str) -> Completion:
    backend = OpenAI("luna", Options(api="decisions", base_url=server.url))
    request = Request("k", QUESTION, Sampling(max_tokens=0), continuations=answers)

    async def once() -> Completion:
        [(_, completion)] = [pair async for pair in backend.generate([request])]
        await backend.close()
        return completion

    return asyncio.run(once())


def test_it_weighs_answers_in_their_order(server: Server) -> None:
    completion = ask(server, "Yes", "No", "Maybe")
    assert (completion.outcome, completion.text, completion.model) == (Outcome.OK, "Yes", "luna")
    assert [round(math.exp(each.logprob), 9) for each in completion.likelihoods] == [0.7, 0.2, 0.1]
    assert [each.greedy for each in completion.likelihoods] == [True, False, False]
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (30, 1)
    [body] = server.bodies
    assert body["input"] == [
        {"role": "system", "content": "Be fair."},
        {"role": "user", "content": "Is it polite?"},
    ]
    [question] = body["questions"]
    assert (question["type"], question["choices"]) == (
        "choice",
        [{"value": "Yes"}, {"value": "No"}, {"value": "Maybe"}],
    )


def test_a_probability_of_0_is_a_very_small_one(server: Server) -> None:
    server.shares = [1.0, 0.0]
    completion = ask(server, "Yes", "No")
    assert all(math.isfinite(each.logprob) for each in completion.likelihoods)
    assert completion.likelihoods[1].logprob < -20


def test_a_refusal_weighs_nothing(server: Server) -> None:
    server.reply = (200, {"answers": [{"type": "refusal", "name": None}], "model": "luna"})
    completion = ask(server, "Yes", "No")
    assert (completion.outcome, completion.likelihoods) == (Outcome.REFUSED, ())


@pytest.mark.parametrize(
    "answer",
    [
        {"type": "predicate", "probability": 0.5},
        {"type": "choice", "choice": True, "probabilities": []},
        {"type": "choice", "choice": "Yes", "probabilities": [{"value": "Yes", "probability": 1}]},
        {"type": "choice", "choice": "Yes"},
        {
            "type": "choice",
            "choice": "Yes",
            "probabilities": [
                {"value": "Yes", "probability": 1.5},
                {"value": "No", "probability": "a"},
            ],
        },
    ],
)
def test_what_is_no_decision_is_an_error(server: Server, answer: dict[str, Any]) -> None:
    server.reply = (200, {"answers": [answer], "model": "luna"})
    completion = ask(server, "Yes", "No")
    assert (completion.outcome, completion.likelihoods) == (Outcome.ERROR, ())
    assert completion.error


@pytest.mark.parametrize("answers", [["Yes"], ["Yes", "Yes"], [str(n) for n in range(256)]])
def test_what_it_cannot_weigh_is_not_sent(server: Server, answers: list[str]) -> None:
    completion = ask(server, *answers)
    assert completion.outcome is Outcome.ERROR
    assert "weighs 2 to 255 different answers" in str(completion.error)
    assert server.bodies == []


def test_it_writes_no_answers(server: Server) -> None:
    backend = OpenAI("luna", Options(api="decisions", base_url=server.url))
    assert backend.weighs_answers
    assert not OpenAI("m", Options()).weighs_answers
    assert backend.identity()["api"] == "decisions"
    with pytest.raises(BackendError, match='writes no answers under api = "decisions"'):
        backend.shortfalls(Sampling(), None)


@pytest.mark.parametrize(
    "more", [{"stream": True}, {"reasoning_effort": "low"}, {"thinking": "on"}]
)
def test_options_for_writing_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="takes no stream, thinking or reasoning_effort"):
        Options(api="decisions", **more)


def test_it_is_checked_by_what_it_does(server: Server) -> None:
    backend = OpenAI("luna", Options(api="decisions", base_url=server.url))
    health = asyncio.run(backend.check())
    assert health.ok
    assert health.detail.endswith("weighs given answers")
    server.reply = (401, {"error": {"message": "no key"}})
    assert not asyncio.run(backend.check()).ok


SUITE = """\
templates: [greet]
backends: [{on}]
cases:
  - {{id: ada, name: Ada}}
scorers:
  - decision: {{question: Is it polite?, judge: luna}}
  - decision: {{question: How polite is it?, judge: luna, kind: score, high: 3, name: polite}}
"""


@pytest.mark.slow
def test_it_judges_a_run(server: Server, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What answers prompts cannot be it; what judges them can."""
    table = '[backends.luna]\nkind = "openai"\nmodel = "luna"\napi = "decisions"\n'
    (project / "promptlab.toml").write_text(f'{table}base_url = "{server.url}"\n')
    (project / "templates/greet").mkdir()
    (project / "templates/greet/v1.j2").write_text("Greet {{ name }}.\n")
    (project / "suites/greet.yaml").write_text(SUITE.format(on="echo"))
    there = ["--project", str(project)]
    assert run_cli([*there, "run", "greet"]) == 0, capsys.readouterr().err
    capsys.readouterr()
    run_cli([*there, "show"])
    shown = capsys.readouterr().out
    assert "decision: pass, Yes 0.78, No 0.22" in shown  # of 0.7 and 0.2
    assert "grade 1.4 (1 to 3)" in shown
    assert len(server.bodies) == 2
    (project / "suites/greet.yaml").write_text(SUITE.format(on="luna"))
    assert run_cli([*there, "run", "greet"]) == 2
    assert 'writes no answers under api = "decisions"' in capsys.readouterr().err
    assert len(server.bodies) == 2
