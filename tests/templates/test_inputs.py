"""The declared types of inputs: texts of tables and of the command line are read as them."""

from __future__ import annotations

import pytest

from promptlab.core.digest import template_digest
from promptlab.core.errors import PromptlabError
from promptlab.core.types import TemplateSource
from promptlab.templates.inputs import InputType, as_type, is_of_type
from promptlab.templates.template import Template


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("3", "integer", 3),
        (" 007 ", "integer", 7),
        ("+5", "integer", 5),
        ("3.10", "number", 3.1),
        (".5", "number", 0.5),
        ("1e3", "number", 1000.0),
        ("TRUE", "boolean", True),
        ("false", "boolean", False),
        ("", "null", None),
        ("NULL", "null", None),
        ('["a", 1.50]', "array", ["a", 1.5]),
        ('{"a": null}', "object", {"a": None}),
    ],
)
def test_a_text_is_read_as_the_declared_type(text: str, wanted: InputType, value: object) -> None:
    found = as_type(text, wanted)
    assert found == value
    assert is_of_type(found, wanted)
    assert as_type(value, wanted) == value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("three", "integer"),
        ("3.0", "integer"),
        ("1_000", "integer"),
        ("9" * 5000, "integer"),
        ("3,50", "number"),
        ("nan", "number"),
        ("1e999", "number"),
        ("", "number"),
        ("yes", "boolean"),
        ("1", "boolean"),
        ("[1", "array"),
        ("[" * 200 + "]" * 200, "array"),
        ("{}", "array"),
    ],
)
def test_a_text_that_does_not_say_such_a_value_is_refused(text: str, wanted: InputType) -> None:
    source = f"---\ninputs: {{x: {wanted}}}\n---\n{{{{ x }}}}"
    template = Template(TemplateSource("t", "v1", source, {}, template_digest(source, {})))
    with pytest.raises(PromptlabError, match=f"not of type {wanted}"):
        list(template.calls({"x": text}))


def test_a_value_that_is_read_goes_on_to_be_written_as_it_was() -> None:
    body = "{{ x }} {{ x + 1 }} {{ y }} {{ [x, y]|tojson }} {{ z }}"
    source = f"---\ninputs: {{x: integer, y: number}}\n---\n{body}"
    template = Template(TemplateSource("t", "v1", source, {}, template_digest(source, {})))
    variables = {"x": "007", "y": "3.10", "z": "07"}
    call = template.render(variables)
    assert call is not None
    assert call.messages[0].text == "007 8 3.10 [7, 3.10] 07"
    assert [each.messages for each in template.calls(variables)] == [call.messages]
    assert variables["x"] == "007"


def test_a_text_stays_one_where_a_text_is_declared() -> None:
    assert as_type("3", "string") == "3"
    assert as_type(3, "string") == 3
