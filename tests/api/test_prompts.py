"""Versions of a template in an application: rendered, without a database."""

from __future__ import annotations

from pathlib import Path

import pytest

import promptlab
from promptlab import PromptlabError


def test_a_version_renders_to_messages(folder: Path) -> None:
    version = promptlab.template("greet@best", project=folder)
    assert (version.name, version.version, version.practices) == ("greet", "v2", ("clear",))
    assert (version.variables, repr(version)) == (("name",), "<greet@v2: name>")
    prompt = version.render(name="Ada")
    assert prompt.to_dicts() == [
        {"role": "system", "content": "You greet people."},
        {"role": "user", "content": "Say hello to Ada in one word."},
    ]
    assert repr(prompt).startswith("system:\nYou greet people.\n\nuser:\n")
    assert "Say hello to Ada" in prompt._repr_html_()
    assert version.render({"name": "Ada"}, off=["clear"]).messages[1].text == "Say hello to Ada."
    assert not (folder / "promptlab.db").exists()


def test_a_conversation_goes_on_from_answers(folder: Path) -> None:
    version = promptlab.open_project(folder).template("greet@v3")
    assert version.answers == ("draft",)
    assert version.render(name="Ada").answer == "draft"
    second = version.render(name="Ada", answers=["Hello!"])
    assert [each.role for each in second.messages] == ["user", "assistant", "user"]
    assert second.messages[-1].text == "Shorten it: Hello!"
    with pytest.raises(PromptlabError, match="has no further call"):
        version.render(name="Ada", answers=["Hello!", "Hi!"])


def test_what_is_missing_is_named(folder: Path) -> None:
    version = promptlab.template("greet@v1", project=folder)
    with pytest.raises(PromptlabError, match="'name' is undefined"):
        version.render()
    with pytest.raises(PromptlabError, match="unknown version"):
        promptlab.template("greet@v9", project=folder)


def test_the_nearest_project_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "suites")
    assert promptlab.template("greet").version == "v3"
