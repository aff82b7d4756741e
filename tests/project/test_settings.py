"""A project's decision rule: its tables are read, and each error is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from promptlab.core.decision import Calibration, Limits, Rule
from promptlab.core.errors import PromptlabError
from promptlab.project.folder import find_project
from promptlab.project.settings import CompareSettings, read_rule

Write = Callable[[str, str], Path]


def test_nothing_said_is_the_default() -> None:
    assert read_rule({}, "promptlab.toml", "") == Rule()
    assert read_rule({"compare": {}, "judges": {}}, "promptlab.toml", "") == Rule()


def test_the_level_of_intervals_goes_with_that_of_tests() -> None:
    assert Rule(alpha=0.1).level == pytest.approx(0.9)


def test_every_limit_may_be_set() -> None:
    names = {one.name for one in fields(Limits)}
    assert names == CompareSettings.model_fields.keys() - {"alpha", "min_effect", "strict"}
    other = dict.fromkeys(names, 1)
    assert read_rule({"compare": other}, "f", "").limits == Limits(**other)


def test_tables_of_promptlab_toml(project: Path, write: Write) -> None:
    write(
        "promptlab.toml",
        "[compare]\nalpha = 0.01\nmin_effect = 0.02\nstrict = true\nmin_cases = 50\n"
        "[judges.helpful]\nlabels = 100\nkappa = 0.7\nsensitivity = 0.9\nspecificity = 0.8\n"
        "order_agreement = 0.95\n[judges.short]\nlabels = 60\nkappa = -0.1\n"
        "sensitivity = 0\nspecificity = 1\n",
    )
    assert find_project(project).rule == Rule(
        alpha=0.01,
        min_effect=0.02,
        strict=True,
        limits=Limits(min_cases=50),
        judges={
            "helpful": Calibration(100, 0.7, 0.9, 0.8, 0.95),
            "short": Calibration(60, -0.1, 0, 1),
        },
    )


def test_tables_of_pyproject_toml(project: Path, write: Write) -> None:
    write("pyproject.toml", "[tool.promptlab.compare]\nmax_missing = 0.1\n")
    assert find_project(project).rule == Rule(limits=Limits(max_missing=0.1))


def test_promptlab_toml_goes_before_pyproject_toml(project: Path, write: Write) -> None:
    write("pyproject.toml", "[tool.promptlab.compare]\nalpha = 0.2\n")
    write("promptlab.toml", '[backends.small]\nkind = "echo"\n')
    assert find_project(project).rule.alpha == 0.2  # which says nothing of comparisons
    write("promptlab.toml", "[compare]\nmin_cases = 30\n")
    assert find_project(project).rule == Rule(limits=Limits(min_cases=30))


def test_without_a_table_the_default_decides(project: Path) -> None:
    assert find_project(project).rule == Rule()


JUDGE = "labels = 60\nkappa = 0.5\nsensitivity = 0.9\nspecificity = 0.9\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[compare]\nmin_case = 3",
            "compare.min_case: unknown key 'min_case' (did you mean 'min_cases'?)",
        ),
        (
            "[compare]\nalpha = 0",
            "compare.alpha: expected a number greater than 0, found 0 (fix this value)",
        ),
        (
            "[compare]\nalpha = 1.0",
            "compare.alpha: expected a number less than 1, found 1.0 (fix this value)",
        ),
        (
            '[compare]\nalpha = "low"',
            "compare.alpha: expected a number, found 'low' (fix this value)",
        ),
        (
            "[compare]\nmin_effect = -0.1",
            "compare.min_effect: expected a number greater than or equal to 0, found -0.1"
            " (fix this value)",
        ),
        (
            "[compare]\nmin_effect = inf",
            "compare.min_effect: expected a finite number, found inf (fix this value)",
        ),
        (
            "[compare]\nmin_effect = nan",
            "compare.min_effect: expected a finite number, found nan (fix this value)",
        ),
        (
            "[compare]\nmin_cases = 2.5",
            "compare.min_cases: expected a whole number, found 2.5 (fix this value)",
        ),
        (
            "[compare]\nmax_missing = 2",
            "compare.max_missing: expected a number less than or equal to 1, found 2"
            " (fix this value)",
        ),
        (
            "[compare]\nstrict = []",
            "compare.strict: expected true or false, found a list (fix this value)",
        ),
        ("compare = 5", "compare: expected keys and values, found 5 (fix this value)"),
        ("judges = 5", "judges: expected a table (write [judges.NAME])"),
        (
            "[judges]\nkind = 5",
            "judges.kind: expected keys and values, found 5 (fix this value)",
        ),
        (
            "[judges.kind]\nlabels = 60",
            "judges.kind.kappa: is missing (a judge needs it)",
        ),
        (
            f"[judges.kind]\n{JUDGE}orders_agreement = 1",
            "judges.kind.orders_agreement: unknown key 'orders_agreement'"
            " (did you mean 'order_agreement'?)",
        ),
        (
            f"[judges.kind]\n{JUDGE}".replace("0.5", "1.5"),
            "judges.kind.kappa: expected a number less than or equal to 1, found 1.5"
            " (fix this value)",
        ),
        (
            f"[judges.kind]\n{JUDGE}order_agreement = -1",
            "judges.kind.order_agreement: expected a number greater than or equal to 0, found -1"
            " (fix this value)",
        ),
        (
            "[comparison]\nalpha = 0.1",
            "comparison: unknown key 'comparison' (did you mean 'compare'?)",
        ),
    ],
)
@pytest.mark.parametrize("file", ["promptlab.toml", "pyproject.toml"])
def test_mistakes_are_reported_in_one_line(
    project: Path, write: Write, file: str, text: str, message: str
) -> None:
    prefix = ""
    if file == "pyproject.toml":
        prefix = "tool.promptlab."
        text = text.replace("[", "[tool.promptlab.", 1) if text.startswith("[") else (
            f"[tool.promptlab]\n{text}"
        )  # fmt: skip
    write(file, text)
    with pytest.raises(PromptlabError) as caught:
        find_project(project)
    assert str(caught.value) == f"{file}: {prefix}{message.replace('[', f'[{prefix}')}"
