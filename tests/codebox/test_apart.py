# ruff: noqa: E501 - each text is a program
"""Right code passes tests of every kind, though it is in another process; wrong code does not."""

from __future__ import annotations

import asyncio

import pytest

from promptlab.codebox.box import Box, Job

from .conftest import Ruled

RIGHT = {
    "a function": ("def f(x):\n    return x + 1\n", "assert f(1) == 2\nassert f(-1) == 0"),
    "the form of HumanEval": (
        "def f(x):\n    return x + 1\n", "def check(candidate):\n    assert candidate(1) == 2\n"
    ),
    "a candidate": ("def f(x):\n    return x + 1\n", "assert candidate(1) == 2"),
    "keywords": (
        "def f(a, *b, c=0, **d):\n    return [a, b, c, d]\n",
        "assert f(1, 2, 3, c=4, e=5) == [1, (2, 3), 4, {'e': 5}]",
    ),
    "an argument that is changed": (
        "def f(rows):\n    rows.sort()\n    rows[0].append('new')\n",
        "rows = [[2], [1]]\nfirst = rows[1]\nassert f(rows) is None\nassert rows == [[1, 'new'], [2]]",
    ),
    "a dictionary that is changed": (
        "def f(d, s):\n    d.pop('a')\n    s.add(1)\n",
        "d, s = {'a': 1, 'b': 2}, set()\nf(d, s)\nassert d == {'b': 2} and s == {1}",
    ),
    "an exception": (
        "def f(x):\n    raise ValueError('bad', x)\n",
        "try:\n    f(3)\nexcept ValueError as e:\n    assert e.args == ('bad', 3)\n"
        "else:\n    assert False",
    ),
    "an exception of its own": (
        "class Odd(KeyError):\n    pass\n"
        "def f(x):\n    error = Odd(x)\n    error.code = 7\n    raise error\n",
        "try:\n    f(3)\nexcept Odd as e:\n    assert isinstance(e, KeyError) and e.code == 7\n"
        "else:\n    assert False",
    ),
    "an exception of the library": (
        "import json\ndef f(x):\n    return json.loads(x)\n",
        "import json\ntry:\n    f('{')\nexcept json.JSONDecodeError:\n    pass\n"
        "else:\n    assert False",
    ),
    "a callback": (
        "def f(g, xs):\n    return [g(x) for x in xs]\n",
        "seen = []\nassert f(lambda x: seen.append(x) or x * 2, [1, 2]) == [2, 4]\n"
        "assert seen == [1, 2]\nassert f(len, ['a', 'bc']) == [1, 2]\nassert f(str, [1]) == ['1']",
    ),
    "an error in a callback": (
        "def f(g):\n    try:\n        g()\n    except ZeroDivisionError:\n        return 'caught'\n",
        "assert f(lambda: 1 / 0) == 'caught'",
    ),
    "a callback that asks back": (
        "def f(g, n):\n    return n if n == 0 else g(n - 1) + 1\n",
        "def g(n):\n    return f(g, n)\nassert f(g, 20) == 20",
    ),
    "a decorator": (
        "import functools\n"
        "def f(function):\n"
        "    @functools.wraps(function)\n"
        "    def twice(*given):\n        return 2 * function(*given)\n"
        "    return twice\n",
        "@f\ndef g(x):\n    return x + 1\nassert g(1) == 4",
    ),
    "a closure": ("def f(n):\n    return lambda x: x + n\n", "assert f(3)(4) == 7"),
    "a generator": (
        "def f(n):\n    yield from range(n)\n",
        "assert list(f(3)) == [0, 1, 2]\nit = f(2)\nassert next(it) == 0 and next(it) == 1\n"
        "try:\n    next(it)\nexcept StopIteration:\n    pass\nelse:\n    assert False\n"
        "assert sum(f(5)) == 10 and not list(f(0)) and f(1) != [0]",
    ),
    "a class": (
        "class Stack:\n"
        "    size = 0\n"
        "    def __init__(self):\n        self.items = []\n"
        "    def push(self, x):\n        self.items.append(x)\n        return self\n"
        "    def pop(self):\n        return self.items.pop()\n"
        "    def __len__(self):\n        return len(self.items)\n"
        "    def __iter__(self):\n        return iter(self.items)\n"
        "    def __getitem__(self, at):\n        return self.items[at]\n"
        "    def __contains__(self, x):\n        return x in self.items\n"
        "    def __repr__(self):\n        return f'Stack({self.items})'\n"
        "f = Stack\n",
        "s = Stack()\ns.push(1).push('b')\n"
        "assert len(s) == 2 and s[0] == 1 and list(s) == [1, 'b'] and bool(s)\n"
        "assert repr(s) == \"Stack([1, 'b'])\" and str(s) == repr(s) and isinstance(s, Stack)\n"
        "assert s.pop() == 'b' and s.items == [1] and not isinstance(3, Stack)\n"
        "s.size = 5\nassert s.size == 5 and Stack.size == 0 and hasattr(s, 'pop')\n"
        "assert not hasattr(s, 'peek') and s == s and s != Stack() and s is not None",
    ),
    "a class with operators": (
        "class V:\n"
        "    def __init__(self, x):\n        self.x = x\n"
        "    def __add__(self, other):\n        return V(self.x + other.x)\n"
        "    def __eq__(self, other):\n        return self.x == other.x\n"
        "    def __lt__(self, other):\n        return self.x < other.x\n"
        "    def __neg__(self):\n        return V(-self.x)\n"
        "f = V\n",
        "assert V(1) + V(2) == V(3)\nassert V(1) != V(2)\nassert V(1) < V(2)\nassert -V(1) == V(-1)\n"
        "assert sorted([V(2), V(1)])[0].x == 1",
    ),
    "a data class": (
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int = 0\n"
        "def f(x):\n    return P(x)\n",
        "assert f(1) == P(1) and f(1).y == 0 and repr(f(1)) == 'P(x=1, y=0)'",
    ),
    "an enumeration": (
        "import enum\nclass C(enum.Enum):\n    RED = 1\ndef f(x):\n    return C.RED\n",
        "assert f(1) is C.RED and f(1) == C.RED and f(1).value == 1 and C(1) == C.RED",
    ),
    "a named tuple": (
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\n"
        "def f(x):\n    return P(x, 2)\n",
        "assert f(1) == (1, 2) and f(1).x == 1 and f(1)._asdict() == {'x': 1, 'y': 2}",
    ),
    "counts": (
        "from collections import Counter, OrderedDict\ndef f(x):\n    return Counter(x)\n",
        "from collections import Counter\nassert f('aab') == {'a': 2, 'b': 1} == Counter('aab')",
    ),
    "a context": (
        "import contextlib\n@contextlib.contextmanager\ndef f(x):\n    yield x + 1\n",
        "with f(1) as y:\n    assert y == 2",
    ),
    "a constant": ("LIMIT = [1, 2]\nf = None\n", "assert LIMIT == [1, 2] and f is None"),
    "a module of the code": (
        "import math\ndef f(x):\n    return math.pi\n", "assert math.isclose(f(1), math.pi)"
    ),
    "a file": (
        "def f(x):\n    with open('a.txt', 'w') as file:\n        file.write(x)\n"
        "    return open('/tmp/a.txt').read()\n",
        "assert f('hello') == 'hello'",
    ),
    "folders": (
        "import os\ndef f(x):\n    os.makedirs('a')\n    os.makedirs('b')\n"
        "    open('a/x', 'w').write('12345')\n    os.rename('a/x', 'b/y')\n"
        "    os.truncate('b/y', 2)\n    return os.listdir('a'), open('b/y').read()\n",
        "assert f(1) == ([], '12')",
    ),
    "a cache": (
        "import functools\n@functools.lru_cache\ndef f(n):\n"
        "    return n if n < 2 else f(n - 1) + f(n - 2)\n",
        "assert f(80) == 23416728348467685",
    ),
    "a huge number": ("import math\nf = math.factorial\n", "import math\nassert f(3000) == math.factorial(3000)"),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def f(xs):\n    with ThreadPoolExecutor(4) as pool:\n        return list(pool.map(str, xs))\n",
        "assert f([1, 2, 3]) == ['1', '2', '3']",
    ),
    "asyncio within": (
        "import asyncio\nasync def g(x):\n    await asyncio.sleep(0)\n    return x + 1\n"
        "def f(x):\n    return asyncio.run(g(x))\n",
        "assert f(1) == 2",
    ),
    "a main part": (
        "def f(x):\n    return x + 1\nif __name__ == '__main__':\n    f(int(input()))\n",
        "assert f(1) == 2",
    ),
    "unicode": ("def f(x):\n    return x[::-1]\n", "assert f('äö🎉') == '🎉öä'"),
    "the library": (
        "import bisect, hashlib, heapq, sqlite3, string, textwrap, urllib.parse, zlib\n"
        "import xml.etree.ElementTree, email, csv, difflib, uuid, secrets, zoneinfo, tempfile\n"
        "def f(x):\n"
        "    with tempfile.NamedTemporaryFile() as file:\n        file.write(b'x')\n"
        "    return sqlite3.connect(':memory:').execute('select 1').fetchone()\n",
        "assert f(1) == (1,)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_passes(ruled: Ruled, name: str) -> None:
    code, tests = RIGHT[name]
    ruling = ruled(code, tests, entry_point="f")
    assert ruling.passed, ruling.reason


@pytest.mark.parametrize("name", ["a function", "an exception", "a class with operators"])
def test_right_code_passes_in_one_process(ruled: Ruled, name: str) -> None:
    code, tests = RIGHT[name]
    ruling = ruled(code, tests, entry_point="f", apart=False)
    assert ruling.passed, ruling.reason


@pytest.mark.parametrize(
    ("code", "tests", "reason"),
    [
        ("def f(x):\n    return x\n", "assert f(1) == 1\n\nassert f(2) == 3",
         "AssertionError; line 3 of the tests: assert f(2) == 3; it was 2"),
        ("def f(x):\n    return x\n", "assert f(1) > 1, 'must grow'",
         "AssertionError: must grow; line 1 of the tests: assert f(1) > 1, 'must grow'"),
        ("def f(x):\n    x = 0\n    return 1 / x\n", "assert f(1) == 2",
         "ZeroDivisionError: division by zero; line 3 of the code; line 1 of the tests: "
         "assert f(1) == 2"),
        ("import numpy\n", "assert f(1) == 2",
         "ModuleNotFoundError: No module named 'numpy'; line 1 of the code"),
        ("def f(x):\n    return 1\n", "assert f(1) == 2 and g(1)",
         "AssertionError; line 1 of the tests: assert f(1) == 2 and g(1)"),
        ("def f(x):\n    return map(str, x)\n", "assert f([1]) == ['1']",
         "AssertionError; line 1 of the tests: assert f([1]) == ['1']; it was <map of the code>"),
        ("def f(x):\n    yield 1\n", "assert f(1) < 5",
         "TypeError: '<' not supported between instances of 'generator' and 'int'; line 1 of the "
         "tests: assert f(1) < 5"),
        ("def f(x):\n    return 5\n", "def check(candidate):\n    for x in [5, 6]:\n"
         "        assert candidate(x) == x\n",
         "AssertionError; line 3 of the tests: assert candidate(x) == x; it was 5"),
    ],
)  # fmt: skip
def test_the_reason_is_the_first_test_that_failed(
    ruled: Ruled, code: str, tests: str, reason: str
) -> None:
    ruling = ruled(code, tests, entry_point="f")
    assert (ruling.passed, ruling.reason) == (False, reason)


MONEY = (
    "class Money:\n"
    "    def __init__(self, n):\n        self.n = n\n"
    "    def __eq__(self, other):\n        return self.n == getattr(other, 'n', other)\n"
    "    def __mul__(self, k):\n        return Money(self.n * k)\n"
    "    def __contains__(self, x):\n        return True\n"
    "    def __enter__(self):\n        return self\n"
    "    def __exit__(self, *_):\n        return True\n"
    "def f(n):\n    return Money(n)\n"
)


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ("assert Money(5) == 5", "the tests have == of a Money and a plain value"),
        ("assert (Money(5) * 3).n == 15", "the tests have * of a Money and a plain value"),
        ("assert 3 in Money(5)", "the tests look for a plain value in an object"),
        ("with Money(5):\n    assert int('x')", "the tests raise an exception in a `with` block"),
        ("class Own:\n    pass\nassert f(Own())", "the tests give the code an object of type Own"),
        ("class Own(Money):\n    pass\nassert Own(5)", "the tests derive a class from one of the"),
    ],
)
def test_tests_that_need_one_process_are_not_decided(ruled: Ruled, tests: str, reason: str) -> None:
    ruling = ruled(MONEY, tests, entry_point="f")
    assert (ruling.passed, ruling.undecided) == (None, True)
    assert str(ruling.reason).startswith(reason)


