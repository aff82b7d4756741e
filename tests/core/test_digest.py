from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.digest import (
    canonical_json,
    digest_bytes,
    digest_file,
    digest_json,
    digest_text,
    seed_from,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical_json({"b": 1, "a": [True, None]}) == '{"a":[true,null],"b":1}'
    assert canonical_json({"b": 1, "a": 2}) == canonical_json({"a": 2, "b": 1})


def test_canonical_json_refuses_what_json_cannot_hold() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))


def test_digests_are_what_they_were() -> None:
    # These addresses stand in databases: a change of either line is a migration.
    assert digest_text("a") == "b2:27c35e6e9373877f29e562464e46497e"
    assert digest_json({"a": [1, "ä"]}) == "b2:8dad487c569a5a0c2db46010f956a995"


@given(JSON, JSON)
def test_two_values_share_a_digest_only_when_they_are_one(a: object, b: object) -> None:
    assert (digest_json(a) == digest_json(b)) == (canonical_json(a) == canonical_json(b))


def test_bytes_files_and_text_of_the_same_content_share_a_digest(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes("ä".encode())
    assert digest_file(path) == digest_bytes("ä".encode()) == digest_text("ä")


@given(st.lists(st.integers() | st.text(), min_size=1))
def test_a_seed_has_31_bits(parts: list[int | str]) -> None:
    assert 0 <= seed_from(*parts) < 2**31


def test_a_seed_is_the_same_in_every_process() -> None:
    code = "from promptlab.core.digest import seed_from; print(seed_from('holdout', 0, 'ä'))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert int(said.stdout) == seed_from("holdout", 0, "ä")
    assert seed_from("a", 1) != seed_from("a", 2)
