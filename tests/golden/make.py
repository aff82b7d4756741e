"""Made `store.sqlite.gz` and `said/`. It is kept to be read, and not run again.

It was run with the version at commit 5aa1c88, from the folder of the repository:

    python -m tests.golden.make

The database is what that version wrote, and the files in `said/` are what it said of it. A later
version must be able to open the one and say the other, so nothing here is to be made anew with it.
Changed afterwards was only what would tell of the machine: the name of the host and the number of
the process that made a run, and the folders in tracebacks; and one run was given the state in which
`kill -9` leaves it. The clock and the ids of the runs were
set by hand, so that what is recorded can be told from what a test adds.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import hashlib
import json
import os
import shlex
import shutil
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import promptlab
from promptlab.cli.session import Session

from .commands import (
    COMMANDS,
    DATABASE,
    ENDS,
    ENVIRONMENT,
    MADE,
    PORT,
    PROJECT,
    RUNS,
    SAID,
    STORE,
    UNSET,
    frozen_database,
    normalised,
    restore,
    typed,
)

EARLIER_TEXT = "Is this good, or bad? {{ text }}\n"
BAD_SIGNS = ("lid", "late", "screw", "thunder", "stopped", "ran", "small", "Rude", "creaks")


def answer(messages: list[dict[str, str]]) -> str:
    """Answer as a model might: right more often where the prompt asks better."""
    asked = messages[-1]["content"]
    right = "bad" if any(sign in asked for sign in BAD_SIGNS) else "good"
    wrong = "good" if right == "bad" else "bad"
    chance = hashlib.sha256(json.dumps(messages).encode()).digest()[0] / 256
    if "tell?" in asked:
        return f"It says {asked.split('?')[1].strip()} That is all there is to it, I think."
    if "Step by step" in asked:
        return right if chance < 0.8 else f"{wrong}, I would say"
    if "alone" in asked:
        return right.title() if chance < 0.94 else wrong
    if chance < 0.45:
        return f"I find it {right}."
    return "Well, that depends on how one looks at it, as all things do in the end, or nearly all."


class Mock(BaseHTTPRequestHandler):
    """OpenAI's chat completions, answered by the request alone. A token is a word."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a call, or refuse one about forbidden words."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked = " ".join(message["content"] for message in body["messages"])
        if "Forbidden" in asked and "alone" in asked:
            self._reply(400, {"error": {"message": "these words are forbidden", "code": "words"}})
            return
        said = answer(body["messages"]).split()
        kept = said[: body["max_tokens"]]
        read = len(asked.split())
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": " ".join(kept)},
            "finish_reason": "length" if len(kept) < len(said) else "stop",
        }
        usage = {
            "prompt_tokens": read,
            "completion_tokens": len(kept),
            "prompt_tokens_details": {"cached_tokens": 4 if len(body["messages"]) > 1 else 0},
        }
        self._reply(
            200,
            {
                "model": "mock-1-0125",
                "system_fingerprint": "fp_1",
                "choices": [choice],
                "usage": usage,
            },
        )

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def serving() -> Iterator[None]:
    """Have the mock server answer meanwhile."""
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Mock)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def measure(root: Path) -> None:
    """Make all runs, each at a moment and with an id of its own."""
    for at, (name, (line, expected)) in enumerate(MADE.items(), 1):
        now = datetime.datetime(2025, 1, 1, 0, at, tzinfo=datetime.UTC)
        text = root / "templates/note/v1.j2"
        kept = text.read_text(encoding="utf-8")
        if name == "earlier":
            text.write_text(EARLIER_TEXT, encoding="utf-8")
        with (
            patch.object(Session, "now", staticmethod(lambda now=now: now)),
            patch.object(Session, "new_run_id", staticmethod(lambda name=name: RUNS[name])),
        ):
            code, out, err = typed(shlex.split(line))
        text.write_text(kept, encoding="utf-8")
        sys.stderr.write(f"{name}: {code}\n{out if code != expected else ''}{err}")
        assert code == expected, name


def freeze(root: Path) -> None:
    """Keep the database as one small file that tells nothing of this machine."""
    with contextlib.closing(sqlite3.connect(root / DATABASE, isolation_level=None)) as database:
        database.execute("UPDATE runs SET host = 'frozen.invalid', pid = 1, process_started = NULL")
        database.execute(  # as `kill -9` leaves a run
            "UPDATE runs SET status = 'running', finished_at = NULL WHERE run_id = ?",
            [RUNS["killed"]],
        )
        for folder in (root, Path(promptlab.__file__).parents[1]):
            database.execute(
                "UPDATE scores SET traceback = replace(traceback, ?, '')", [f"{folder}/"]
            )
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("VACUUM")
        database.execute("PRAGMA journal_mode = WAL")
    STORE.write_bytes(gzip.compress((root / DATABASE).read_bytes(), mtime=0))


def record(root: Path) -> None:
    """Keep what each command says of the frozen database, a copy for each."""
    shutil.rmtree(SAID, ignore_errors=True)
    SAID.mkdir()
    ends = {}
    for file, command in COMMANDS.items():
        restore(root, frozen_database())
        code, out, err = typed(command.words)
        ends[file] = {"code": code, "err": normalised(err, root)}
        (SAID / file).write_text(normalised(out, root), encoding="utf-8")
        sys.stderr.write(f"{file}: {code} {len(out)} {err}\n")
    ENDS.write_text(json.dumps(ends, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Make all of it, in a copy of the project."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve() / "project"
        shutil.copytree(PROJECT, root, ignore=shutil.ignore_patterns("__pycache__"))
        os.environ.update(ENVIRONMENT)
        for name in UNSET:
            os.environ.pop(name, None)
        os.chdir(root)
        with serving():
            measure(root)
        freeze(root)
        record(root)


if __name__ == "__main__":
    main()
