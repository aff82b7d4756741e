"""Throughput of backends that answer many requests together, in place of their latency."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from promptlab.core.worked import Worked
from promptlab.report.views.throughput import throughput_lines

from .conftest import Promptlab


@pytest.fixture
def worked(ran_project: Path) -> Path:
    """Return a project whose run says that `echo` worked for a while."""
    facts = {"echo": {"in_batches": True, "worked": Worked(6, 42, 4.0).to_json()}}
    with closing(sqlite3.connect(ran_project / "promptlab.db")) as database, database:
        database.execute("UPDATE runs SET facts = ?", [json.dumps(facts)])
    return ran_project


@pytest.mark.usefixtures("project")
def test_a_run_keeps_what_was_answered(promptlab: Promptlab) -> None:
    done = json.loads(promptlab("run", "greet", "--json").out)["throughput"]["echo"]
    assert (done["answers"], done["seconds"] > 0) == (6, True)
    assert done["output_tokens"] > 0
    again = json.loads(promptlab("run", "greet", "--json").out)
    assert again["calls"] == 0
    assert again["throughput"] == {"echo": None}  # it did nothing, which is no rate of 0


@pytest.mark.usefixtures("worked")
def test_it_stands_where_latency_is_left_out(promptlab: Promptlab) -> None:
    line = "echo answers many together: 1.5 answers/s, 10 tokens/s"
    assert line in promptlab("show").out
    compared = promptlab("compare").out
    assert line in compared
    assert "s more" not in compared
    done = json.loads(promptlab("compare", "--json").out)["throughput"]["echo"]
    assert (done["answers_per_s"], done["tokens_per_s"]) == (1.5, 10.5)


def test_what_is_not_known_is_not_shown() -> None:
    assert throughput_lines({"a": None, "b": Worked(5, 5, 0.2)}) == ()
    assert throughput_lines({"c": Worked(500, None, 2.0)}) == (
        "c answers many together: 250 answers/s",
    )
