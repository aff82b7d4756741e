from __future__ import annotations

from collections.abc import Mapping

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.importers.outcome_rows import REQUIRED, ROLES, OutcomeRow, read_outcomes

LEAST = {"template": "v1", "case": "a", "score": "1"}
NUMBERED = dict([*LEAST.items(), (3, "x")])  # as YAML allows


def read(
    *rows: object, columns: Mapping[str, str] | None = None, ignore_unknown: bool = False
) -> list[OutcomeRow]:
    placed = [(f"o.csv:{line}", row) for line, row in enumerate(rows, 2)]
    return list(read_outcomes(placed, columns or {}, ignore_unknown=ignore_unknown))


def mistake(*rows: object, columns: Mapping[str, str] | None = None) -> str:
    with pytest.raises(PromptlabError) as caught:
        read(*rows, columns=columns)
    return str(caught.value)


def test_what_is_left_out_or_empty_is_unknown() -> None:
    empty = dict.fromkeys(set(ROLES) - set(REQUIRED), "")
    outcome = OutcomeRow(
        where="o.csv:2",
        template="v1",
        case="a",
        score=1.0,
        backend="imported",
        repeat=None,
        group=None,
        practices=(),
        scorer="score",
        output=None,
        input_tokens=None,
        output_tokens=None,
        cost_usd=None,
    )
    assert read(LEAST) == [outcome]
    assert read({**LEAST, **empty}) == [outcome]
    assert read({**LEAST, **dict.fromkeys(empty)}) == [outcome]


def test_a_row_says_all_that_it_can() -> None:
    row = {
        **{"template": " bbh@cot ", "case": 7, "score": "-2.5e-1", "backend": "codex"},
        **{"repeat": "3", "group": "sports", "practices": "clear  reasoning clear"},
        **{"scorer": "judge", "output": " yes\n", "input_tokens": "12.0", "output_tokens": 4.0},
        **{"cost_usd": ".5"},
    }
    assert read(row) == [
        OutcomeRow(
            where="o.csv:2",
            template="bbh@cot",
            case="7",
            score=-0.25,
            backend="codex",
            repeat=3,
            group="sports",
            practices=("clear", "reasoning"),
            scorer="judge",
            output=" yes\n",
            input_tokens=12,
            output_tokens=4,
            cost_usd=0.5,
        )
    ]


@pytest.mark.parametrize(
    ("cell", "score"),
    [
        *[("true", 1.0), ("FALSE", 0.0), ("PASS", 1.0), ("fail", 0.0), (True, 1.0), (False, 0.0)],
        *[("", None), (" ", None), (None, None), ("0", 0.0), (" 1 ", 1.0), (3, 3.0), ("+1.", 1.0)],
    ],
)
def test_a_score_is_a_number_or_a_verdict(cell: object, score: float | None) -> None:
    assert [row.score for row in read({**LEAST, "score": cell})] == [score]


def test_an_output_that_is_not_text_is_kept_as_json() -> None:
    assert (
        read({**LEAST, "output": {"b": [1, None], "a": "ä"}})[0].output == '{"a":"ä","b":[1,null]}'
    )
    assert read({**LEAST, "output": 0})[0].output == "0"


def test_practices_may_be_a_list() -> None:
    assert read({**LEAST, "practices": ["role", "clear"]})[0].practices == ("role", "clear")


def test_a_role_may_be_played_by_a_column_of_another_name() -> None:
    row = {"prompt": "v1", "id": "a", "output_tokens": "7"}
    columns = {"template": "prompt", "case": "id", "score": "output_tokens"}
    [outcome] = read(row, columns=columns)
    assert (outcome.template, outcome.case, outcome.score) == ("v1", "a", 7.0)
    assert outcome.output_tokens == 7


def test_columns_without_a_role_can_be_ignored() -> None:
    assert read({**LEAST, "latency": "x"}, ignore_unknown=True) == read(LEAST)


