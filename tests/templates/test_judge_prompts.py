"""The prompts of judges: the project's, then the built-in ones; each known by its text."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Sampling
from promptlab.templates.judge_prompts import JudgePrompts
from promptlab.templates.library import TemplateLibrary

# A version that judged something never changes: write the next one. Runs know it by this digest.
RELEASED = {
    "decision@v1": "b2:60de9f47564b7d00b255d76f87e2e7cd",
    "pairwise@v1": "b2:d7aee783df7709e5cd94e791503737ee",
    "rubric@v1": "b2:a2c0ec39ee09eda7c7081daa01148ce3",
}


@pytest.fixture
def prompts(project: Path) -> JudgePrompts:
    return JudgePrompts(TemplateLibrary(project / "templates"))


def add(project: Path, name: str, text: str) -> None:
    file = project / "templates/_judges" / f"{name}.j2"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("reference", RELEASED)
def test_a_built_in_prompt_never_changes(reference: str) -> None:
    prompt = JudgePrompts()(reference)
    assert (prompt.reference, prompt.built_in) == (reference, True)
    assert prompt.digest == RELEASED[reference]


def test_a_version_of_the_project_counts_in_place_of_a_built_in_one(
    project: Path, prompts: JudgePrompts
) -> None:
    built_in = prompts("rubric@v1")
    add(project, "rubric/v2", "Grade {{ output }}.")
    assert prompts("rubric@v1") == built_in
    assert prompts("rubric").reference == "rubric@v2"
    assert not prompts("rubric").built_in
    add(project, "rubric/v1", "Grade {{ output }} well.")
    assert prompts("rubric@v1").messages({"output": "x"})[0].text == "Grade x well."
    assert prompts("rubric@v1").digest != built_in.digest


def test_one_changed_character_makes_another_prompt(project: Path, prompts: JudgePrompts) -> None:
    add(project, "tone/v9", "---\nsampling: {max_tokens: 9}\n---\nGrade {{ output }}.")
    add(project, "tone/v10", "Grade {{ output }}!")
    first, newest = prompts("tone@v9"), prompts("tone")
    assert newest.reference == "tone@v10"
    assert first.sampling == Sampling(max_tokens=9)
    assert newest.schema is None
    add(project, "tone/v9", "---\nsampling: {max_tokens: 8}\n---\nGrade {{ output }}.")
    assert len({first.digest, newest.digest, prompts("tone@v9").digest}) == 3


def test_an_include_is_a_part_of_the_text(project: Path, prompts: JudgePrompts) -> None:
    add(project, "tone/v1", '{% user %}{% include "_judges/tone/rules.txt" %}{% enduser %}')
    rules = project / "templates/_judges/tone/rules.txt"
    rules.write_text("Be strict.", encoding="utf-8")
    before = prompts("tone")
    assert before.messages({})[0].text == "Be strict."
    rules.write_text("Be mild.", encoding="utf-8")
    assert prompts("tone").digest != before.digest


def test_it_is_a_value(prompts: JudgePrompts) -> None:
    prompt = prompts("rubric")
    assert pickle.loads(pickle.dumps(prompt)) == prompt == prompts("rubric@v1")


@pytest.mark.parametrize(
    ("name", "text", "reference", "message"),
    [
        ("tone/v1", "Hi", "tune", "unknown prompt of a judge 'tune' .*did you mean 'tone'"),
        ("tone/v1", "Hi", "tone@v2", "unknown version 'v2' of tone .*v1"),
        ("tone/v1", "Hi", "../tone", "unknown prompt of a judge"),
        ("tone/v1", "Hi", "", "unknown prompt of a judge ''"),
        ("tone/v1", "Hi {{ x", "tone", "templates/_judges/tone/v1.j2:1: bad template"),
        ("tone/v1", "---\nlables: 3\n---\nHi", "tone", "templates/_judges/tone/v1.j2:2: lables"),
        ("tone/v1", "{% user %}a{% enduser %}{% generate b %}", "tone", "asks once"),
    ],
)
def test_what_is_no_prompt_is_told_where_it_is(
    project: Path, prompts: JudgePrompts, name: str, text: str, reference: str, message: str
) -> None:
    add(project, name, text)
    with pytest.raises(PromptlabError, match=message):
        prompts(reference)


def test_an_undefined_variable_is_told_where_it_is(project: Path, prompts: JudgePrompts) -> None:
    add(project, "tone/v1", "Grade\n{{ outptu }}.")
    with pytest.raises(PromptlabError, match=r"_judges/tone/v1.j2:2: .*outptu"):
        prompts("tone").messages({"output": "x"})
