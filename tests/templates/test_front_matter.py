from __future__ import annotations

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.templates.fences import has_front_matter
from promptlab.templates.front_matter import FrontMatter, split_front_matter, with_parent

FULL = """---
description: Names the labels.
parent: v1
practices: [clear, context]
inputs: {review: string}
sampling: {temperature: 0.5, top_p: 0.9, max_tokens: 8, stop: "\\n", seed: 3}
output: {format: label, labels: [yes, no], schema: {type: string}}
notes: none
---
Body
"""


def test_all_keys_are_read() -> None:
    front, body = split_front_matter(FULL, "t.j2")
    assert front.practices == ("clear", "context")
    assert front.inputs == {"review": "string"}
    assert front.sampling.given() == {
        "temperature": 0.5, "top_p": 0.9, "max_tokens": 8, "stop": ("\n",), "seed": 3,
    }  # fmt: skip
    assert front.output.labels == ("yes", "no")
    assert front.output.schema_ == {"type": "string"}
    assert (front.description, front.parent, front.notes) == ("Names the labels.", "v1", "none")
    assert body.strip() == "Body"


def test_the_body_keeps_its_line_numbers() -> None:
    _, body = split_front_matter(FULL, "t.j2")
    assert body.splitlines().index("Body") + 1 == FULL.splitlines().index("Body") + 1


@pytest.mark.parametrize("text", ["Hello", "---- a line ----\nHello", "---hello\n---\n"])
def test_a_text_without_front_matter_is_all_body(text: str) -> None:
    assert split_front_matter(text, "t.j2") == (FrontMatter(), text)
    assert not has_front_matter(text)


@pytest.mark.parametrize(
    "text", ["---\n---\nHi", "---\r\nnotes: x\r\n---\r\nHi", "--- \n---\t\nHi"]
)
def test_front_matter_may_be_empty_and_have_any_line_ends(text: str) -> None:
    assert has_front_matter(text)
    assert split_front_matter(text, "t.j2")[1].strip() == "Hi"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\na: 1\n", "t.j2:1: the front matter is not closed (end it with a line ---)"),
        ("---\nnotes: x\ndescripton: y\n---\n",
         "t.j2:3: descripton: unknown key 'descripton' (did you mean 'description'?)"),
        ("---\nsampling:\n  max_token: 3\n---\n",
         "t.j2:3: sampling.max_token: unknown key 'max_token' (did you mean 'max_tokens'?)"),
        ("---\nsampling: {temperature: 3}\n---\n",
         "t.j2:2: sampling.temperature: expected a number less than or equal to 2, found 3"),
        ("---\nsampling: {seed: true}\n---\n",
         "t.j2:2: sampling.seed: expected a number, found true"),
        ("---\npractices: [Clear]\n---\n",
         "t.j2:2: practices: a practice is a lower-case slug such as 'context', not 'Clear'"),
        ("---\npractices: [a, b, a]\n---\n", "t.j2:2: practices: the practice 'a' appears twice"),
        ("---\ninputs: {review: text}\n---\n", "t.j2:2: inputs.review: expected 'string', "),
        ("---\noutput: {format: lable}\n---\n",
         "t.j2:2: output.format: expected 'text', 'label' or 'json', found 'lable' (did you mean"),
        ("---\n- a\n---\n", "t.j2:2: expected keys and values, found a list"),
        ("---\na: b: c\n---\n", "t.j2:2: bad YAML: mapping values"),
    ],
)  # fmt: skip
def test_mistakes_are_reported_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        split_front_matter(text, "t.j2")
    assert str(caught.value).startswith(message)


def test_another_parent_changes_no_other_line() -> None:
    front = "---\n# mine\ndescription: 'A letter.'  # short\nparent: v1\n---\nDear\nparent: x\n"
    assert with_parent(front, "t.j2", "v2") == front.replace("parent: v1", "parent: v2")
    assert with_parent(front, "t.j2", None) == front.replace("parent: v1\n", "")
    plain = "Dear {{ name }}"
    assert with_parent(plain, "t.j2", "v2") == f"---\nparent: v2\n---\n{plain}"
    assert with_parent(plain, "t.j2", None) == plain
    assert with_parent("---\n---\nDear", "t.j2", "v2") == "---\nparent: v2\n---\nDear"
