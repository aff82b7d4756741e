"""The verbs that show or send a template note marks of other tools on stderr."""

from __future__ import annotations

from pathlib import Path

from .conftest import Promptlab

SUITE = """\
templates: [ask]
backends: [echo]
cases: [{id: a, city: Bern}]
scorers: [length]
"""


def test_verbs_note_marks_of_other_tools(promptlab: Promptlab, project: Path) -> None:
    (project / "templates" / "ask").mkdir()
    text = "system:\nBe brief.\nuser:\nAsk of {city}, {{ city }}.\n"
    (project / "templates" / "ask" / "v1.j2").write_text(text, encoding="utf-8")
    (project / "suites" / "ask.yaml").write_text(SUITE, encoding="utf-8")
    for line in (
        "run ask --dry-run",
        "run ask",
        "run ask --dry-run --json",
        "template render ask --suite ask",
        "template show ask",
    ):
        ran = promptlab(*line.split())
        assert ran.code == 0
        assert ran.err.count("Note: ") == 2, line
        assert "'{city}' is sent as it stands" in ran.err
        assert "the line 'system:' is text" in ran.err