def test_a_class_that_the_tests_do_not_name_equals_no_plain_value(ruled: Ruled) -> None:
    ruling = ruled(MONEY, "assert f(5) == 5", entry_point="f")
    assert (ruling.passed, ruling.reason) == (
        False, "AssertionError; line 1 of the tests: assert f(5) == 5; it was <Money of the code>"
    )  # fmt: skip
    assert ruled(MONEY, "assert f(5) == 5", entry_point="f", apart=False).passed


def test_no_with_block_of_the_code_hides_what_failed(ruled: Ruled) -> None:
    ruling = ruled(MONEY, "with f(5) as m:\n    assert m.n == 6", entry_point="f")
    assert ruling.passed is False


def test_code_that_draws_at_random_is_graded_alike_each_time(ruled: Ruled) -> None:
    code = "import random\ndef f():\n    return [random.random(), list(set('abcdefgh'))]\n"
    reasons = {str(ruled(code, "assert f() == 1").reason) for _ in range(2)}
    again = Box()
    job = Job(code, "assert f() == 1", timeout_s=30)
    reasons.add(str(asyncio.run(again.run(job)).reason))
    again.close()
    assert len(reasons) == 1
    assert "it was [0." in reasons.pop()


def test_little_memory_is_enough_for_little_code(ruled: Ruled) -> None:
    assert ruled("def f():\n    return 1\n", "assert f() == 1", memory_mb=16).passed
    ruling = ruled("x = bytearray(80 * 2**20)\n", "assert x", memory_mb=16)
    assert str(ruling.reason).startswith("MemoryError")
