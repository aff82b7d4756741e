"""Another renderer needs nothing but the view."""

from __future__ import annotations

import ast
from pathlib import Path

from inline_snapshot import snapshot

from promptlab.analysis.basis import Basis
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.report.views.comparison import comparison_view

from . import markdown_plugin
from .conclusions import build_comparison, build_reason


def test_a_comparison_as_markdown() -> None:
    few = build_reason(Code.TOO_FEW_CASES, "12 cases are too few: at least 15")
    cut_off = build_reason(
        Code.ANSWERS_CUT_OFF, "9 % of the answers of mood@v3 were cut off", "mood@v3"
    )
    comparisons = [
        build_comparison(),
        build_comparison(b="mood@v3", n=12, verdict="refused", reasons=(few,), warnings=(cut_off,)),
        build_comparison(b="mood@v4", verdict="undecided", delta=0.01, ci=(-0.05, 0.07)),
    ]
    view = comparison_view(Basis(("r1",), "exact"), comparisons, Rule())
    assert markdown_plugin.markdown(view) == snapshot("""\
### exact on small, against v1 (70.0 %), 95 % intervals

| | points | interval | p | won:lost | verdict |
| --- | ---: | --- | ---: | ---: | --- |
| v2 | +12.0 | +5.2 to +19.9 | 0.002 | 15:3 | better |
| v3 | +12.0 | - | - | 15:3 | refused |
| v4 | +1.0 | -5.0 to +7.0 | 0.002 | 15:3 | undecided |

- no verdict: 12 cases are too few: at least 15 (v3 against v1)

- note: 9 % of the answers of v3 were cut off

- undecided: v4 against v1: 100 cases can show 9 points; 5 points need 2,000

**v2 is better than v1**: +12.0 points, p = 0.002
""")


def test_it_imports_nothing_but_views() -> None:
    tree = ast.parse(Path(markdown_plugin.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules == {"__future__", "promptlab.report.views.comparison"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
