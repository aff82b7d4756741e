from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.cases.rows import make_cases, read_cases, with_params
from promptlab.core.errors import PromptlabError
from promptlab.core.types import Case

Write = Callable[[str, str | bytes], Path]


def make(*rows: object, columns: Mapping[str, str] | None = None) -> tuple[Case, ...]:
    placed = ((f"c:{number}", row) for number, row in enumerate(rows, 1))
    return make_cases(placed, "c", columns or {})


def mistake(*rows: object, columns: Mapping[str, str] | None = None) -> str:
    with pytest.raises(PromptlabError) as caught:
        make(*rows, columns=columns)
    return str(caught.value)


def test_a_structured_row_is_taken_as_it_is() -> None:
    row = {"id": 7, "vars": {"q": "x", "n": [1, None]}, "expect": "y", "tags": ["t"], "group": "g"}
    (case,) = make(row)
    assert (case.id, case.vars, case.expect) == ("7", {"q": "x", "n": [1, None]}, "y")
    assert (case.tags, case.group) == (("t",), "g")
    assert case.digest.startswith("b2:")


def test_the_other_keys_of_a_flat_row_are_its_variables() -> None:
    (case,) = make({"id": "a", "q": "x", "expect": 3, "tags": "hard, long", "group": ""})
    assert (case.id, case.vars, case.expect) == ("a", {"q": "x"}, 3)
    assert (case.tags, case.group) == (("hard", "long"), None)


def test_columns_give_other_names_to_the_roles() -> None:
    row = {"qid": 1, "doc": "d", "q": "x", "answer": "y", "kind": "easy"}
    columns = {"id": "qid", "expect": "answer", "group": "doc", "tags": "kind"}
    (case,) = make(row, columns=columns)
    assert (case.id, case.expect, case.group, case.tags) == ("1", "y", "d", ("easy",))
    assert case.vars == {"qid": 1, "doc": "d", "q": "x", "kind": "easy"}  # but never the answer


def test_a_role_that_is_mapped_leaves_the_column_of_its_own_name_to_the_template() -> None:
    (case,) = make({"id": "a", "expect": "shown", "answer": "y"}, columns={"expect": "answer"})
    assert (case.vars, case.expect) == ({"expect": "shown"}, "y")


def test_without_an_id_the_content_is_the_id() -> None:
    first, second = make({"q": "x"}, {"q": "y"})
    again = make({"q": "new"}, {"q": "y"}, {"q": "x"})
    assert first.id == again[2].id
    assert second.id == again[1].id
    assert first == again[2]
    assert make({"q": "x", "expect": "z"})[0].id != first.id


