"""A wording is a text: what makes another one, and what does not."""

from __future__ import annotations

import pytest

from promptlab.templates.wordings import wording

TEXT = "Answer briefly.\n{{ question }}\n"


@pytest.mark.parametrize(
    "source",
    [
        f"---\nsampling: {{max_tokens: 90}}\n---\n{TEXT}",
        "Answer briefly.   \n{{ question }}\n\n",
        "{# for the new model #}Answer briefly.\n{{ question }}",
        '{% practice "brevity" %}Answer briefly.{% endpractice %}\n{{ question }}\n',
        '{%- practice "brevity" -%}Answer briefly.{%- endpractice -%}\n{{ question }}\n',
    ],
)
def test_front_matter_comments_and_marks_make_no_other_text(source: str) -> None:
    assert wording(source, {}) == wording(TEXT, {})


@pytest.mark.parametrize(
    "source", ["Answer shortly.\n{{ question }}\n", "Answer briefly.\n{{ q }}"]
)
def test_another_word_makes_another_text(source: str) -> None:
    assert wording(source, {}) != wording(TEXT, {})


def test_included_files_are_part_of_the_text() -> None:
    source = '{% include "rules.j2" %}'
    assert wording(source, {"rules.j2": "Be brief.{# why #}"}) == wording(
        source, {"rules.j2": "Be brief."}
    )
    assert wording(source, {"rules.j2": "Be brief."}) != wording(source, {"rules.j2": "Be kind."})