@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [
        (["v1", "a", 1], {}, "o.csv:2: a row is keys and values, not a list (fix this row)"),
        (
            {"template": "v1", "case": "a", "scores": 1},
            {},
            "o.csv:2: the column 'score' is missing (did you mean 'scores'?;"
            " --column score=NAME says which one it is)",
        ),
        (
            {**LEAST, "bakend": "x"},
            {},
            "o.csv:2: unknown column 'bakend' (did you mean 'backend'?;"
            " --column ROLE=NAME gives it a role, --ignore-unknown leaves it out)",
        ),
        (NUMBERED, {}, "o.csv:2: unknown column '3' (known: backend, case, cost_usd, "),
        (LEAST, {"group": "task"}, "o.csv:2: the column 'task' is missing (known: case, score"),
        (LEAST, {"grup": "task"}, "unknown role 'grup' of a column (did you mean 'group'?)"),
        ({**LEAST, "template": ""}, {}, "o.csv:2: template: the template is empty (every row m"),
        ({**LEAST, "case": " "}, {}, "o.csv:2: case: the case is empty (every row must have one)"),
        ({**LEAST, "case": 1.5}, {}, "o.csv:2: case: expected text, found 1.5 (put it in quot"),
        ({**LEAST, "case": True}, {}, "o.csv:2: case: expected text, found true (put it in qu"),
        ({**LEAST, "case": "a\0"}, {}, "o.csv:2: case: 'a\\x00' contains a control character (rem"),
        ({**LEAST, "backend": "\ud800"}, {}, "o.csv:2: backend: '\\ud800' contains a control ch"),
        ({**LEAST, "practices": "clear, role"}, {}, "o.csv:2: practices: 'clear,' cannot name a"),
        ({**LEAST, "practices": [1]}, {}, "o.csv:2: practices: 1 cannot name a practice (lower-"),
        ({**LEAST, "practices": 1}, {}, "o.csv:2: practices: expected names, found 1 (separate "),
        ({**LEAST, "output": float("nan")}, {}, "o.csv:2: output: expected text, found nan (p"),
        ({**LEAST, "output": object()}, {}, "o.csv:2: output: expected text, found a value of"),
    ],
)
def test_an_unclear_row_is_reported(row: object, columns: dict[str, str], message: str) -> None:
    error = mistake(row, columns=columns)
    assert error.startswith(message)
    assert "\n" not in error


@pytest.mark.parametrize(
    ("role", "cell", "message"),
    [
        ("score", "nan", "expected a number, found 'nan' (leave the cell empty where it is unkn"),
        ("score", float("nan"), "nan is not a number that can be compared (leave the cell empty"),
        ("score", float("inf"), "inf is not a number that can be compared (leave the cell empty"),
        ("score", "1e999", "inf is not a number that can be compared (leave the cell empty"),
        ("score", 10**400, "1000000"),
        ("score", "0,5", "expected a number, found '0,5' (write a decimal point, not a comma)"),
        ("score", "85 %", "expected a number, found '85 %' (write it as 0.25, and leave the ce"),
        ("score", "1_0", "expected a number, found '1_0'"),
        ("score", "٣", "expected a number, found '٣'"),
        ("score", [1], "expected a number, found a list (fix this cell)"),
        ("cost_usd", "-0.1", "a cost cannot be negative, found '-0.1' (fix this cell)"),
        ("cost_usd", True, "expected a number, found true (fix this cell)"),
        ("input_tokens", "-1", "expected a whole number from 0, found '-1' (leave the cell empt"),
        ("input_tokens", "1.5", "expected a whole number from 0, found '1.5'"),
        ("output_tokens", 1.5, "expected a whole number from 0, found 1.5"),
        ("output_tokens", float("nan"), "expected a whole number from 0, found nan"),
        ("output_tokens", True, "expected a whole number from 0, found true"),
        ("output_tokens", "9" * 5000, "expected a whole number from 0, found '9999"),
        ("repeat", "first", "expected a whole number, found 'first'"),
        ("repeat", 10**30, "expected a whole number, found 1000"),
    ],
)
def test_a_cell_that_is_not_a_number_is_reported(role: str, cell: object, message: str) -> None:
    error = mistake(LEAST, {**LEAST, role: cell})
    assert error.startswith(f"o.csv:3: {role}: {message}")
    assert "\n" not in error


def test_a_mistake_names_the_column_of_the_file() -> None:
    row = {"template": "v1", "case": "a", "acc": "?"}
    assert mistake(row, columns={"score": "acc"}).startswith("o.csv:2: acc: expected a number")


def test_rows_of_another_format_are_named_by_their_place() -> None:
    rows = [("o.jsonl:1", LEAST), ("o.jsonl:2", {"template": "v1", "case": "a"})]
    with pytest.raises(PromptlabError, match=r"^o\.jsonl:2: the column 'score' is missing"):
        list(read_outcomes(rows, {}))
