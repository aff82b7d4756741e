from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from promptlab.core.errors import PromptlabError
from promptlab.core.yamlfile import check, parse_yaml


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    depth: int = 0


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    inner: Inner = Inner()
    rows: str | tuple[dict[str, Any], ...] = ()
    kinds: tuple[Inner, ...] = ()


def mistake(text: str, **options: int) -> str:
    with pytest.raises(PromptlabError) as caught:
        check(Model, parse_yaml(text, "a.yaml", **options))
    return str(caught.value)


@pytest.mark.parametrize(
    "word",
    ["yes", "no", "on", "off", "y", "2024-01-31", "12:30", "007", "1_000", "0x1f", "=", "+4"],
)
def test_words_that_yaml_would_turn_into_something_else_stay_text(word: str) -> None:
    assert parse_yaml(f"[{word}]", "a.yaml").data == [word]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0", 0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("'3'", "3"),
    ],
)
def test_plain_values_are_read_as_json_would(text: str, value: object) -> None:
    data = parse_yaml(f"[{text}]", "a.yaml").data
    assert data == [value]
    assert isinstance(data, list)
    assert isinstance(data[0], type(value))


def test_an_empty_value_is_null_and_an_empty_document_is_none() -> None:
    assert parse_yaml("a:\n", "a.yaml").data == {"a": None}
    assert parse_yaml("# nothing\n", "a.yaml").data is None


def test_every_value_knows_its_line() -> None:
    document = parse_yaml("a: 1\nb:\n  - c\n  - d: 2\n", "a.yaml")
    assert document.where(("b", 1, "d")) == "a.yaml:4: b.1.d"
    assert document.where(("b", 1, "missing")) == "a.yaml:4: b.1.missing"
    assert document.where() == "a.yaml:1"
    assert parse_yaml("a: 1", "a.j2", first_line=5).where(("a",)) == "a.j2:5: a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "a.yaml:1: bad YAML: mapping values are not allowed in this context"),
        ("a: 1\n\tb: 2", "a.yaml:2: bad YAML: found a tab character that violates indentation"),
        ("a: [1", "a.yaml:2: bad YAML: did not find expected ',' or ']'"),
        ("a: *b", "a.yaml:1: bad YAML: found undefined alias"),
        ("a: !thing x", "a.yaml:1: bad YAML: could not determine a constructor"),
        ("a: 1\n---\nb: 1", "a.yaml:2: bad YAML: expected a single document in the stream, but"),
        ("a: \0", "a.yaml: bad YAML: control characters are not allowed"),
        ("a: !!int x", "a.yaml: bad YAML: a value does not fit its type"),
        ("a: !!bool maybe", "a.yaml: bad YAML: a value does not fit its type"),
        ("a: !!float", "a.yaml: bad YAML: a value does not fit its type"),
        ("a: !!timestamp x", "a.yaml: bad YAML: a value does not fit its type"),
        ("[" * 5000 + "]" * 5000, "a.yaml:1: bad YAML: nested too deeply (use at most"),
        ("? [a]\n: 1", "a.yaml:1: bad YAML: found unhashable key"),
        ("a: 1\nb: 2\na: 3", "a.yaml:3: a: the key 'a' appears twice (keep one of them)"),
        ("x:\n  - {b: 1, b: 2}", "a.yaml:2: x.0.b: the key 'b' appears twice"),
    ],
)
def test_bad_yaml_is_reported_with_its_line(text: str, message: str) -> None:
    assert mistake(text).startswith(message)


def test_a_merge_key_may_stand_twice() -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, <<: *a, y: 2}"
    assert parse_yaml(text, "a.yaml").data == {"a": {"x": 1}, "b": {"x": 1, "y": 2}}


def multiplied(levels: int, times: int = 9) -> str:
    """Return lists of aliases of lists: `times` to the power of `levels` values in a few lines."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{f'*a{n - 1},' * times}]" for n in range(1, levels + 1)]
    return "\n".join(lines)


def test_aliases_that_stand_for_few_values_are_read() -> None:
    document = parse_yaml(multiplied(3), "a.yaml")
    assert isinstance(document.data, dict)
    assert document.data["a3"][8][8][8] == ["x"]
    assert document.where(("a2", 1)) == "a.yaml:2: a2.1"
    assert len(document.lines) < 60  # what an alias stands for has its lines where it is written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (multiplied(9), "a.yaml:6: bad YAML: its aliases stand for too many values (write the"),
        (multiplied(1, 200_000), "a.yaml:2: bad YAML: its aliases stand for too many values"),
        (
            "t: &t " + "x" * 100_000 + "\nu: [" + "*t," * 1000 + "]",
            "a.yaml:2: bad YAML: its aliases stand for too many values",
        ),
        ("- &a [b, *a]", "a.yaml:1: bad YAML: 'a' contains itself (write the values out"),
        ("a: 1\nb: &b\n  c: {d: *b}", "a.yaml:3: bad YAML: 'b' contains itself"),
        ("a: &a {<<: *a}", "a.yaml:1: bad YAML: 'a' contains itself"),
        ("- *b\n- &b 1", "a.yaml:1: bad YAML: found undefined alias"),
        (
            "\n".join(["- &a0 []", *(f"- &a{n} [*a{n - 1}]" for n in range(1, 120))]),
            "a.yaml:100: bad YAML: nested too deeply",
        ),
        ("- " * 5000 + "x", "a.yaml:1: bad YAML: nested too deeply"),
        ("{a: " * 200_000, "a.yaml:1: bad YAML: nested too deeply"),
    ],
)
def test_a_document_that_would_outgrow_its_text_is_refused(text: str, message: str) -> None:
    assert mistake(text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nmae: x", "a.yaml:1: nmae: unknown key 'nmae' (did you mean 'name'?)"),
        ("name: x\ninner:\n  dept: 1", "a.yaml:3: inner.dept: unknown key 'dept' (did you mean"),
        ("name: x\nkinds: [{z: 1}]", "a.yaml:2: kinds.0.z: unknown key 'z'"),
        ("", "a.yaml: name: the key 'name' is missing (add it)"),
        ("inner: {}", "a.yaml:1: name: the key 'name' is missing (add it)"),
        ("- a", "a.yaml:1: expected keys and values, found a list (write `key: value` lines)"),
        ("name: 3", "a.yaml:1: name: expected text, found 3 (put it in quotes)"),
        ("name: true", "a.yaml:1: name: expected text, found true (put it in quotes)"),
        ("name: [a]", "a.yaml:1: name: expected text, found a list (fix this value)"),
        ("name: x\ninner: {depth: deep}", "a.yaml:2: inner.depth: expected a whole number, found"),
        ("name: x\ninner: 3", "a.yaml:2: inner: expected keys and values, found 3"),
        ("name: x\nrows: 3", "a.yaml:2: rows: expected text or a list, found 3"),
        ("name: x\nrows:\n - {}\n - 3", "a.yaml:4: rows.1: expected keys and values, found 3"),
    ],
)
def test_a_mistake_is_reported_with_file_line_and_key_path(text: str, message: str) -> None:
    assert mistake(text).startswith(message)


def test_lines_count_from_where_the_document_starts() -> None:
    assert mistake("name: 3", first_line=2).startswith("a.yaml:2: name")