def test_ids_do_not_depend_on_the_order_of_keys() -> None:
    assert make({"a": 1, "b": 2})[0].id == make({"b": 2, "a": 1})[0].id
    assert make({"q": "x"})[0].id == "ee73c751ce55"  # is in databases: must never change


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@pytest.mark.slow
@given(st.dictionaries(TEXT, st.integers() | TEXT, max_size=3))
def test_a_digest_covers_all_of_a_case(variables: dict[str, object]) -> None:
    base = make({"id": "a", "vars": variables})[0]
    others = make(
        {"id": "b", "vars": variables},
        {"id": "c", "vars": {**variables, "extra": 1}},
        {"id": "d", "vars": variables, "expect": 0},
        {"id": "e", "vars": variables, "tags": ["t"]},
        {"id": "f", "vars": variables, "group": "g"},
    )
    assert len({base.digest, *(case.digest for case in others)}) == 6


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "c: there are no cases (add at least one row)"),
        ([{"id": "a"}, {"id": "b"}, {"id": "a"}],
         "c:3: the case id 'a' appears twice, first at c:1 (ids must be unique; rows without one"),
        ([{"id": 1}, {"id": "1"}], "c:2: the case id '1' appears twice, first at c:1"),
        ([{"q": 1}, {"q": 1}], "c:2: the case id '"),
        (["text"], "c:1: a case is a set of keys and values, not 'text' (fix this row)"),
        ([[1]], "c:1: a case is a set of keys and values, not a list"),
        ([{1: "x"}], "c:1: the keys of a case must be text, not 1 (put it in quotes)"),
        ([{"id": True}], "c:1: the id must be text or a whole number, not true (fix this row)"),
        ([{"id": 1.5}], "c:1: the id must be text or a whole number, not 1.5"),
        ([{"group": ["a"]}], "c:1: the group must be text or a whole number, not a list"),
        ([{"tags": 3}], "c:1: tags must be text, not 3"),
        ([{"tags": ["a", 3]}], "c:1: tags must be text, not a list"),
        ([{"vars": {"q": 1}, "expected": 2}],
         "c:1: unknown key 'expected' of a case (did you mean 'expect'?)"),
        ([{"q": datetime.date(2024, 1, 31)}],
         "c:1: q is a value of type date, which JSON cannot represent (use only text,"),
        ([{"id": "a", "q": float("nan")}], "c:1: q contains NaN, infinity or itself, which JSON"),
        ([{"id": "a", "expect": float("inf")}], "c:1: expect contains NaN, infinity or itself"),
        ([{"id": "a", "q": "x" * 5_000_000}],
         "c:1: case 'a' is 5.0 MB, more than 1 MB (give the model the part of the text that the"),
        ([{"id": "x" * 5_000_000}], "c:1: case 'xxxxx"),
        ([{"id": "a", "q": "x\0y"}], "c:1: case 'a' contains a NUL character (remove it)"),
        ([{"id": "a", "q": [{"x": "\0"}]}], "c:1: case 'a' contains a NUL character"),
        ([{"id": "a", "expect": "\\\0"}], "c:1: case 'a' contains a NUL character"),
        ([{"id": "a\0"}], "c:1: case 'a\\x00' contains a NUL character"),
        ([{"id": "a", "q": "\ud800"}], "c:1: case 'a' contains half of a surrogate pair (save"),
    ],
)  # fmt: skip
def test_what_is_not_a_case_is_reported(rows: list[object], message: str) -> None:
    error = mistake(*rows)
    assert error.startswith(message)
    assert "\n" not in error
    assert len(error) < 300


def test_nesting_beyond_reason_is_reported() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert mistake({"id": "a", "q": deep}).startswith("c:1: q is nested too deeply")


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "a\\", "\u2028", "💡"])
def test_text_that_only_looks_odd_is_kept(text: str) -> None:
    assert make({"q": text})[0].vars == {"q": text}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": "nr"}, "c:1: unknown column 'nr', named by columns.id (did you mean 'nrs'?)"),
        (
            {"expect": "zzz"},
            "c:1: unknown column 'zzz', named by columns.expect (known: nrs,",
        ),
        ({"label": "q"}, "c: unknown role in columns 'label' (known: expect, group, id, tags)"),
    ],
)
def test_a_missing_column_is_reported(columns: dict[str, str], message: str) -> None:
    assert mistake({"nrs": 1, "q": 2}, columns=columns).startswith(message)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.jsonl", '{"q": "x", "expect": "y"}'),
        ("c.json", '[{"q": "x", "expect": "y"}]'),
        ("c.csv", "q,expect\nx,y\n"),
        ("c.yaml", "- q: x\n  expect: y\n"),
        ("c.yaml", "- vars: {q: x}\n  expect: y\n"),
    ],
)
def test_a_case_is_the_same_in_every_format(write: Write, name: str, content: str) -> None:
    assert read_cases(write(name, content), name, {}) == make({"q": "x", "expect": "y"})


@pytest.mark.slow
def test_a_large_file_is_read(write: Write) -> None:
    rows = "\n".join(json.dumps({"q": number, "expect": 1}) for number in range(5000))
    cases = read_cases(write("c.jsonl", rows), "c.jsonl", {})
    assert len({case.id for case in cases}) == 5000


def test_the_digests_of_cases_are_what_they_were() -> None:
    # They are in databases: with others, a suite that was run would be measured again.
    row = {"id": "c1", "vars": {"b": [1, None], "a": "ä"}, "expect": "yes", "tags": ["t"]}
    [case] = make_cases([("f:1", {**row, "group": "g"})], "f", {})
    assert case.digest == "b2:6ba34ab3f17fbcef873d8bac5afc3516"
    assert with_params([case], {"p": 2})[0].digest == "b2:1b732d9852397d8e1433eb659b1fd206"
    [unnamed] = make_cases([("f:1", {"q": "1+1", "expect": 2})], "f", {})
    assert unnamed.id == "d7827debc097"
    assert unnamed.digest == "b2:96dc9ba94a4d2c5156c4da09d435536f"
