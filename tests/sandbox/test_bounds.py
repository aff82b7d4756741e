"""Nothing that a text may say takes time or memory without end, and what is usual passes."""

from __future__ import annotations

import time

import pytest
from jinja2.exceptions import SecurityError, TemplateRuntimeError

from promptlab.sandbox.budget import MAX_LENGTH, Budget
from promptlab.sandbox.errors import BadSourceError, ExpressionError

from .rendered import rendered

LONG = "ab" * 200_000
HUGE = 10**10
GROW = (
    "{% set n = namespace(v=long, l=[long]) %}"
    "{% for i in range(70) %}{% set n.X = STEP %}{% endfor %}"
)


def grown(step: str, name: str = "v") -> str:
    """Return a text that makes a value from itself, again and again."""
    return GROW.replace("X", name).replace("STEP", step)


ONE_OPERATION = [
    f"long * {HUGE}",
    f"{HUGE} * [1]",
    f"long|center({HUGE})",
    f"long.center({HUGE})",
    f"long.ljust(width={HUGE})",
    f"'7'.zfill({HUGE})",
    f"'\\t'.expandtabs({HUGE})",
    f"'%{HUGE}d' % 1",
    f"'%.{HUGE}f' % 1.5",
    f"'%*d' % ({HUGE}, 1)",
    f"'%(a){HUGE}s' % {{'a': 1}}",
    f"'%{HUGE}s'|format(1)",
    f"'{{:{HUGE}}}'.format(1)",
    f"'{{:{{w}}}}'.format(1, w={HUGE})",
    f"'{{a:{HUGE}}}'.format_map({{'a': 1}})",
    "long|replace('a', long)",
    "long.replace('', long)",
    "long[:900]|list|join(long)",
    "long.join(long[:900]|list)",
    "long.join(long)",
    f"long|indent({HUGE})",
    "('\\n' * 9000)|indent(long)",
    f"[1]|batch({HUGE}, 2)|list",
    f"[1]|slice({HUGE})|list",
    f"1.5|round({HUGE}, 'ceil')",
    f"[[1]]|tojson(indent={HUGE})",
    f"10 ** {HUGE}",
    "(2 ** 9000) * (2 ** 9000)",
    "('f' * 9000)|int(base=16)",
    "long.strip(long)",
    "long|trim(long)",
    "(long ~ '<!---->')|striptags",
    "long|wordwrap(1)",
    "dict.fromkeys(range(99999), long)",
    "range(99999)|map('center', 9999)|list",
    "([[long]] * 90)|sum(start=[])",
    "cycler(*([long] * 90))",
]


@pytest.mark.parametrize("expression", ONE_OPERATION)
def test_one_operation_is_refused_before_it_is_done(expression: str) -> None:
    with pytest.raises(ExpressionError):
        rendered(f"{{{{ ({expression})|length }}}}", long=LONG)


@pytest.mark.parametrize(
    "text",
    [
        grown("n.v ~ n.v"),
        grown("n.v + n.v"),
        grown("n.v|replace('a', 'aa')"),
        grown("n.v.replace('b', 'bb')"),
        grown("'%s%s' % (n.v, n.v)"),
        grown("'{0}{0}'.format(n.v)"),
        grown("[n.v, n.v]|join"),
        grown("[n.l, n.l]", "l"),
        grown("(n.l, n.l)", "l"),
        grown("{'a': n.l, 'b': n.l}", "l"),
        grown("dict(a=n.l, b=n.l)", "l"),
        grown("n.l + n.l", "l"),
        grown("n.l * 2", "l"),
        grown("cycler(n.l, n.l).items", "l"),
        grown("[n, n]|map(attribute='l')|list", "l"),
        grown("([n.l]|batch(3, n.l)|list)", "l"),
        grown("n.v[1:] ~ n.v"),
        pytest.param(
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "{% for i in range(99999) if false %}{% endfor %}" * 20, marks=pytest.mark.slow
        ),
        "{% for i in range(99999) %}{{ long }}{% endfor %}",
        "{% for i in range(99999) %}" + "x" * 1000 + "{% endfor %}",
        "{% set kept %}{% for i in range(99999) %}" + "x" * 1000 + "{% endfor %}{% endset %}",
        "{% set n = namespace(v=9) %}{% for i in range(9) %}{% set n.v = n.v ** 60 %}{% endfor %}",
        "{% macro m(n) %}"
        + "x" * 500
        + "{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
        "{{ m(40) }}",
    ],
)
def test_what_grows_step_by_step_comes_to_an_end(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ExpressionError):
        rendered(text, long=LONG)
    assert time.process_time() - began < 4


