"""By what a scorer is known beside its version and parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.types import ScorerSpec
from promptlab.scorers.binding import bind
from promptlab.scorers.identity import same_grading

OWN = """\
from helper_of_identity import WORD
from promptlab.scorers.decorator import scorer

def plain(sample):
    return WORD in sample.output

@scorer(libraries=["regex", "absent-one"])
def made(sample):
    return WORD in sample.output
"""


def identity(entry: str | dict[str, Any], root: Path | None = None) -> Any:
    [one] = bind([entry], root)
    return json.loads(one.spec.identity or "null")


def test_ours_are_known_by_their_libraries_alone() -> None:
    assert identity("mean_logprob") == {}
    assert identity("exact_match") == {"libraries": {"regex": version("regex")}}
    found = identity({"json_schema": {"schema": {}}})
    assert found == {"libraries": {n: version(n) for n in ("jsonschema", "regex")}}


def test_the_users_own_are_known_by_their_source_too(
    project: Path, write: Callable[[str, str], Path]
) -> None:
    write("scorer_of_identity.py", OWN)
    write("helper_of_identity.py", "WORD = 'x'\n")
    plain = identity("scorer_of_identity:plain", project)
    assert sorted(plain["source"]) == ["helper_of_identity.py", "scorer_of_identity.py"]
    made = identity("scorer_of_identity:made", project)
    assert made == {**plain, "libraries": {"regex": version("regex")}}
    write("helper_of_identity.py", "WORD = 'y'\n")
    assert identity("scorer_of_identity:plain", project) != plain


SPEC = ScorerSpec("tone", "mine:tone", "1", {"level": 3}, identity="{}")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"label": "other"}, True),
        ({"version": "2"}, False),
        ({"params": {"level": 4}}, False),
        ({"identity": '{"source":{}}'}, False),
        ({"identity": None}, True),
        ({"identity": None, "version": "2"}, False),
    ],
)
def test_what_is_known_of_two_gradings_must_be_the_same(change: dict[str, Any], same: bool) -> None:
    assert same_grading(SPEC, replace(SPEC, **change)) is same_grading(
        replace(SPEC, **change), SPEC
    )
    assert same_grading(SPEC, replace(SPEC, **change)) is same
