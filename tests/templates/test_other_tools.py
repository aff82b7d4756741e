"""Marks of other tools are named, with what to write here; JSON and plain text are none."""

from __future__ import annotations

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.templates.affected import make_source
from promptlab.templates.other_tools import notes_on
from promptlab.templates.template import Template


def hint(text: str) -> str:
    with pytest.raises(PromptlabError) as caught:
        Template(make_source("t", "v1", text, {}))
    return str(caught.value.hint)


def notes(text: str, *names: str, **includes: str) -> tuple[str, ...]:
    files = {f"_s/{name}.j2": content for name, content in includes.items()}
    return notes_on(make_source("t", "v1", text, files), names or ("city",))


@pytest.mark.parametrize(
    ("text", "seems"),
    [
        ('Give {{"city": "name", "n": 1}} for {{ city }}', "f-string"),
        ("{{ city }} and {{'a': {{'b': 1}}}}", "f-string"),
        ("{{\n  \"city\": 1\n}}", "{% raw %}"),
        ("an empty object {{}}", "f-string"),
        ("{{city: string}}", "f-string"),
        ("{{#each cities}}{{this}}{{/each}}", "Handlebars"),
        ("one\n{{^city}}none{{/city}}", "Mustache"),
        ("{{ city }}{{> footer}}", "Mustache"),
        ("{{!-- a remark --}}", "{# a comment #}"),
        ("{{{city}}}", "three braces"),
        ("{{$json.city}}", "plain name"),
        ("{{ .City }}", "Go"),
        ("see issue {#12\nof {{ city }}", "{# begins a comment"),
        ("{% assign x = city %}", "{% set name = value %}"),
        ("{% if city %}a{% elsif x %}b{% endif %}", "{% elif x %}"),
        ("{% unless city %}a{% endunless %}", "{% if not x %}"),
        ("save 20{% off", "{% raw %}"),
    ],
)  # fmt: skip
def test_what_breaks_jinja_is_named_in_the_hint(text: str, seems: str) -> None:
    assert seems in hint(text)


@pytest.mark.parametrize("text", ["{{ city", "{{ a b }}", "{% if %}x", "{{ (city }}"])
def test_what_is_only_misspelt_keeps_its_hint(text: str) -> None:
    assert hint(text) == "check its spelling and that every tag is closed"


@pytest.mark.parametrize(
    "mark",
    ["{city}", "{ city }", "{city!r}", "{city.name}", "${city}", "$city", "#{city}", "<%= city %>",
     "[[city]]", "<< city >>", "%(city)s"],
)  # fmt: skip
def test_a_placeholder_that_names_a_variable_is_noted(mark: str) -> None:
    (note,) = notes(f"---\nnotes: x\n---\none\nAbout {mark}: {{{{ city }}}}")
    assert note.startswith(f"templates/t/v1.j2:5: {mark!r} is sent as it stands")
    assert note.endswith("write {{ city }}")
    assert notes(f"About {mark}", "town") == ()


@pytest.mark.parametrize(
    "text",
    [
        '{"city": "{{ city }}", "near": [{"city": null}], "n": {}}',
        "{city: 1} {{ '{city}' }} {% raw %}{city}{% endraw %} {# {city} #}",
        "\\$city costs $5, cities {0} {}",
        "User: {{ city }}\nAssistant:",
        "The user: a person. system: none",
        "{% user %}\nuser:\nhello\n{% enduser %}",
        "a < b << c, [1], [[0]]",
    ],
)
def test_json_and_plain_text_are_no_marks(text: str) -> None:
    assert notes(text) == ()


@pytest.mark.parametrize(
    ("text", "line", "tag"),
    [
        ("system:\nBe brief.\n\nuser:\n{{ city }}\n", "system:", "system"),
        ("{# why #}\n  USER:  \n{{ city }}", "USER:", "user"),
        ("## System:\nx", "## System:", "system"),
        ("**Human:**\nx", "**Human:**", "user"),
    ],
)
def test_role_lines_are_noted(text: str, line: str, tag: str) -> None:
    (note,) = notes(text)
    assert f"the line {line!r} is text of one user message" in note
    assert f"{{% {tag} %}}" in note


def test_marks_of_chat_templates_are_noted() -> None:
    (note,) = notes("{% user %}\n<|im_start|>user\n{{ city }}<|im_end|>{% enduser %}")
    assert note.startswith("templates/t/v1.j2:2: '<|im_start|>' is sent as plain text")


def test_each_kind_is_noted_once_in_the_file_that_has_it() -> None:
    found = notes("{% include '_s/a.j2' %}\n{city} {city}\n", a="x\n[INST] {city}\n")
    assert [note.partition(": ")[0] for note in found] == [
        "templates/t/v1.j2:2",
        "templates/_s/a.j2:2",
    ]


PROMPTY = """\
---
name: Trip planner
description: Plans a day in a city.
authors: [ann]
model:
  api: chat
  configuration: {type: azure_openai, azure_deployment: some-model}
  parameters: {max_tokens: 90, temperature: 0.2}
sample: {city: Bern}
---
system:
You plan days.

user:
A day in {{city}}, please.
"""
PROMPTY_2 = """\
---
name: Trip planner
model: {id: some-model, provider: openai, options: {temperature: 0.2}}
inputs:
  city: {kind: string, default: Bern}
template: {format: jinja2, parser: prompty}
---
system:
You plan days.
"""


@pytest.mark.parametrize("text", [PROMPTY, PROMPTY_2])
def test_a_file_of_prompty_is_refused_with_what_to_write(text: str) -> None:
    advice = hint(text)
    assert "Prompty" in advice
    assert "{% system %}" in advice
    body = text.rpartition("---\n")[2]
    assert "as in Prompty" in notes(body)[0]


def test_a_misspelt_key_of_our_own_front_matter_is_no_prompty() -> None:
    assert "Prompty" not in hint("---\ndescripton: x\n---\nhi")
