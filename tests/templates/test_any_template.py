"""Whatever a template says, it soon gives prompts or is refused with its place."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from promptlab.core.errors import PromptlabError
from promptlab.templates.affected import make_source
from promptlab.templates.template import Call, Template

VARIABLES = {
    "q": "what?",
    "big": "ab" * 50_000,
    "items": [1, "two", None, [True, {"a": "b"}]],
    "doc": {"a": None, "b": "<é>", "items": 3},
    "yes": True,
    "n": 10**12,
    "f": 1.5,
}
METHODS = ["upper", "center", "ljust", "zfill", "replace", "join", "format", "format_map", "split",
           "expandtabs", "strip", "translate", "encode", "to_bytes", "items", "keys", "count",
           "fromkeys", "splitlines", "hex", "__class__", "_x", "mro"]  # fmt: skip
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and"]
STEPS = ["[n.v, n.v]", "n.v ~ n.v", "n.v + n.v", "n.v * 9", "n.v|string", "n.v|list"]
LEAVES = st.sampled_from(
    [*VARIABLES, "1", "-3", "7", "10 ** 9", "99999999999", "0.5", "1e308", "none", "true", "'x'",
     "'%s'", "'%99999999d'", "'{:>99999999}'", "'{0.__class__}'", "'\\0'", "'\\ud800'",
     "range(99999)", "dict", "range", "cycler", "namespace", "loop", "self",
     "missing", "joiner()", "lipsum"]
)  # fmt: skip


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("{}|{}".format, inner, st.sampled_from(sorted(FILTERS))),
        st.builds("{}|{}({})".format, inner, st.sampled_from(sorted(FILTERS)), inner),
        st.builds("{}|{}({}, {})".format, inner, st.sampled_from(sorted(FILTERS)), inner, inner),
        st.builds("({} is {} {})".format, inner, st.sampled_from(sorted(TESTS)), inner),
        st.builds("{}.{}({})".format, inner, st.sampled_from(METHODS), inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[{}:]".format, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'k': {}, {}: 1}}".format, inner, inner),
        st.builds("{}({})".format, inner, inner),
        st.builds("m({}, k={})".format, inner, inner),
    )  # fmt: skip


EXPRESSIONS = st.recursive(LEAVES, grown, max_leaves=6)
STATEMENTS = st.one_of(
    st.builds("{{{{ {} }}}}".format, EXPRESSIONS),
    st.builds("{{% set x = {} %}}{{{{ x }}}}".format, EXPRESSIONS),
    st.builds("{{% for x in {} %}}{{{{ {} }}}}{{% endfor %}}".format, EXPRESSIONS, EXPRESSIONS),
    st.builds(
        "{{% set n = namespace(v={}) %}}"
        "{{% for i in range(40) %}}{{% set n.v = {} %}}{{% endfor %}}{{{{ n.v }}}}".format,
        EXPRESSIONS,
        st.sampled_from(
            ["[n.v, n.v]", "n.v ~ n.v", "n.v + n.v", "n.v * 9", "n.v|string", "n.v|list"]
        ),
    ),
    st.builds("{{% if {} %}}a{{% endif %}}\n".format, EXPRESSIONS),
    st.builds("{{% filter {} %}}b{{% endfilter %}}".format, st.sampled_from(sorted(FILTERS))),
    st.builds("{{% user %}}{{{{ image({}) }}}}{{% enduser %}}".format, EXPRESSIONS),
    st.builds("{{% generate a max_tokens={} %}}".format, EXPRESSIONS),
    st.text(alphabet="{}%#'\"|.()[]-+\n\0 xif", max_size=12),
)
BODIES = st.lists(STATEMENTS, min_size=1, max_size=3).map(
    lambda parts: "{% macro m(a, k=1) %}{{ a }}{{ varargs }}{% endmacro %}\n" + "\n".join(parts)
)


def outcome(body: str) -> list[Call] | PromptlabError:
    try:
        return list(Template(make_source("t", "v1", body, {})).calls(VARIABLES))
    except PromptlabError as error:
        return error


def holds(body: str) -> None:
    began = time.thread_time()
    found = outcome(body)
    assert time.thread_time() - began < 6
    if isinstance(found, PromptlabError):
        assert str(found).startswith("templates/t/v1.j2")
        assert "\n" not in str(found)
    else:
        assert all(message.text.strip() for call in found for message in call.messages)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(BODIES)
@pytest.mark.slow
def test_any_template_gives_prompts_or_is_refused(body: str) -> None:
    holds(body)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(BODIES)
def test_many_templates_give_prompts_or_are_refused(body: str) -> None:
    holds(body)
