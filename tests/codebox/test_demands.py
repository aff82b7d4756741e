from __future__ import annotations

import pytest

from promptlab.codebox.inside.demands import demands_of
from promptlab.codebox.inside.program import assemble

CHECK = "def check(candidate):\n    assert candidate(1) == 2\n"


@pytest.mark.parametrize(
    ("tests", "entry_point", "names"),
    [
        ("assert f(1) == 2", None, {"f"}),
        ("assert set(f(1)) == {1}", None, {"f"}),
        ("import math\nassert math.isclose(f(1), 2)", None, {"f"}),
        ("x = 1\nfor y in range(3):\n    assert f(x, y) == g(y)", None, {"f", "g"}),
        ("def helper(a):\n    return f(a)\nassert helper(1)", None, {"f"}),
        ("try:\n    f(1)\nexcept MyError as error:\n    assert error.args", None, {"f", "MyError"}),
        (CHECK, "f", {"f"}),
        ("assert candidate(1) == 2", "f", {"f"}),
        ("assert f(1) == 2", "f", {"f"}),
        ("assert sum([1, 2]) == 3", "sum", {"sum"}),
        ("assert f(1) == List", None, {"f", "List"}),
    ],
)  # fmt: skip
def test_reads_what_the_code_must_define(
    tests: str, entry_point: str | None, names: set[str]
) -> None:
    demands = demands_of(tests, entry_point)
    assert demands.names == names
    assert demands.checks == (tests == CHECK)
    assert demands.together is None


def test_a_module_used_but_not_imported_is_pythons_own() -> None:
    demands = demands_of("assert math.fabs(f(1)) < 1 and copy(2) == string.x(string)", None)
    assert demands.modules == {"math"}
    assert demands.names == {"f", "copy", "string"}


@pytest.mark.parametrize(
    ("tests", "entry_point", "why"),
    [
        ("assert f(", None, "the tests are no Python"),
        ("assert f(1)\0", None, "the tests are no Python"),
        ("", None, "hold no assert"),
        ("f(1)\nprint(f(2))", None, "hold no assert"),
        ("# assert f(1)", None, "hold no assert"),
        ("assert 1 + 1 == 2", None, "use nothing that the code defines"),
        ("assert sum([1, 2]) == 3", None, "use nothing that the code defines"),
        ("def f(x):\n    return x\nassert f(1)", None, "use nothing that the code defines"),
        (CHECK, None, "name the function in 'entry_point'"),
        ("(" * 5000, "f", "the tests are no Python"),
        ("-" * 100_000 + "1", "f", "the tests are no Python"),
    ],
)
def test_refuses_tests_that_any_code_would_pass(
    tests: str, entry_point: str | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        demands_of(tests, entry_point)


@pytest.mark.parametrize(
    ("tests", "found"),
    [
        ("import asyncio\nassert asyncio.run(f()) == 1", "asyncio"),
        ("async def main():\n    assert await f() == 1", "await"),
        ("from unittest.mock import Mock\nassert f(Mock())", "mock"),
        ("import contextlib\nwith contextlib.redirect_stdout(None):\n    assert f()", "redirect"),
    ],
)
def test_tells_what_needs_one_process(tests: str, found: str) -> None:
    assert found in str(demands_of(tests, "f").together)


HEAD = 'import math\n\ndef f(x):\n    """Add one."""\n'


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("", "def f(x):\n    return x + 1\n"),
        ("", "   def f(x):\n       return x + 1\n"),
        ("", "def f(x):\r\n    return x + 1\r\n"),
        (HEAD, "    return x + 1\n"),
        (HEAD, "return x + 1\n"),
        (HEAD, "y = x\nif y:\n    y += 1\nreturn y\n"),
        (HEAD, "def f(x):\n    return x + 1\n"),
        (HEAD, "import math\ndef f(x):\n    return x + int(math.cos(0))\n"),
        (HEAD, "def f(x):\n    return x + int(math.cos(0))\n"),
        (HEAD.rstrip("\n"), "\n    return x + 1"),
        ("def f(x):", " return x + 1"),
        ("from __future__ import annotations\n", "def f(x):\n    return x + 1\n"),
        ("ONE = 1\n", "from __future__ import annotations\ndef f(x):\n    return x + 1\n"),
    ],
)
def test_puts_a_program_together(prompt: str, code: str) -> None:
    names: dict[str, object] = {}
    exec(assemble(prompt, code, "f"), names)
    assert callable(names["f"])
    assert names["f"](1) == 2


def test_a_program_that_cannot_be_put_together_is_left_as_it_came() -> None:
    assert assemble(HEAD, "return (", "f") == HEAD + "return ("
    assert assemble("", "def f(:", None) == "def f(:"