def test_time_ends_what_no_count_foresees() -> None:
    budget = Budget()
    budget.start(seconds=0)
    with pytest.raises(ExpressionError, match="seconds"):
        [*budget.counted(range(99))]


def test_a_recursive_loop_counts_what_it_is_given() -> None:
    text = "{% for x in rows recursive %}{{ x.n }}{{ loop(x.rows) }}{% endfor %}"
    rows = [{"n": 1, "rows": [{"n": 2, "rows": []}]}, {"n": 3, "rows": []}]
    assert rendered(text, rows=rows) == "123"


@pytest.mark.slow
def test_a_recursive_loop_comes_to_an_end() -> None:
    again = "{% if loop.depth < 9 %}{{ loop(range(9999)) }}{% endif %}"
    endless = "{% for x in [1] recursive %}" + again + "{% endfor %}"
    with pytest.raises(ExpressionError):
        rendered(endless)


@pytest.mark.parametrize(
    "source",
    [
        "{{ x" + "|upper" * 9_000 + " }}",
        "{{ x" + " + x" * 9_000 + " }}",
        "{{ x" + ".y" * 9_000 + " }}",
        "{{ x" + " and x" * 9_000 + " }}",
        "{{ 0x" + "F" * 9_000 + " }}",
    ],
)
def test_what_no_compiler_takes_is_refused_with_its_line(source: str) -> None:
    with pytest.raises(BadSourceError) as raised:
        rendered("one\n" + source, x="x")
    assert raised.value.lineno == 2


@pytest.mark.parametrize(
    "expression",
    ["(1).to_bytes(9, 'big')", "'x'.encode().center(9)", "true.to_bytes(9, 'big')"],
)
def test_methods_that_make_values_of_any_size_cannot_be_called(expression: str) -> None:
    with pytest.raises(SecurityError):
        rendered(f"{{{{ {expression} }}}}")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{{ long|length }} {{ long[:3] }}", f"{len(LONG)} aba"),
        ("{{ ('-' * 20)|length }}", "20"),
        ("{{ 'a'.center(5) }}|{{ 'a'|center(5) }}", "  a  |  a  "),
        ("{{ ['x', 'y']|batch(3, '.')|list }}", '[["x", "y", "."]]'),
        (
            "{{ [3, 1, 2]|sort|join }} {{ [1, 2]|sum }} {{ [[1], [2]]|sum(start=[]) }}",
            "123 3 [1, 2]",
        ),
        ("{{ 'a b c'.split()|join('-') }} {{ ', '.join(['a', 'b']) }}", "a-b-c a, b"),
        ("{{ 'one two'|wordwrap(4) }}", "one\ntwo"),
        ("{{ 2 ** 100 }}", str(2**100)),
        (
            "{% for x in 'ab' %}{{ loop.index }}{{ x }}{{ loop.last }} {% endfor %}",
            "1afalse 2btrue ",
        ),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"),
        ("{{ missing|default('none') }} {{ 3 is odd }} {{ 'a' in 'cat' }}", "none true true"),
        ("{{ '<b>x</b> &amp; y'|striptags }}", "x & y"),
        ("{{ 'x'.encode('utf-8')|length }} {{ (5).bit_length() }}", "1 3"),
    ],
)
def test_what_is_usual_passes(text: str, written: str) -> None:
    assert rendered(text, long=LONG) == written


def test_a_prompt_may_be_long() -> None:
    assert len(rendered("{{ text }}", text="x" * (MAX_LENGTH - 1))) == MAX_LENGTH - 1
    with pytest.raises(TemplateRuntimeError, match="10,000,001 characters"):
        rendered("{{ text }}{{ text[0] }}", text="x" * MAX_LENGTH)
