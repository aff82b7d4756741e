"""Files of a project that are called like a library: neither takes the other's place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import alone, edit

LIBRARIES = [
    "random", *(pytest.param(name, marks=pytest.mark.slow) for name in ("numpy", "regex", "json"))
]  # fmt: skip
SUITE = """\
templates: ["greet@*"]
backends: [echo]
cases: people.jsonl
scorers:
  - regex: {pattern: "Ada"}
  - NAME:tone
"""


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.slow
def test_a_file_called_like_a_library_shadows_nothing_and_is_found(
    project: Path, name: str
) -> None:
    (project / "helper_of_tone.py").write_text("WORD = 'Ada'\n", encoding="utf-8")
    (project / f"{name}.py").write_text(
        "import json\nfrom helper_of_tone import WORD\n"
        "def tone(sample):\n    json.dumps([])\n    return WORD in sample.output\n",
        encoding="utf-8",
    )
    (project / "suites/greet.yaml").write_text(SUITE.replace("NAME", name), encoding="utf-8")
    ran = alone(project, "run", "greet", "--json")
    assert (ran.code, ran.err) == (0, "")
    scores = {one["scorer"]: one["mean"] for one in json.loads(ran.out)["arms"][0]["scores"]}
    assert scores == {"regex": pytest.approx(1 / 3), "tone": pytest.approx(1 / 3)}
    if name == "numpy":
        assert alone(project, "compare").code == 0
    assert not list(project.rglob("__pycache__"))


@pytest.mark.slow
def test_a_package_may_be_called_so_too(project: Path) -> None:
    (project / "json").mkdir()
    (project / "json/__init__.py").write_text("", encoding="utf-8")
    (project / "json/words.py").write_text("WORD = 'Ada'\n", encoding="utf-8")
    (project / "json/tones.py").write_text(
        "from .words import WORD\ndef tone(sample):\n    return WORD in sample.output\n",
        encoding="utf-8",
    )
    edit(project / "suites/greet.yaml", "  - length", "  - json.tones:tone\n  - length")
    assert alone(project, "run", "greet").code == 0
