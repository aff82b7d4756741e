"""Results as JUnit's XML, for build servers: a test suite for each arm, a test for each trial.

A test fails where a scorer says that it failed. One of which a scorer cannot tell, or that nobody
graded, is skipped; an answer or a score that is missing for another reason is an error.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from promptlab.core.results import Result
from promptlab.core.types import NOT_GRADABLE, Outcome
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.layout import Layout, Trial, as_text

_PIECE = 1 << 16  # characters


@dataclass(slots=True)
class _Suite:
    """The tests of one arm, in a file of their own until they are counted."""

    file: IO[str]
    tests: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"failure": 0, "error": 0, "skipped": 0})
    seconds: float = 0.0


def junit_lines(layout: Layout, trials: Iterable[Trial], said: Said) -> Iterator[str]:
    """Yield the document; the head of a suite counts its tests, so that they are read first."""
    with ExitStack() as open_files:
        suites: dict[str, _Suite] = {}
        for trial in trials:
            arm = trial[0].arm
            if arm not in suites:
                file = open_files.enter_context(
                    tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")
                )
                suites[arm] = _Suite(file)
            _add(suites[arm], layout, trial, said)
        yield '<?xml version="1.0" encoding="UTF-8"?>\n'
        yield f"<testsuites{_head(layout.suite, [*suites.values()], said)}>\n"
        for arm, suite in suites.items():
            stamp = f" timestamp={quoteattr(layout.created_at[:19])}"
            skipped = f' skipped="{suite.counts["skipped"]}"'
            yield f"  <testsuite{_head(arm, [suite], said)}{skipped}{stamp}>\n"
            suite.file.seek(0)
            while piece := suite.file.read(_PIECE):
                yield piece
            yield "  </testsuite>\n"
        yield "</testsuites>\n"


def _head(name: str, suites: list[_Suite], said: Said) -> str:
    failed = sum(suite.counts["failure"] for suite in suites)
    errors = sum(suite.counts["error"] for suite in suites)
    return (
        f" name={quoteattr(said.text(name))}"
        f' tests="{sum(suite.tests for suite in suites)}" failures="{failed}" errors="{errors}"'
        f' time="{sum(suite.seconds for suite in suites):.3f}"'
    )


def _add(suite: _Suite, layout: Layout, trial: Trial, said: Said) -> None:
    first = trial[0]
    suite.tests += 1
    suite.seconds += first.latency_s or 0.0
    repeat = f" #{first.repeat + 1}" if layout.repeats > 1 else ""
    time = "" if first.latency_s is None else f' time="{first.latency_s:.3f}"'
    name = quoteattr(said.text(f"{first.case_id}{repeat}"))
    place = quoteattr(said.text(f"{layout.suite}.{first.arm}"))
    suite.file.write(f"    <testcase name={name} classname={place}{time}>\n")
    kind, labels, message = _ended(trial)
    if kind is not None:
        suite.counts[kind] += 1
        type_ = f" type={quoteattr(said.text(labels))}" if kind != "skipped" else ""
        suite.file.write(f"      <{kind} message={quoteattr(said.text(message))}{type_}/>\n")
    shown = escape(said.text(_shown(layout, trial)))
    suite.file.write(f"      <system-out>{shown}</system-out>\n    </testcase>\n")


def _ended(trial: Trial) -> tuple[str | None, str, str]:
    """Return how a test ended, None if it passed; the scorers that say so, and what they say."""
    if trial[0].outcome is Outcome.ERROR:
        return "error", "no answer", trial[0].error or "no answer"
    graded = [row for row in trial if row.was_graded]
    unable = [row for row in graded if (row.error or "").startswith(NOT_GRADABLE)]
    broken = [row for row in graded if row.score is None and row not in unable]
    failed = [row for row in graded if row.passed is False]
    for kind, rows in (("error", broken), ("failure", failed), ("skipped", unable)):
        if rows:
            labels = ", ".join(row.scorer or "" for row in rows)
            return kind, labels, "; ".join(_said_of(row) for row in rows)
    return (None, "", "") if graded else ("skipped", "", "not graded")


def _said_of(row: Result) -> str:
    score = "" if row.score is None else f" {row.score:.4g}"
    why = row.error if row.score is None else row.reason
    return f"{row.scorer}{score}{f': {why}' if why else ''}"


def _shown(layout: Layout, trial: Trial) -> str:
    first = trial[0]
    asked = [f"{name}: {as_text(value)}" for name, value in first.vars.items()]
    expected = [] if first.expect is None else [f"expected: {as_text(first.expect)}"]
    scores = [_said_of(row) for row in trial if row.was_graded]
    return "\n".join(
        [*asked, *expected, f"output ({first.outcome.value}):", layout.output(trial), *scores]
    )
