from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.digest import canonical_json, case_json
from promptlab.core.documents import parse_json
from promptlab.core.numbers import (
    SpelledFloat,
    SpelledInt,
    holds_spelled,
    read_float,
    read_int,
    respelled,
)
from promptlab.core.yamlfile import parse_yaml

ODD = ["3.10", "1e3", "1E5", "1e+3", "-0", "-0.50", "12.0e-1", "0.10000000000000000000001"]
PLAIN = ["3", "-7", "0", "3.5", "-0.0", "1e+16", "1.0", "123456789012345678901234567890"]


@pytest.mark.parametrize("text", ODD)
def test_a_number_is_written_as_it_was(text: str) -> None:
    for value in (parse_json(text, "c.json"), parse_yaml(text, "c.yaml").data):
        assert isinstance(value, (int, float))
        assert value == json.loads(text)
        for written in (str(value), repr(value), f"{value}", "%s" % value, case_json(value)):  # noqa: UP031
            assert written == text
        for copied in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
            assert (type(copied), str(copied)) == (type(value), text)


@pytest.mark.parametrize("text", PLAIN)
def test_a_number_that_is_written_as_python_does_is_a_plain_one(text: str) -> None:
    for value in (parse_json(text, "c.json"), parse_yaml(text, "c.yaml").data):
        assert type(value) in (int, float)
        assert case_json(value) == canonical_json(value) == text


def test_a_spelled_number_counts_as_the_number_it_is() -> None:
    price = read_float("3.10")
    assert (price == 3.1, price + 1, f"{price:.1f}", hash(price)) == (True, 4.1, "3.1", hash(3.1))
    assert (read_int("-0") == 0, [10, 20][read_int("-0")]) == (True, 10)
    assert sorted([price, 3.05]) == [3.05, 3.1]
    assert json.dumps(price) == "3.1"  # who does not ask for the spelling gets the number


def test_json_keeps_spellings_at_any_depth_and_all_texts() -> None:
    value = parse_json('{"b": [1.50, {"a": "1.50"}], "a": "\ue0001e3\ue000"}', "c.json")
    assert case_json(value) == '{"a":"\ue0001e3\ue000","b":[1.50,{"a":"1.50"}]}'
    assert holds_spelled(value)
    assert not holds_spelled([1.5, {"a": 1}])


@pytest.mark.slow
@given(
    st.recursive(
        st.text() | st.sampled_from([*ODD, *PLAIN]).map(lambda text: parse_json(text, "c.json")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("a\ue000"), inner),
    )
)
def test_what_is_written_is_read_again(value: object) -> None:
    text = case_json(value)
    again = parse_json(text, "c.json")
    assert (again, case_json(again)) == (value, text)


def test_a_checked_copy_gets_its_spellings_back() -> None:
    odd = read_float("3.10")
    found = respelled([3.1, {"a": [3.1]}, True, 2.0], [odd, {"a": (odd,)}, read_int("-0"), odd])
    assert str(found) == "[3.10, {'a': [3.10]}, True, 2.0]"
    assert respelled([1], [1, 2]) == [1]


def test_numbers_with_a_tag_are_read_as_yaml_does() -> None:
    assert parse_yaml("[!!int '0x1f', !!float '3', !!int '3']", "c.yaml").data == [31, 3.0, 3]


@pytest.mark.parametrize("text", ["007", "1_000", "+5", "0x1f", "1.", "12:30", ".", "-"])
def test_what_json_does_not_take_for_a_number_is_text(text: str) -> None:
    assert parse_yaml(f"[{text}]", "c.yaml").data == [text]


def test_a_spelling_that_is_no_number_is_none() -> None:
    for kind in (SpelledInt, SpelledFloat):
        with pytest.raises(ValueError, match=r"could not convert|invalid literal"):
            kind("x")
