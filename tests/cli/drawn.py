"""A project whose results are chosen: a version says on which cases it is right.

The echo backend answers with the prompt, and a scorer of the project reads it. A version that says
"Right on 0-29,40." is right on the cases of these ranks, and wrong on all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

CHECKS = '''\
"""Reads off the answer whether it is right."""

import re

from promptlab.scorers.decorator import scorer


@scorer(runs="inline")
def right(sample):
    ranges = re.findall(r"(\\d+)-(\\d+)", sample.output)
    rank = sample.case.vars["rank"]
    return any(int(low) <= rank <= int(high) for low, high in ranges)


@scorer(runs="inline")
def grade(sample):
    return float(re.search(r"Grade (-?\\d+(?:\\.\\d+)?)", sample.output)[1]) * right(sample)


@scorer(runs="inline")
def half(sample):
    return 0.5 + right(sample) / 4


@scorer(runs="inline")
def lucky(sample):
    return right(sample) or sample.case.vars["rank"] % 3 == 0


@scorer(runs="inline")
def by_model(sample):
    return right(sample) and sample.case.vars["rank"] % int(sample.turns[0].completion.model) != 0


@scorer(runs="inline", judge=True)
def judged(sample):
    return right(sample)
'''


def version(right: str, more: str = "") -> str:
    """Return the text of a version that is right on the cases of these ranks."""
    return f"Right on {right}. Item {{{{ rank }}}}. {more}\n"


def suite(
    cases: int = 40, *, group: int = 1, scorer: str = "drawn_checks:right", more: str = ""
) -> str:
    """Return a suite of so many cases, of which each `group` in a row are one group.

    The ranks of the cases are scattered over their ids.
    """
    lines = ['templates: ["task@*"]', "backends: [echo]", "scorers:", f"  - {scorer}", "cases:"]
    for place in range(cases):
        of = f", group: g{place // group:02}" if group > 1 else ""
        lines.append(f"  - {{id: c{place:02}, vars: {{rank: {place * 7 % cases}}}{of}}}")
    return "\n".join(lines) + f"\n{more}"


def lay_out(root: Path, versions: Mapping[str, str], suite_text: str | None = None) -> Path:
    """Write the project: versions of `task` by label, and the suite `task`."""
    (root / "drawn_checks.py").write_text(CHECKS, encoding="utf-8")
    for label, text in versions.items():
        write(root, f"templates/task/{label}.j2", text)
    write(root, "suites/task.yaml", suite() if suite_text is None else suite_text)
    return root


def write(root: Path, name: str, text: str) -> None:
    """Write a file of the project."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
