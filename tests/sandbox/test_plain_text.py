"""A value is written as itself or as JSON, by every way into a text; no text changes another."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jinja2.exceptions import TemplateRuntimeError

from .rendered import rendered

CASE: dict[str, Any] = {
    "yes": True,
    "names": ["Zoë", "O'Hara", None],
    "row": {"b": 1.5, "a": None, "ok": False, "t": "<i>1 & 2</i>"},
    "said": "<b>'so' & \"so\"</b>",
}
NAMES = '["Zoë", "O\'Hara", null]'


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{{ yes }} {{ not yes }} {{ 3 == 4 }}", "true false false"),
        ("{{ names }}", NAMES),
        ("{{ row }}", '{"b": 1.5, "a": null, "ok": false, "t": "<i>1 & 2</i>"}'),
        ("{{ (1, 'two') }}", '[1, "two"]'),
        ("{{ yes ~ '/' ~ names }}", f"true/{NAMES}"),
        ("{{ true ~ 'x' }}", "truex"),
        ("{{ [yes, 2, [none]]|join('; ') }}", "true; 2; [null]"),
        ("{{ [row]|join(', ', attribute='ok') }}", "false"),
        ("{{ '%s, %5.2f, %d%%' % (yes, 1.5, 7) }}", "true,  1.50, 7%"),
        ("{{ '%(ok)s!' % row }}", "false!"),
        ("{{ '%s' % row }}", '{"b": 1.5, "a": null, "ok": false, "t": "<i>1 & 2</i>"}'),
        ("{{ '%s of %s'|format(yes, names) }}", f"true of {NAMES}"),
        ("{{ '{} {:>6} {n:03d}'.format(yes, 'ab', n=7) }}", "true     ab 007"),
        ("{{ '{0[1]}'.format(names) }}", "O'Hara"),
        ("{{ '{ok}'.format_map(row) }}", "false"),
        ("{{ names|string|length }}", str(len(NAMES))),
        ("{{ yes|upper }} {{ yes|title }}", "TRUE True"),
        ("{{ names|replace('null', yes) }}", NAMES.replace("null", "true")),
        ("{{ yes|center(8)|replace(' ', '.') }}", "..true.."),
        ("{% filter upper %}{{ yes }}{% endfilter %}", "TRUE"),
        ("{% set kept %}{{ yes }}{% endset %}{{ kept }}", "true"),
        ("{% macro m(x) %}{{ x }}{% endmacro %}{{ m(yes) }}", "true"),
        ("{{ names|map('string')|first }}", "Zoë"),
        ("{{ row|dictsort }}", '[["a", null], ["b", 1.5], ["ok", false], ["t", "<i>1 & 2</i>"]]'),
        ("{{ {'k': yes}|urlencode }}", "k=true"),
        ("{{ 0.1 }} {{ 1e21 }} {{ 12 }}", "0.1 1e+21 12"),
    ],
)
def test_values_are_written_as_json(text: str, written: str) -> None:
    assert rendered(text, **CASE) == written


@pytest.mark.parametrize(
    "text",
    [
        "{{ row|tojson }}",
        "{{ row|tojson(indent=2) }}",
        "{{ row }}",
        "{{ '' ~ row }}",
        "{{ '%s' % [row] }}",
    ],
)
def test_json_holds_the_characters_as_they_are(text: str) -> None:
    found = json.loads(rendered(text, **CASE))
    assert found in (CASE["row"], [CASE["row"]])
    assert "<i>1 & 2</i>" in rendered(text, **CASE)


@pytest.mark.parametrize(
    "start",
    [
        "row|tojson",
        "('<'|e)",
        "('<'|escape)",
        "('<'|forceescape)",
        "('<u>'|safe)",
        "('<p>x</p>'|striptags)",
        "(['<']|join)",
        "('%s'|safe|format('<'))",
        "('{}'|safe).format('<')",
        "('<'|e|upper)",
        "('a<b'|e|replace('a', '<'))",
        "(['<u>'|safe]|join('&'))",
        "('<u>'|safe|indent)",
        "m()",
    ],
)
def test_nothing_escapes_the_text_beside_it(start: str) -> None:
    macro = "{% macro m() %}<{% endmacro %}"
    for text in (
        f"{{{{ {start} + said }}}}",
        f"{{{{ {start} ~ said }}}}",
        f"{{{{ {start} }}}}{{{{ said }}}}",
    ):
        assert rendered(macro + text, **CASE).endswith(CASE["said"])


def test_what_is_escaped_on_purpose_is() -> None:
    assert rendered("<x>{{ said|e }}</x>", said="a < b & c") == "<x>a &lt; b &amp; c</x>"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ none }}", "gives null"),
        ("{{ none ~ 'x' }}", "gives null"),
        ("{{ [none]|join }}", "gives null"),
        ("{{ '%s' % none }}", "gives null"),
        ("{{ none|upper }}", "gives null"),
        ("{{ '%r' % said }}", "Python's notation"),
        ("{{ '{!r}'.format(said) }}", "Python's notation"),
        ("{{ row.keys() }}", "a series"),
        ("{{ range(3) }}", "a series"),
        ("{{ range(3) ~ '' }}", "a series"),
        ("{{ namespace(a=1) }}", "gives a Namespace"),
        ("{{ said.encode() }}", "gives a bytes"),
        ("{{ (-8) ** 0.5 }}", "gives a complex"),
        ("{{ 1e308 * 10 }}", "no finite number"),
        ("{{ [cycler] }}", "gives a function"),
        ("{{ {(1, 2): 3} }}", "keys must be str"),
        ("{{ [missing] }}", "'missing' is undefined"),
    ],
)
def test_what_has_no_text_is_refused(text: str, reason: str) -> None:
    with pytest.raises((TemplateRuntimeError, TypeError), match=reason):
        rendered(text, **CASE)


@pytest.mark.parametrize("name", ["pprint", "urlize", "xmlattr", "random"])
def test_filters_that_are_not_for_prompts_are_gone(name: str) -> None:
    with pytest.raises(Exception, match=f"No filter named '{name}'"):
        rendered(f"{{{{ said|{name} }}}}", **CASE)


def test_no_tag_turns_escaping_on() -> None:
    with pytest.raises(Exception, match="a prompt is plain text"):
        rendered("{% autoescape true %}{{ said }}{% endautoescape %}", **CASE)
