"""Answers weighed by a local model, from the run to what is shown, kept and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local_model.adapters import write_model
from tests.local_model.conftest import make_model, make_tokenizer

from .conftest import Promptlab, query
from .drawn import write

CONFIG = """\
[backends.tiny]
kind = "hf"
model = "models/tiny"
device = "cpu"

[backends.echo]
kind = "echo"
"""
SUITE = """\
templates: ["say@*"]
backends: [tiny]
sampling: {{max_tokens: 4}}
scorers: [{scorers}]
cases:
  - {{id: c1, vars: {{n: one, options: [yes please, no]}}, expect: "no"}}
  - {{id: c2, vars: {{n: two, options: [perhaps, never, no]}}, expect: perhaps}}
"""
LIKELIHOODS = "SELECT count(*) FROM generations WHERE likelihoods IS NOT NULL"


@pytest.fixture
def root(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a project with a tiny model and a template."""
    monkeypatch.setenv("PROMPTLAB_CACHE", str(tmp_path / "cache"))
    tokenizer = make_tokenizer()
    write_model(project / "models/tiny", make_model(tokenizer), tokenizer)
    write(project, "promptlab.toml", CONFIG)
    write(project, "templates/say/v1.j2", "Say {{ n }}.\n")
    return project


def ask_for(root: Path, scorers: str) -> None:
    write(root, "suites/say.yaml", SUITE.format(scorers=scorers))


@pytest.mark.slow
def test_options_are_weighed_in_place_of_an_answer(root: Path, promptlab: Promptlab) -> None:
    ask_for(root, "loglikelihood")
    ran = promptlab("run", "say", "--json")
    assert ran.code == 0, ran.err
    [arm] = json.loads(ran.out)["arms"]
    assert (arm["trials"], arm["output_tokens"]["total"]) == (2, 0)
    assert query(root, LIKELIHOODS) == [(2,)]
    rows = query(root, "SELECT output, score, passed FROM results ORDER BY case_id")
    shown = json.loads(promptlab("show", "--full", "--json").out)["results"]
    for (output, score, passed), result in zip(rows, shown, strict=True):
        [turn] = result["turns"]
        likeliest = max(turn["likelihoods"], key=lambda each: each["logprob"])
        expected = {"c1": "no", "c2": "perhaps"}[result["case_id"]]
        assert output == likeliest["text"]
        assert score == passed == (output == expected)
    again = promptlab("run", "say", "--offline")
    assert again.code == 0, again.err
    assert "no model call was made" in again.out


@pytest.mark.slow
def test_beside_other_scorers_they_are_weighed_after_the_answer(
    root: Path, promptlab: Promptlab
) -> None:
    ask_for(root, "length, loglikelihood, mean_logprob")
    ran = promptlab("run", "say")
    assert ran.code == 0, ran.err
    assert "6 model calls" in ran.out
    assert query(root, LIKELIHOODS) == [(4,)]
    turns = query(root, "SELECT turn, name, aside FROM trial_turns WHERE seq = 0 ORDER BY turn")
    assert turns == [(0, "answer", 0), (1, "loglikelihood", 1), (2, "mean_logprob", 1)]
    assert query(root, "SELECT DISTINCT graded FROM trials") == [(0,)]
    reasons = query(root, "SELECT reason FROM results WHERE scorer = 'mean_logprob'")
    assert all(reason.startswith("perplexity ") for (reason,) in reasons)
    full = promptlab("show", "--full").out
    assert "loglikelihood (log-probability of each answer)" in full
    assert full.count("<- likeliest") == 2
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_such_a_run_is_limited_resumed_and_measured_again(root: Path, promptlab: Promptlab) -> None:
    ask_for(root, "length, loglikelihood, mean_logprob")
    ahead = json.loads(promptlab("run", "say", "--dry-run", "--json").out)
    [arm] = ahead["arms"]
    assert (arm["calls"], arm["stored"]) == (6, 0)
    stopped = promptlab("run", "say", "--max-calls", "3")
    assert stopped.code == 4, stopped.err
    resumed = promptlab("resume", "--max-calls", "9")
    assert resumed.code == 0, resumed.err
    assert "3 model calls" in resumed.out
    assert query(root, "SELECT count(*), count(DISTINCT key) FROM generations") == [(6, 6)]
    scores = "SELECT scorer, score FROM results WHERE run_id = ? ORDER BY case_id, scorer"
    runs = [run for (run,) in query(root, "SELECT run_id FROM runs")]
    first = query(root, scores.replace("?", f"'{runs[0]}'"))
    fresh = promptlab("run", "say", "--fresh")
    assert "6 model calls" in fresh.out
    runs = [run for (run,) in query(root, "SELECT run_id FROM runs ORDER BY id")]
    again = query(root, scores.replace("?", f"'{runs[-1]}'"))
    assert len(first) == 6
    for (name, old), (other, new) in zip(first, again, strict=True):
        assert (name, old) == (other, pytest.approx(new, abs=1e-4))
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_an_answer_too_long_to_weigh_costs_its_scorer_alone(
    root: Path, promptlab: Promptlab
) -> None:
    write(root, "promptlab.toml", CONFIG.replace("device", "max_length = 60\ndevice", 1))
    ask_for(root, f"length, {{mean_logprob: {{text: {'long ' * 20}}}}}")
    ran = promptlab("run", "say")
    assert ran.code == 4
    assert query(root, "SELECT DISTINCT outcome <> 'error' FROM trials") == [(1,)]
    rows = query(root, "SELECT scorer, score IS NULL, error FROM results ORDER BY scorer")
    assert [row[:2] for row in rows] == [("length", 0)] * 2 + [("mean_logprob", 1)] * 2
    assert "the model's context is 60" in rows[-1][2]


@pytest.mark.parametrize(
    ("scorers", "words", "expected"),
    [
        ("loglikelihood", ("-b", "echo"), "backend 'echo' does not report"),
        (
            "{loglikelihood: {options: 'yes, no'}}",
            (),
            "scorer 'loglikelihood', parameter 'options'",
        ),
        ("{loglikelihood: {target: maybe}}", (), "the target 'maybe' is not one of the options"),
        ("{mean_logprob: {text: '{{ nothing }}'}}", (), "'nothing' is undefined"),
    ],
)
def test_what_cannot_be_weighed_is_refused_before_any_call(
    root: Path, promptlab: Promptlab, scorers: str, words: tuple[str, ...], expected: str
) -> None:
    ask_for(root, scorers)
    ran = promptlab("run", "say", *words)
    assert (ran.code, ran.out) == (2, "")
    assert expected in ran.err
    assert ran.err.count("\n") == 1
    assert not (root / "promptlab.db").exists() or query(root, LIKELIHOODS) == [(0,)]
