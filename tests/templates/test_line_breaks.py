"""Which line breaks reach a prompt, and what that makes of versions that were run before."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.templates.affected import (
    keeps_breaks,
    make_source,
    renders_the_same,
    with_crlf,
    without_breaks,
)
from promptlab.templates.library import TemplateLibrary
from promptlab.templates.template import Template

SHARED = {
    "_s/line.j2": "shared\n",
    "_s/block.j2": "{% if x %}\nshared\n{% endif %}\n",
    "_s/nothing.j2": "{% if not x %}\nshared\n{% endif %}\n",
    "_s/macros.j2": "{% macro box() %}[{{ caller() }}]{% endmacro %}\n",
}


def prompt(text: str, off: frozenset[str] = frozenset()) -> str:
    """Return the message between two marks, which keep the breaks at its ends."""
    template = Template(make_source("t", "v1", f"<{text}>", SHARED))
    call = template.render({"x": 1, "xs": [1, 2]}, off=off)
    assert call is not None
    sent = call.messages[0].text
    assert sent[0] == "<"
    assert sent[-1] == ">"
    return sent[1:-1]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        # Within a line, everything stays.
        ("\n{% if x %}one{% endif %}\ntwo\n", "\none\ntwo\n"),
        ("\n  {% if x %}one{% endif %}\n", "\n  one\n"),
        ("{% for i in xs %}{{ i }}, {% endfor %}\nand\n", "1, 2, \nand\n"),
        ("{% for i in xs %}{{ i }}\n{% endfor %}\n", "1\n2\n"),
        ("one {# why #}\ntwo", "one \ntwo"),
        ("a{% if x %}\nb{% endif %}\nc", "a\nb\nc"),
        ("\n{% raw %}{{ x }}{% endraw %}\nb", "\n{{ x }}\nb"),
        ("{{ x }}\n{{ x }}{# why #}\n", "1\n1\n"),
        ("\n{% if x %}{{ x }}{% endif %}\nb", "\n1\nb"),
        # A line of tags leaves none.
        ("\n{% if x %}\none\n{% endif %}\ntwo\n", "\none\ntwo\n"),
        ("\n   {% if x %}   \n  one\n\t{% endif %}\ntwo", "\n  one\ntwo"),
        ("\n{% for i in xs %}\n- {{ i }}\n{% endfor %}\nend", "\n- 1\n- 2\nend"),
        ("\n{# why #}\n{#\nlong\n#}\nb", "\nb"),
        ("\n{% if x %}{% if x %} {# why #}\nb\n{% endif %}{% endif %}\nc", "\nb\nc"),
        ("\n{% set y = [\n  1,\n  2,\n] %}\n{{ y }}", "\n[1, 2]"),
        ("\n{% raw %}\n{{ x }}\n{% endraw %}\nb", "\n{{ x }}\nb"),
        ("\n{% if x %}\n\nb\n\n{% endif %}\n\nc", "\n\nb\n\n\nc"),
        ("\n{% macro m() %}{{ x }}{% endmacro %}\n{{ m() }}", "\n1"),
        ("\n{% macro m() %}[\n{{ x }}]{% endmacro %}\n{{ m() }}", "\n[\n1]"),
        ("\n{% set y %}text{% endset %}\n{{ y }}", "\ntext"),
        ("\n{% set y | upper %}text{% endset %}\n{{ y }}", "\nTEXT"),
        ("\n{% set y = 1 %} {{ y }}\nb", "\n 1\nb"),
        # The author's own signs go first.
        ("a\n{%- if x %}\nb\n{%- endif %}\nc", "abc"),
        ("a\n{% if x -%}\n\n  b\n{% endif %}\nc", "a\nb\nc"),
        ("a {#- why -#} b", "ab"),
        ("\n  {%+ if x %}\nb\n{% endif +%}\nc", "\n  b\n\nc"),
        # What is written by a tag on a line of its own is a line of its own.
        ("\n{% include '_s/line.j2' %}\nb", "\nshared\nb"),
        ("\n  {% include '_s/block.j2' %}\nb", "\nshared\nb"),
        ("\n{% include '_s/nothing.j2' %}\nb", "\nb"),
        ("\n{% if x %}{% include '_s/line.j2' %}{% endif %}\nb", "\nshared\nb"),
        ("\nas in {% include '_s/line.j2' %}.\nb", "\nas in shared.\nb"),
        ("\n{% filter trim %}\n a \n{% endfilter %}\nb", "\na\nb"),
        ("\n{% filter upper %}\na\n{% endfilter %}\nb", "\nA\nb"),
        ("\n{% from '_s/macros.j2' import box %}\n{% call box() %}\na\n{% endcall %}\nb",
         "\n[a\n]\nb"),
    ],
)  # fmt: skip
def test_a_prompt_has_the_lines_of_its_template(text: str, sent: str) -> None:
    assert prompt(text) == sent


@pytest.mark.parametrize(
    ("text", "on", "off"),
    [
        ("\n{% practice 'p' %}b{% endpractice %}\nc", "\nb\nc", "\nc"),
        ("\n  {% practice 'p' %}b{% endpractice %}\nc", "\n  b\nc", "\nc"),
        ("\n{% practice 'p' %}\nb\n{% endpractice %}\nc", "\nb\nc", "\nc"),
        ("\n{% practice 'p' %}\nb{% endpractice %}\nc", "\nb\nc", "\nc"),
        ("\n{% practice 'p' %}b\n{% endpractice %}\nc", "\nb\nc", "\nc"),
        ("a {% practice 'p' %}b{% endpractice %}\nc", "a b\nc", "a \nc"),
        ("\n{% practice 'p' %}b{% endpractice %} d\nc", "\nb d\nc", "\n d\nc"),
        ("\n{% practice 'p' %}b{% endpractice %}\n{% practice 'p' %}c{% endpractice %}\n",
         "\nb\nc\n", "\n"),
    ],
)  # fmt: skip
def test_a_practice_takes_its_lines_with_it(text: str, on: str, off: str) -> None:
    assert prompt(text) == on
    assert prompt(text, frozenset({"p"})) == off


def test_errors_name_the_lines_of_the_file() -> None:
    text = "{# a\nb #}\n{% if x %}\none{% endif %}\n{%- if x %}\n\n{% endif -%}\n\n{{ missing }}\n"
    with pytest.raises(PromptlabError, match=r"v1\.j2:9: 'missing' is undefined"):
        prompt(text)
    roles = "{% user %}a{% enduser %}\n{# b #}\n\nstray"
    with pytest.raises(PromptlabError, match=r"v1\.j2:4: text outside"):
        Template(make_source("t", "v1", roles, {}))


# Versions that were run before


def rendered(text: str, *, breaks: bool, off: frozenset[str] = frozenset()) -> list[str]:
    source = make_source("t", "v1", text, {}, keeps_breaks=True)
    template = Template(source if breaks else without_breaks(source))
    call = template.render({"x": 1, "xs": [1, 2]}, off=off)
    return [message.text for message in call.messages] if call else []


def without(text: str, *, breaks: bool) -> list[str]:
    """Return the messages without a practice; none where nothing is left to send."""
    try:
        return rendered(text, breaks=breaks, off=frozenset({"p"}))
    except PromptlabError:
        return []


PARTS = st.sampled_from(
    ["a", "\n", "\n", " ", "{% if x %}", "{% endif %}", "{# c #}", "{{ x }}", "{%- if x %}",
     "{% endif -%}", "{% practice 'p' %}", "{% endpractice %}", "{% for i in xs %}", "{% endfor %}"]
)  # fmt: skip
WRAPS = st.sampled_from(
    ["{}", "{{% user %}}{}{{% enduser %}}", "{{% user %}}\nb\n{{% enduser %}}\n{}"]
)


@given(st.lists(PARTS, max_size=14), WRAPS)
def test_a_digest_that_stays_means_prompts_that_stay(parts: list[str], wrap: str) -> None:
    text = wrap.format("".join(parts))
    try:
        same = renders_the_same(text)
        source = make_source("t", "v1", text, {})
        now = rendered(text, breaks=True)
    except PromptlabError:
        return  # not a template
    assert keeps_breaks(source) == (not same)
    if same:
        assert rendered(text, breaks=False) == now
        assert without(text, breaks=False) == without(text, breaks=True)


@pytest.mark.parametrize(
    "text",
    [
        "plain {{ x }}\n",
        "{% if x %}\na\n{% endif %}\nb",
        "{% user %}a{% enduser %}\n{% generate b %}\n\n{% user %}c{% enduser %}\n",
        "{% for i in xs %}\n{% user %}a{% enduser %}\n{% assistant %}b{% endassistant %}\n"
        "{% endfor %}\n{% user %}{# why #}\nc\n{% enduser %}\n",
    ],
)
def test_versions_that_lose_nothing_keep_their_digest(text: str) -> None:
    assert renders_the_same(text)
    source = make_source("t", "v1", text, {})
    assert source == make_source("t", "v1", text, {}, keeps_breaks=False)


def test_a_version_of_a_former_run_is_rendered_as_it_was() -> None:
    text = "{% if x %}one{% endif %}\ntwo"
    source = make_source("t", "v1", text, {})
    former = make_source("t", "v1", text, {}, keeps_breaks=False)
    assert former == without_breaks(source) != source
    assert (rendered(text, breaks=True), rendered(text, breaks=False)) == (["one\ntwo"], ["onetwo"])


def test_line_ends_are_no_part_of_a_version(project: Path) -> None:
    shared, folder = project / "templates" / "_e.j2", project / "templates" / "ends"
    folder.mkdir()
    found = []
    for end in (b"\r\n", b"\n"):
        shared.write_bytes(b"x\ny\n".replace(b"\n", end))
        text = b"---\nnotes: a\n---\nSay\n{% include '_e.j2' %}\nb\n"
        (folder / "v1.j2").write_bytes(text.replace(b"\n", end))
        found.append(TemplateLibrary(project / "templates").read("ends", "v1"))
    source = found[0]
    assert found[1] == source
    assert "\r" not in source.source
    assert "\r\n" in with_crlf(source).source
