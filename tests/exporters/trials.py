"""Trials as the store returns them, with outputs that programs might obey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from promptlab.core.results import Result
from promptlab.core.types import Outcome
from promptlab.exporters.runs.layout import Layout

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2-3",
    "@SUM(1)",
    " =1+1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    "'=1+1",
    '=HYPERLINK("http://a.example","x")',
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "]]></system-out><x/>",
    "</details></table><b>",
    "<r><t>x</t></r>",
    "_x0041_",
    "\u202eabc\u2066",
    "\x1b[31mred\x1b]0;t\x07\x00",
    "\ufffe\uffff",
    "a|b\\|c `tick` ``two`` |",
    "@octocat fixes #12, see http://a.example www.a.example a@b.example",
    "[x](http://a.example) ![y](z) <http://a.example> **bold** &amp; &#42;",
    '"quoted", with a comma\r\nand a break\n\nand more',
    "| --- |\n| x |",
    "```\n</details>\n```",
    "  blanks  ",
    "Zo\u00eb \U0001f600",
)

LAYOUT = Layout(
    run_id="20260102-030405-abcd",
    suite="mood",
    created_at="2026-01-02T03:04:05.678+00:00",
    scorers=("right", "length"),
    primary="right",
    variables=("text", "n"),
)
FIRST = Result(
    seq=0,
    run_id=LAYOUT.run_id,
    suite="mood",
    template="mood",
    version="v1",
    arm="mood@v1 on echo",
    practices="",
    backend="echo",
    model=None,
    case_id="c0",
    case_group=None,
    repeat=0,
    outcome=Outcome.OK,
    output="good",
    scorer="right",
    score=1.0,
    passed=True,
    reason=None,
    input_tokens=3,
    output_tokens=None,
    cost_usd=None,
    latency_s=0.25,
    cached=False,
    error=None,
    created_at="2026-01-02T03:04:06.000+00:00",
    tags=("a", "b"),
    vars={"text": "Fine.", "n": 7},
    expect="good",
    graded="answer",
)


def trial(place: int = 0, second: Mapping[str, Any] | None = None, **first: Any) -> list[Result]:
    """Return a trial with two scorers; what is given of the first row holds for the trial."""
    one = replace(FIRST, seq=place, case_id=f"c{place}", **first)
    other = replace(one, scorer="length", score=4.0, passed=None, reason="4 letters", error=None)
    return [one, replace(other, **(second or {}))]


def hostile() -> list[Sequence[Result]]:
    """Return a trial for each hostile text, which is everything that may be foreign in it."""
    return [
        trial(
            place,
            output=text,
            reason=text,
            expect=text,
            found=text,
            vars={"text": text, "n": place},
            tags=(text,),
            passed=False,
            score=0.0,
        )
        for place, text in enumerate(HOSTILE)
    ]
