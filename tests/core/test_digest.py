from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.digest import (
    backend_digest,
    canonical_json,
    case_content,
    digest_bytes,
    digest_file,
    digest_json,
    digest_text,
    generation_key,
    id_of_content,
    imported_key,
    seed_from,
    source_version,
    template_digest,
    weighing_key,
)
from promptlab.core.messages import Image, Message, Sampling

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

MESSAGES = (
    Message("system", "Be brief."),
    Message("user", ("Look: ", Image("a.png", "image/png", "b2:1"))),
)


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical_json({"b": 1, "a": [True, None]}) == '{"a":[true,null],"b":1}'
    assert canonical_json({"b": 1, "a": 2}) == canonical_json({"a": 2, "b": 1})


def test_canonical_json_refuses_what_json_cannot_hold() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))


def test_digests_are_what_they_were() -> None:
    # These addresses are in databases: changing either line is a migration.
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
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert int(ended.stdout) == seed_from("holdout", 0, "ä")
    assert seed_from("a", 1) != seed_from("a", 2)


# These were computed by the version before there was a function for each of them, and are in
# databases: changing any is a migration.


def test_a_template_is_its_text_and_what_it_includes() -> None:
    source = "Greet {{ name }}: {% include '_a.j2' %}"
    assert template_digest(source, {"_a.j2": "ä"}) == "b2:4a3f5bf02b8306ef45aa1281bb99d39f"


def test_a_case_is_all_of_its_content() -> None:
    content = case_content({"b": [1, None], "a": "ä"}, "yes", ("t",), "g", "c1")
    assert digest_json(content) == "b2:6ba34ab3f17fbcef873d8bac5afc3516"


def test_a_case_without_an_id_is_known_by_the_rest() -> None:
    parts = ({"q": "1+1"}, 2, (), None)
    assert id_of_content(canonical_json(case_content(*parts))) == "d7827debc097"
    named = case_content(*parts, "d7827debc097")
    assert digest_json(named) == "b2:96dc9ba94a4d2c5156c4da09d435536f"


def test_a_backend_is_what_its_answers_depend_on() -> None:
    identity = {"kind": "echo", "model": "tiny"}
    assert backend_digest(identity) == "b2:20f938c274e7b4ca3521063518299d42"


def test_a_call_is_all_that_can_change_its_answer() -> None:
    sampling = Sampling(temperature=0.7, max_tokens=8, stop=("\n",), seed=3)
    free = generation_key("b2:0", MESSAGES, sampling, None, 1)
    formed = generation_key("b2:0", MESSAGES, sampling, {"type": "object"}, 1)
    assert free == "b2:696eb2f4d99298f0545c6be94b5d9554"
    assert formed == "b2:4e5e9e0f6347532bab8d9523978916b7"


def test_a_call_that_weighs_is_the_prompt_and_the_answers() -> None:
    key = weighing_key("b2:0", MESSAGES, ("yes", "no"))
    assert key == "b2:ba8f8e29357bb29ce0afebb20e5dc52d"


def test_an_imported_answer_is_what_was_measured_and_no_call() -> None:
    key = imported_key(("s", "t", "v1", "b", "b2:1"), 0, (12, None, 0.5))
    assert key == "b2:b048e2313d0761b5f6573f513e32b1ac"


def test_a_scorer_without_a_version_is_its_source() -> None:
    version = source_version("def mine(sample):\n    return True\n")
    assert version == "b2:41577a3689fa9283a440aa0531dc42d9"
