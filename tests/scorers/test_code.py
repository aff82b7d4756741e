"""`code`: which text of an answer is the program, and what its score says."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptlab.codebox import box
from promptlab.core.errors import PromptlabError
from promptlab.scorers.binding import bind
from promptlab.scorers.reading.fences import code_blocks

from .conftest import Grade

HUMAN_EVAL = (
    Path(__file__).resolve().parents[3] / "shared" / "data" / "humaneval" / "HumanEval.jsonl.gz"
)
TESTS = "assert f(1) == 2\nassert f(5) == 6"
RIGHT = "def f(x):\n    return x + 1\n"
USE = "print(f(2))\n"
WRONG = "def f(x):\n    return x\n"
HEAD = 'import math\n\ndef f(x):\n    """Add one."""\n'


@pytest.fixture(autouse=True)
def _box() -> None:
    try:
        box.shared_box()
    except box.Refused as refused:
        pytest.skip(f"code cannot be run here: {refused}")


def fenced(code: str, language: str = "python") -> str:
    return f"```{language}\n{code}```\n"


@pytest.mark.parametrize(
    "output",
    [
        RIGHT,
        f"\n\n{RIGHT}\n",
        fenced(RIGHT),
        fenced(RIGHT, ""),
        fenced(RIGHT, "Python"),
        fenced(RIGHT, "py"),
        fenced(RIGHT, " python"),
        fenced(RIGHT, 'python title="f.py"'),
        fenced(RIGHT, "{.python}"),
        f"~~~python\n{RIGHT}~~~",
        f"Here it is:\n\n{fenced(RIGHT)}\nIt adds one.",
        "1. The code:\n\n   ```python\n   def f(x):\n       return x + 1\n   ```\n",
        "> ```python\n> def f(x):\n>     return x + 1\n> ```\n",
        f"```python\n{RIGHT}",
        fenced(RIGHT).replace("\n", "\r\n"),
        f"{fenced(WRONG)}\nNo, better:\n{fenced(RIGHT)}",
        f"{fenced(RIGHT)}\nUse it so:\n{fenced(USE)}",
        f"{fenced(USE)}then\n{fenced(RIGHT)}",
        f"Run:\n{fenced(USE, 'bash')}{fenced(RIGHT)}{fenced(USE, '')}",
        f"{fenced(USE, 'text')}{fenced(RIGHT, '')}",
        f"{fenced(RIGHT)}{fenced(WRONG, 'javascript')}",
    ],
)
def test_finds_the_code(grade: Grade, output: str) -> None:
    score = grade("code", output, tests=TESTS)
    assert (score.value, score.gradable) == (1.0, True), score


def test_parts_in_several_blocks_are_put_together(grade: Grade) -> None:
    parts = fenced("def g(x):\n    return x + 1\n") + fenced("h = g\n")
    assert grade("code", parts, tests="assert g(1) == h(1) == 2").value == 1.0


@pytest.mark.parametrize(
    "output",
    ["", " \n", "I cannot do that.", "Sure! It is x + 1.", fenced("ls\n", "bash"), "```x```"],
)
def test_an_answer_without_code_scores_0_and_is_marked(grade: Grade, output: str) -> None:
    score = grade("code", output, tests=TESTS)
    assert (score.value, score.passed, score.gradable) == (0.0, False, False)
    assert score.reason == "found no Python"


@pytest.mark.parametrize(
    "output",
    [
        "    return x + 1",
        "return x + 1",
        RIGHT,
        fenced("    return x + 1\n"),
        fenced("return x + 1\n"),
        fenced(RIGHT),
        fenced(HEAD + "    return x + int(math.cos(0))\n"),
        "    return x + int(math.cos(0))\n\n\ndef unused():\n    pass\n",
    ],
)
def test_goes_on_from_a_prompt(grade: Grade, output: str) -> None:
    check = "def check(candidate):\n    assert candidate(1) == 2\n"
    score = grade("code", output, tests=check, prompt=HEAD, entry_point="f")
    assert score.value == 1.0, score


def test_fills_in_from_the_case(grade: Grade) -> None:
    case: dict[str, Any] = {"tests": ["assert f(1) == 2", "assert f(5) == 6"], "name": "f"}
    assert grade("code", RIGHT, None, case, entry_point="{{ name }}").value == 1.0
    score = grade("code", WRONG, None, case, entry_point="{{ name }}")
    assert (score.value, score.passed, score.gradable) == (0.0, False, True)
    assert score.reason == "AssertionError; line 1 of the tests: assert f(1) == 2; it was 1"


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (fenced("def f(x):\n    return (\n"), "SyntaxError: '(' was never closed"),
        (fenced("def f(x):\n    return bytearray(10**10)\n"), "MemoryError"),
        (fenced("while True: pass\n"), "time-out: more than 1 s of the processor"),
        (fenced("import os\nos._exit(0)\n"), "the code ended its process before its tests"),
        (fenced("def g(x):\n    return 1\n"), "NameError: name 'f' is not defined"),
        ("def f(x):\n    return '\ud83d'\n", "UnicodeEncodeError"),
    ],
)
def test_the_reason_says_how_it_ended(grade: Grade, output: str, reason: str) -> None:
    score = grade("code", output, tests=TESTS, timeout=1)
    assert (score.value, score.gradable) == (0.0, True)
    assert str(score.reason).startswith(("time-out", reason[:20]))


def test_what_is_not_decided_has_no_score(grade: Grade) -> None:
    code = "class M:\n    def __eq__(self, other):\n        return True\n"
    score = grade("code", code, tests="assert M() == 5")
    assert (score.value, score.passed, score.gradable) == (None, None, False)
    assert score.error == (
        "not gradable: the tests have == of a M and a plain value: that needs apart: false"
    )
    assert grade("code", code, tests="assert M() == 5", apart=False).value == 1.0


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"tests": "assert f("}, "the tests are no Python"),
        ({"tests": "f(1)"}, "the tests hold no assert: any code would pass"),
        ({"tests": []}, "at least 1"),
        ({"tests": "def check(c):\n    assert c(1)"}, "name the function in 'entry_point'"),
        ({"tests": "import asyncio\nassert asyncio.run(f())"}, "set apart: false"),
        ({"tests": TESTS, "timeout": 0}, "greater than 0"),
        ({"tests": TESTS, "memory_mb": 1}, "greater than or equal to 16"),
    ],
)
def test_refuses_what_cannot_be_meant_before_any_call(params: dict[str, Any], why: str) -> None:
    with pytest.raises(PromptlabError, match="scorer 'code'") as raised:
        bind([{"code": params}])
    assert why in str(raised.value)


def test_depends_on_the_python_that_runs_the_code() -> None:
    [bound] = bind(["code"])
    assert "python" in json.loads(bound.spec.identity or "{}")
    [other] = bind(["exact_match"])
    assert "python" not in json.loads(other.spec.identity or "{}")


def test_blocks_of_code_are_told_with_their_language() -> None:
    text = "a\n```py\nx\n```\n```\ny\n```\n~~~JSON\n{}\n~~~\n```inline```\n```sh\nunfinished"
    assert list(code_blocks(text)) == [
        ("py", "x"), ("", "y"), ("json", "{}"), ("sh", "unfinished")
    ]  # fmt: skip


def problems() -> Iterator[dict[str, str]]:
    with gzip.open(HUMAN_EVAL, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.mark.slow
@pytest.mark.skipif(not HUMAN_EVAL.is_file(), reason=f"HumanEval is not there: {HUMAN_EVAL}")
@pytest.mark.parametrize("apart", [True, False], ids=["apart", "together"])
def test_human_eval(grade: Grade, apart: bool) -> None:
    given = {"prompt": "{{ prompt }}", "entry_point": "{{ entry_point }}", "tests": "{{ test }}"}
    right, wrong = [], []
    for problem in problems():
        case: dict[str, Any] = {**problem}
        answers = problem["canonical_solution"], "    return object()\n"
        scores = [grade("code", each, None, case, **given, apart=apart) for each in answers]
        right.append(scores[0].value)
        wrong.append(scores[1].value)
    assert (right, wrong) == ([1.0] * 164, [0.0] * 164)
