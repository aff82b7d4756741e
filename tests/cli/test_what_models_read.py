"""From a local model's files to what a user is told, and what its model reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local_model.conftest import TEMPLATE, make_model, make_tokenizer

from .conftest import Promptlab, query
from .drawn import write

NO_SYSTEM = TEMPLATE.replace("in messages", "in messages if m.role != 'system'")
CONFIG = """\
[backends.{name}]
kind = "hf"
model = "models/{name}"
device = "cpu"
pack = "off"
{more}
"""
SUITE = """\
templates: ["say@*"]
backends: [sound]
sampling: {max_tokens: 4}
scorers: [length]
cases: [{id: a, vars: {n: 1}}, {id: b, vars: {n: 2}}]
"""
SAYING = "{% system %}Be brief.{% endsystem %}{% user %}Say {{ n }}.{% enduser %}\n"


@pytest.fixture
def root(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a project with a sound model, and one whose template has no system message."""
    monkeypatch.setenv("PROMPTLAB_CACHE", str(tmp_path / "cache"))
    more = ""
    for name, template in (("sound", TEMPLATE), ("deaf", NO_SYSTEM)):
        tokenizer = make_tokenizer(template)
        make_model(tokenizer).save_pretrained(project / "models" / name)
        tokenizer.save_pretrained(project / "models" / name)
        more += CONFIG.format(name=name, more="")
    write(project, "promptlab.toml", more + '[backends.echo]\nkind = "echo"\n')
    write(project, "templates/say/v1.j2", SAYING)
    write(project, "suites/say.yaml", SUITE)
    return project


def accepting(root: Path) -> None:
    more = CONFIG.format(name="deaf", more='accept = ["lost_text"]')
    write(root, "promptlab.toml", CONFIG.format(name="sound", more="") + more)


def test_a_run_on_a_model_that_would_not_read_all_is_refused(
    root: Path, promptlab: Promptlab
) -> None:
    for words in (["--dry-run"], []):
        ran = promptlab("run", "say", "-b", "deaf", *words)
        assert ran.code == 2
        assert "its chat template leaves out text of messages (system)" in ran.err
    assert not (root / "promptlab.db").exists() or query(root, "SELECT * FROM results") == []


@pytest.mark.slow
def test_by_the_users_word_it_is_told(root: Path, promptlab: Promptlab) -> None:
    accepting(root)
    told = "its chat template leaves out text of messages (system)"
    forecast = json.loads(promptlab("run", "say", "-b", "deaf", "--dry-run", "--json").out)
    assert forecast["not_honoured"] == {"deaf": [told]}
    ran = promptlab("run", "say", "-b", "deaf")
    assert ran.code == 0, ran.err
    assert f"deaf: {told}" in ran.err + ran.out
    assert promptlab("run", "say").err.count(told) == 0


def test_the_tokens_that_a_model_reads_are_shown(root: Path, promptlab: Promptlab) -> None:
    words = ("template", "render", "say", "-p", "n", "7", "--raw", "-b", "sound")
    ran = promptlab(*words)
    assert ran.code == 0, ran.err
    assert "<|im_start|>system\nBe brief.<|im_end|>\n" in ran.out
    (call,) = json.loads(promptlab(*words, "--json").out)
    tokens = call["raw"]["tokens"]
    assert "".join(token["text"] for token in tokens) == call["raw"]["text"]
    assert tokens[0] == {"id": 256, "text": "<|im_start|>"}
    assert f"{len(tokens)} tokens" in ran.out
    assert "256 '<|im_start|>'" in ran.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--raw"], "--raw needs a backend"),
        (["--raw", "-b", "echo"], "known to its server alone"),
        (["--raw", "-b", "deaf"], "leaves out or changes text of a message (system)"),
        (["--raw", "-b", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_shown_is_said(
    root: Path, promptlab: Promptlab, words: list[str], told: str
) -> None:
    ran = promptlab("template", "render", "say", "-p", "n", "7", *words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert ran.err.count("\n") == 1


def test_backend_check_goes_on_to_the_next(root: Path, promptlab: Promptlab) -> None:
    (root / "models/deaf/tokenizer_config.json").write_text("[")
    ran = promptlab("backend", "check", "deaf", "sound")
    assert ran.code == 2
    assert ran.out.startswith("deaf: no: ")
    assert "sound: ok: answers on cpu in float32" in ran.out
