"""A base and its adapter in one suite, from the run to the comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local_model.adapters import write_adapter, write_model
from tests.local_model.conftest import make_model, make_tokenizer

from .conftest import Promptlab, query
from .drawn import write

CONFIG = """\
[backends.base]
kind = "hf"
model = "models/base"
device = "cpu"

[backends.tuned]
kind = "hf"
model = "models/base"
device = "cpu"
adapter = "models/lora"
"""
SUITE = """\
templates: ["say@*"]
backends: [base, tuned]
sampling: {max_tokens: 8}
scorers:
  - contains: {any: ["a", "e"]}
cases:
"""


@pytest.fixture
def root(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a project with a tiny model, an adapter for it, and a suite for both."""
    monkeypatch.setenv("PROMPTLAB_CACHE", str(tmp_path / "cache"))
    tokenizer = make_tokenizer()
    write_model(project / "models/base", make_model(tokenizer), tokenizer)
    write_adapter(project / "models/lora", make_model(tokenizer))
    write(project, "promptlab.toml", CONFIG)
    write(project, "templates/say/v1.j2", "Say {{ n }}.\n")
    cases = "".join(f"  - {{id: c{n:02}, vars: {{n: {n}}}}}\n" for n in range(12))
    write(project, "suites/say.yaml", SUITE + cases)
    return project


@pytest.mark.slow
def test_a_base_and_its_adapter_are_two_backends(root: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "say", "--json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    facts = document["backends"]
    assert facts["tuned"]["adapter"]["rank"] == 4
    assert "adapter" not in facts["base"]

    said = query(root, "SELECT backend, case_id, output FROM results ORDER BY case_id, backend")
    assert len(said) == 24
    pairs = list(zip(said[::2], said[1::2], strict=True))
    assert sum(base[2] != tuned[2] for base, tuned in pairs) > 6

    shown = promptlab("compare", "--by", "backend", "--json")
    assert (shown.code, shown.err) == (0, "")
    [one] = json.loads(shown.out)["comparisons"]
    assert (one["a"], one["b"], one["n"]) == ("say@v1 on base", "say@v1 on tuned", 12)

    again = promptlab(
        "run", "say", "--json", "--offline"
    )  # all answers are stored, each as its own
    assert again.code == 0, again.err
    listed = promptlab("backend", "list").out
    assert "adapter=models/lora" in listed
    checked = promptlab("backend", "check", "tuned")
    assert (checked.code, checked.out) == (0, "tuned: ok: answers on cpu in float32\n")


@pytest.mark.slow
def test_an_adapter_that_cannot_be_used_stops_the_run_before_it_begins(
    root: Path, promptlab: Promptlab
) -> None:
    (root / "models/lora/adapter_model.safetensors").rename(root / "models/lora/adapter_model.bin")
    ran = promptlab("run", "say")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: ")
    assert "adapter_model.bin, which may run code when read" in ran.err
    assert ran.err.count("\n") == 1
    assert not (root / "promptlab.db").exists()
