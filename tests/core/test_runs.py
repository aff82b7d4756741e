from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.messages import Json
from promptlab.core.runs import BackendFacts, RunSettings

ALL = RunSettings(
    templates=("mood@v2",),
    backends=("echo",),
    limit=3,
    case_ids=("a",),
    tags=("hard",),
    split="dev",
    repeats=2,
    seed=0,
    params=(("tone", "dry"),),
    gates=("exact_match >= 0.5",),
    executor="mine:pool",
    offline=True,
    jobs=4,
    max_cost=0.0,
    max_calls=9,
    until_decided=True,
    baseline="mood@v1",
    imported="o.csv",
)


def stored(value: dict[str, Json]) -> dict[str, Json]:
    """Return a value as it comes back from the database."""
    loaded: dict[str, Json] = json.loads(json.dumps(value))
    return loaded


def test_settings_come_back_equal() -> None:
    assert RunSettings.from_json(stored(ALL.to_json())) == ALL


def test_settings_are_stored_as_the_versions_before_did() -> None:
    assert RunSettings().to_json() == {}
    settings = RunSettings(limit=2, templates=("a",), params=(("k", "v"),), max_cost=0.0)
    assert stored(settings.to_json()) == {
        "templates": ["a"], "limit": 2, "params": [["k", "v"]], "max_cost": 0.0,
    }  # fmt: skip


def test_settings_of_a_newer_version_are_kept() -> None:
    newer: dict[str, Json] = {"limit": 2, "reduce": ["median"]}
    settings = RunSettings.from_json(newer)
    assert (settings.limit, settings.further) == (2, {"reduce": ["median"]})
    assert settings.to_json() == newer


def test_facts_come_back_equal() -> None:
    facts: dict[str, Json] = {
        "revision": "abc", "weights": "hub", "device": "cpu", "not_honoured": ["seed is ignored"],
    }  # fmt: skip
    loaded = BackendFacts.from_json(facts)
    assert (loaded.weights, loaded.not_honoured) == ("hub", ("seed is ignored",))
    assert loaded.details == {"revision": "abc", "device": "cpu"}
    assert loaded.to_json() == facts


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text()))
def test_facts_that_nobody_knows_are_kept_as_they_stand(facts: dict[str, Json]) -> None:
    unknown = {name: facts[name] for name in facts.keys() - {"weights", "not_honoured"}}
    assert BackendFacts.from_json(unknown).to_json() == unknown


def test_facts_that_cannot_be_read_are_none() -> None:
    assert BackendFacts.from_json("unreadable") == BackendFacts()
    assert BackendFacts.from_json({"not_honoured": "seed"}) == BackendFacts()
