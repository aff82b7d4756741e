from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.core.yaml_edit import with_key, without_key
from promptlab.core.yamlfile import parse_yaml

FILE = """\
# What this version tries.
description: "Names the labels."  # and no more
parent: v1  # the first
# The practices that it follows.
practices: [clear, "no-hedging", 007]
labels:
  - yes
  - 12:30
notes: |
  Two lines,
    as they stand.
nothing:
none: null
"""


def test_a_key_is_set_and_all_else_is_as_it_was() -> None:
    assert with_key(FILE, "f", "parent", "v2") == FILE.replace("parent: v1", "parent: v2")


def test_a_new_key_comes_last_or_first() -> None:
    assert with_key(FILE, "f", "best", "v2") == f"{FILE}best: v2\n"
    first = with_key(FILE, "f", "best", "v2", first=True)
    assert first == FILE.replace("description:", "best: v2\ndescription:")


def test_a_value_keeps_the_quotes_that_it_had() -> None:
    text = "a: 'v1'\nb: \"v1\"\n"
    assert with_key(text, "f", "a", "v2") == "a: 'v2'\nb: \"v1\"\n"
    assert with_key(text, "f", "b", "v2") == "a: 'v1'\nb: \"v2\"\n"


@pytest.mark.parametrize("value", ["3", "true", "null", "1.5"])
def test_a_text_that_looks_like_something_else_is_quoted(value: str) -> None:
    for text in ("", "# mine\n", "other: v1\n", f"best: {value}\n"):
        edited = with_key(text, "f", "best", value)
        assert parse_yaml(edited, "f").data == {**_data(text), "best": value}


@pytest.mark.parametrize("text", ["", "\n", "# mine\n", "# mine"])
def test_a_file_without_keys_gets_its_first(text: str) -> None:
    mine = "# mine\n" if "#" in text else ""
    assert with_key(text, "f", "best", "v2") == f"{mine}best: v2\n"


def test_lines_end_as_they_did() -> None:
    text = "a: v1\r\nb: v1\r\n"
    assert with_key(text, "f", "b", "v2") == "a: v1\r\nb: v2\r\n"
    assert with_key("a: v1", "f", "b", "v2") == "a: v1\nb: v2\n"


@pytest.mark.parametrize("text", ["- best\n", "best\n", "a: 1: 2\n", "a: v1\na: v2\n"])
def test_what_is_not_a_mapping_is_left_alone(text: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        with_key(text, "f.yaml", "best", "v2")
    assert str(caught.value) == (
        "f.yaml: has no `key: value` lines to add to (write 'best: v2' there)"
    )


def test_a_key_is_taken_out_with_its_line() -> None:
    assert without_key(FILE, "f", "parent") == FILE.replace("parent: v1  # the first\n", "")
    assert without_key(FILE, "f", "unknown") == FILE
    assert without_key("parent: v1\n", "f", "parent") == ""
    with pytest.raises(PromptlabError, match="has no line of its own"):
        without_key("{parent: v1, notes: x}\n", "f", "parent")


plain = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)


@pytest.mark.slow
@given(st.dictionaries(plain, plain, max_size=5), plain, plain, st.booleans())
def test_an_edit_changes_nothing_but_the_key(
    data: dict[str, str], key: str, value: str, first: bool
) -> None:
    text = "".join(f"{name}: {value!r}\n" for name, value in data.items())
    if key in ("null", "true", "false"):
        return  # not text to our reader, and not a key that we would write
    assert _data(with_key(text, "f", key, value, first=first)) == {**_data(text), key: value}


def _data(text: str) -> dict[str, object]:
    data = parse_yaml(text, "f").data
    assert data is None or isinstance(data, dict)
    return data or {}
