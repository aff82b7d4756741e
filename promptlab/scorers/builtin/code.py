"""Scorer of programs: `code`, which runs them against tests."""

from __future__ import annotations

import re
from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from promptlab.codebox.inside.demands import Demands, demands_of
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import not_gradable, verdict

if TYPE_CHECKING:
    from promptlab.codebox import box
    from promptlab.scorers.reading import fences
else:
    box = lazy_module("promptlab.codebox.box")
    fences = lazy_module("promptlab.scorers.reading.fences")

_PYTHON = ("python", "py", "python3")
_STATEMENT = re.compile(
    r"^[ \t]*(?:(?:def|class|return|import|from|for|while|if|with|try)\b|print\(|@\w|\w+ *=(?!=))",
    re.M,
)

Tests = Annotated[str | list[str], Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Megabytes = Annotated[int, Field(ge=16, le=2**16)]


def _check_code(*, tests: Tests, entry_point: str | None, apart: bool, **_: object) -> None:
    together = _demands(tests, entry_point).together
    if apart and together:
        raise ValueError(
            f"the tests use {together!r}, which needs the code in their own process:"
            " set apart: false (code can then tell its tests what it likes)"
        )


def _ready() -> None:
    """Start the box in which code is run."""
    try:
        box.shared_box()
    except box.Refused as refused:
        raise _refusal(refused) from None


def _refusal(refused: box.Refused) -> PromptlabError:
    return PromptlabError(
        f"code cannot be run here, as a layer of its box is missing: {refused}",
        hint="run it on a Linux whose kernel and container give ordinary users namespaces,"
        " Landlock and seccomp; nothing runs with less",
    )


@scorer(
    version="1",
    check=_check_code,
    libraries=["regex"],
    runs="async",
    shares=True,
    executes=True,
    ready=_ready,
)
async def code(  # noqa: PLR0913 - a parameter for everything that a suite may set
    sample: Sample,
    *,
    tests: Tests = "{{ tests }}",
    entry_point: str | None = None,
    prompt: str = "",
    timeout: Seconds = 10.0,
    memory_mb: Megabytes = 512,
    apart: bool = True,
) -> Score:
    """The Python in the output passes its tests.

    It runs in a box (see Security) on this machine, and only if the suite says `allow_code: true`.
    The code is what stands in fences of Markdown marked as Python, or else in those without a mark;
    without a fence it is the whole output. Of several blocks the last that defines all that the
    tests use counts; if none does, all together, in order. Code and tests are two processes: values
    go to and fro, so that code cannot read its tests, change them or say that it passed. The score
    is 1 or 0; the reason is the first test that failed, with what there was instead, or how the
    code ended. Without code the score is 0, too.

    Limits:
        The standard library alone can be imported; there is no network, no file but those that the
        code writes, no other program, 12 processes and threads at most. What the code prints is
        not kept. With `apart`, objects of the code's own classes equal no plain value and have no
        operators with them; where tests that name such a class do that, there is no score. The
        tests of classes themselves, callbacks, generators and exceptions work; patching, awaiting
        and reading what was printed need `apart: false`, where code that sets out to cheat can:
        its values may equal everything. Tests that use a helper of the code believe it.

    Args:
        sample: the trial to grade
        tests: Python with `assert`, or a list of such lines; or as in HumanEval a function `check`
            that is called with the entry point
        entry_point: the function that is tested, which the tests may also call `candidate`
        prompt: what the code goes on from or may use, such as imports and the head of the function
        timeout: seconds of the processor that the code and the tests may each take; twice as much
            and 2 s may pass by the clock
        memory_mb: what each process may take, beyond what Python itself does
        apart: run code and tests in two processes
    """
    source = _joined(tests)
    found = _code_in(sample.output, _demands(tests, entry_point), completes=bool(prompt))
    if found is None:
        return replace(verdict(False, "found no Python"), gradable=False)
    job = box.Job(found, source, entry_point, prompt, timeout, memory_mb, apart)
    try:
        ruling = await box.run(job)
    except box.Refused as refused:
        raise _refusal(refused) from None
    if ruling.passed is not None:
        return replace(verdict(ruling.passed, ruling.reason), gradable=True)
    if ruling.undecided:
        return not_gradable(f"{ruling.reason}: that needs apart: false")
    return Score(None, error=ruling.reason)


def _joined(tests: Tests) -> str:
    return tests if isinstance(tests, str) else "\n".join(tests)


def _demands(tests: Tests, entry_point: str | None) -> Demands:
    return demands_of(_joined(tests), entry_point)


def _code_in(output: str, demands: Demands, *, completes: bool) -> str | None:
    """Return the code in an output, None if there is none."""
    blocks = list(fences.code_blocks(output))
    if not blocks:
        looks_like_code = _STATEMENT.search(output) or (completes and output.strip())
        return output if looks_like_code else None
    marked = [lines for language, lines in blocks if language in _PYTHON]
    chosen = [dedent(each) if completes is False else each for each in marked or _unmarked(blocks)]
    if not chosen:
        return None
    whole = [each for each in chosen if all(_defines(each, name) for name in demands.names)]
    return whole[-1] if whole else "\n\n".join(chosen)


def _unmarked(blocks: list[tuple[str, str]]) -> list[str]:
    return [lines for language, lines in blocks if not language]


def _defines(source: str, name: str) -> bool:
    return bool(
        re.search(
            rf"^[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+{re.escape(name)}\b"
            rf"|^{re.escape(name)}[ \t]*(?::[^=\n]+)?=",
            source,
            re.M,
        )
    )
