from __future__ import annotations

import asyncio
import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.digest import canonical_json
from promptlab.core.errors import PromptlabError
from promptlab.core.types import Case, Json, Outcome, Score, ScorerSpec
from promptlab.core.yamlfile import parse_yaml
from promptlab.scorers.binding import BoundScorer, bind
from promptlab.scorers.entries import Entry, parse_scorer_entry
from promptlab.scorers.sample import Sample

OWN = '''
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal
from pydantic import Field
from promptlab.scorers.decorator import scorer

if TYPE_CHECKING:
    from promptlab.scorers.sample import Sample


def plain(sample: "Sample", *, level: int = 1, words: tuple[str, ...] = (), loose=None) -> float:
    """Count words.

    Args:
        sample: ignored
        level: how many
            times over
    """
    return len(sample.output.split()) * level


def lax(sample, threshold: float = 0.5):
    return len(sample.output) > threshold


@scorer(version="7")
async def later(
    sample: "Sample", *, mode: Literal["a", "b"], share: Annotated[float, Field(le=1)] = 0
) -> bool:
    return sample.output == mode


@scorer(check=lambda *, low, high: _ordered(low, high))
def checked(sample: "Sample", *, low: int, high: int) -> bool:
    return low <= len(sample.output) <= high


def _ordered(low: int, high: int) -> None:
    if low > high:
        raise ValueError(f"low {low} is above high {high}")


def unreadable(sample: "Sample", *, other: "Sample") -> bool:
    return True


class Opaque:
    pass


def unfit(sample: "Sample", *, call: Opaque | None = None) -> bool:
    return True
'''


def case(expect: Json = None, case_id: str = "c1", **variables: Json) -> Case:
    return Case(case_id, variables, expect, (), None, "b2:0")


def score(bound: BoundScorer, output: str, one: Case) -> Score:
    return asyncio.run(bound.score(Sample(output, one, Outcome.OK)))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "own_scorers.py").write_text(OWN)
    return folder


@pytest.mark.parametrize(
    ("entry", "parsed"),
    [
        ("exact_match", Entry("exact_match", "exact_match", {})),
        ({"exact_match": None}, Entry("exact_match", "exact_match", {})),
        ({"exact_match": {}}, Entry("exact_match", "exact_match", {})),
        (
            {"exact_match": {"name": "strict", "target": "x"}},
            Entry("exact_match", "strict", {"target": "x"}),
        ),
        ("own.mod:attr", Entry("own.mod:attr", "attr", {})),
        (ScorerSpec("l", "n", "1", {"a": 1}), Entry("n", "l", {"a": 1})),
    ],
)
def test_reads_every_form_of_an_entry(entry: Any, parsed: Entry) -> None:
    assert parse_scorer_entry(entry) == parsed


@pytest.mark.parametrize(
    "entry",
    [{}, {"a": None, "b": None}, {"regex": "abc"}, {"regex": ["abc"]}, {1: {}}, None, 3, []],
)
def test_refuses_what_is_no_entry(entry: Any) -> None:
    with pytest.raises(PromptlabError, match="is not a scorer with its parameters") as caught:
        parse_scorer_entry(entry)
    assert "exact_match: {ignore_case: true}" in str(caught.value.hint)


@pytest.mark.parametrize("label", ["", "two words", None, 3, "-x"])
def test_refuses_a_bad_label(label: Any) -> None:
    with pytest.raises(PromptlabError, match="cannot be called"):
        parse_scorer_entry({"exact_match": {"name": label}})


def test_two_scorers_need_two_labels() -> None:
    with pytest.raises(PromptlabError, match="2 scorers are called 'exact_match'") as caught:
        bind(["exact_match", {"exact_match": {"ignore_case": True}}])
    assert caught.value.hint == "give each its own name, such as name: exact_match_2"
    named = bind(["exact_match", {"exact_match": {"name": "loose", "ignore_case": True}}])
    assert [bound.spec.label for bound in named] == ["exact_match", "loose"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("wat", "unknown scorer 'wat' (known: all_of, any_of, bleu, by_case,"),
        ("exact_mach", "unknown scorer 'exact_mach' (did you mean 'exact_match'?)"),
        (
            {"exact_match": {"ignorecase": True}},
            "scorer 'exact_match': unknown parameter 'ignorecase' (did you mean 'ignore_case'?)",
        ),
        (
            {"exact_match": {"ignore_case": "yes please"}},
            "scorer 'exact_match', parameter 'ignore_case': "
            "input should be a valid boolean, not 'yes please'",
        ),
        ({"exact_match": {"ignore_case": 1}}, "input should be a valid boolean, not 1"),
        (
            {"exact_match": {"name": "mine", "target": {"a": 1}}},
            "scorer 'mine', parameter 'target': must be str | int | float | list",
        ),
        ({"exact_match": {"target": True}}, "put true and false in quotes"),
        (
            {"exact_match": {"target": "{{ a b }}"}},
            "parameter 'target': '{{ a b }}' is not a valid",
        ),
        ({"exact_match": {"target": float("nan")}}, "has a parameter that is not JSON"),
        ({"exact_match": {"target": object()}}, "has a parameter that is not JSON"),
        ({"json_schema": {}}, "needs the parameter 'schema' (it is dict[str, Any]: a JSON Schema"),
    ],
)
def test_refuses_wrong_parameters(entry: Any, message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        bind([entry])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("nowhere_at_all:f", "cannot import 'nowhere_at_all:f'"),
        ("own_scorers:plane", "unknown attribute 'plane' of own_scorers (did you mean 'plain'?)"),
        ("own_scorers:OWN_CONSTANT", "unknown attribute"),
        ("own_scorers:TYPE_CHECKING", "is not a function but bool"),
        ({"own_scorers:plain": {"level": "1"}}, "scorer 'plain', parameter 'level': input should"),
        ({"own_scorers:plain": {"words": ["a", 1]}}, "parameter 'words': 1: input should be a val"),
        ({"own_scorers:plain": {"sample": 1}}, "scorer 'plain': unknown parameter 'sample'"),
        ("own_scorers:later", "scorer 'later' needs the parameter 'mode' (it is 'a' | 'b')"),
        ({"own_scorers:later": {"mode": "c"}}, "input should be 'a' or 'b', not 'c'"),
        ({"own_scorers:later": {"mode": "a", "share": 2}}, "less than or equal to 1, not 2"),
        ({"own_scorers:checked": {"low": 2, "high": 1}}, "scorer 'checked': low 2 is above high 1"),
        ({"own_scorers:unreadable": {"other": 1}}, "an annotation that cannot be read"),
        ("own_scorers:unfit", "parameter 'call' is annotated Opaque | None, which no value"),
    ],
)
def test_refuses_wrong_scorers_of_the_user(root: Path, entry: Any, message: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        bind([entry], root)
    assert message in str(caught.value)


def test_a_module_that_fails_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "broken_scorers.py").write_text("1 / 0\n")
    with pytest.raises(PromptlabError, match=r"'broken_scorers:f': .*division by zero"):
        bind(["broken_scorers:f"], tmp_path)


def test_the_users_own_functions(root: Path) -> None:
    bounds = bind(
        [
            {"own_scorers:plain": {"level": 2, "words": ["a"], "loose": {"any": ["thing"]}}},
            {"own_scorers:lax": {"threshold": 1}},
            {"own_scorers:later": {"mode": "b"}},
            {"own_scorers:checked": {"low": 1, "high": "{{ most }}"}},
        ],
        root,
    )
    assert [bound.spec.label for bound in bounds] == ["plain", "lax", "later", "checked"]
    assert bounds[0].spec.name == "own_scorers:plain"
    assert bounds[0].spec.version.startswith("b2:")
    assert [bound.spec.version for bound in bounds[2:]] == ["7", "1"]
    assert bounds[0].prepare(case())["words"] == ("a",)
    one = case(most=3)
    assert [score(bound, "b", one).value for bound in bounds] == [2.0, 0.0, 1.0, 1.0]


def test_an_edited_function_has_another_version(tmp_path: Path) -> None:
    versions = set()
    for number in (1, 2):
        name = f"edited_scorer_{number}"
        (tmp_path / f"{name}.py").write_text(f"def f(sample):\n    return {number}\n")
        [bound] = bind([f"{name}:f"], tmp_path)
        versions.add(bound.spec.version)
    assert len(versions) == 2


def test_parameters_are_filled_in_and_then_checked() -> None:
    [bound] = bind([{"contains": {"any": "{{ words }}", "not": ["{{ bad }}", "x"]}}])
    one = case(words=["a", 1], bad="b")
    assert bound.prepare(one) == {
        "any": ["a", 1],
        "all": None,
        "not_": ["b", "x"],
        "ignore_case": False,
    }
    assert score(bound, "a", one).passed
    with pytest.raises(PromptlabError) as caught:
        bound.prepare(case(words={"a": 1}, bad="b", case_id="c9"))
    assert str(caught.value).startswith(
        "scorer 'contains', parameter 'any', case 'c9': must be str | int | float | list"
    )


def test_parameters_are_checked_together_for_each_case(root: Path) -> None:
    [bound] = bind([{"own_scorers:checked": {"name": "size", "low": 2, "high": "{{ n }}"}}], root)
    bound.prepare(case(n=2))
    with pytest.raises(PromptlabError, match="scorer 'size', case 'c1': low 2 is above high 1"):
        bound.prepare(case(n=1))


@pytest.mark.parametrize(
    ("entry", "one", "message"),
    [
        ("exact_match", case(), "parameter 'target', case 'c1': the case has no `expect` (give"),
        ({"exact_match": {"target": "{{ x }}"}}, case(y=1), "'x' is undefined (known here: y, exp"),
        ("exact_match", case(expect={"a": 1}), "must be str | int | float | list"),
        ("exact_match", case(expect=[True]), "must be str | int | float | list"),
        (
            {"exact_match": {"target": "{{ [cycler] }}"}},
            case(),
            "is not a JSON value",
        ),
        ({"exact_match": {"target": "{{ [x] }}"}}, case(), "is not a JSON value"),
    ],
)
def test_a_case_that_does_not_fit_is_reported_before_any_call(
    entry: Any, one: Case, message: str
) -> None:
    [bound] = bind([entry])
    with pytest.raises(PromptlabError) as caught:
        bound.prepare(one)
    assert message in str(caught.value)
    failed = score(bound, "x", one)
    assert failed.value is None
    assert message in str(failed.error)


def test_a_stored_scorer_binds_again() -> None:
    [bound] = bind([{"regex": {"name": "digits", "pattern": r"\d+"}}])
    libraries = {"libraries": {"regex": version("regex")}}
    assert bound.spec == ScorerSpec(
        "digits", "regex", "2", {"pattern": r"\d+"}, identity=canonical_json(libraries)
    )
    [again] = bind([bound.spec])
    assert again.spec == bound.spec
    assert score(again, "42", case()).passed


def test_a_date_of_yaml_is_text() -> None:
    [bound] = bind([{"exact_match": {"target": datetime.date(2024, 1, 2)}}])
    assert bound.spec.params == {"target": "2024-01-02"}
    assert score(bound, "2024-01-02", case()).passed


SUITE = """\
scorers:
  - exact_match
  - length:
      unit: words
      max: MAX
  - label:
      labels:
        - LABEL
        - b
      target: "{{ expect }}"
  - contains: {any: x}
"""


def read(suite: str) -> tuple[BoundScorer, ...]:
    """Bind the scorers of a suite, and prepare a case that fits them as they were."""
    document = parse_yaml(suite.replace("MAX", "3").replace("LABEL", "a"), "s.yaml")
    assert isinstance(document.data, dict)
    bound = bind(document.data["scorers"], where=lambda path: document.where(("scorers", *path)))
    for scorer in bound:
        scorer.prepare(Case("c1", {}, "a", (), None, "b2:0"))
    return bound


@pytest.mark.parametrize(
    ("was", "now", "place"),
    [
        ("MAX", "many", "5: scorers.1.length.max"),
        ("max: MAX", "maks: 3", "5: scorers.1.length.maks"),
        ("max: MAX", "min: 3\n      max: 2", "3: scorers.1.length"),
        ("max: MAX", "max: 3\n      name: a b", "3: scorers.1"),
        ("LABEL", "[a]", "8: scorers.2.label.labels.0"),
        ("- LABEL", "- a\n        - a", "6: scorers.2.label"),
        ("labels:", "label:", "7: scorers.2.label.label"),
        ("any: x", "", "11: scorers.3.contains"),
        ("contains: {any: x}", "exact_match", "11: scorers.3"),
        ("contains: {any: x}", "contents", "11: scorers.3"),
        ("contains: {any: x}", "contents: {any: x}", "11: scorers.3.contents"),
        ("contains: {any: x}", "3", "11: scorers.3"),
    ],
)
def test_a_mistake_is_told_at_its_own_line(was: str, now: str, place: str) -> None:
    with pytest.raises(PromptlabError) as caught:
        read(SUITE.replace(was, now))
    assert caught.value.where == f"s.yaml:{place}"


def test_a_mistake_in_one_case_is_told_at_the_line_of_its_parameter() -> None:
    bound = read(SUITE)
    for expect, place in ((True, "10: scorers.2.label.target"), ("c", "6: scorers.2.label")):
        with pytest.raises(PromptlabError) as caught:
            bound[2].prepare(Case("c1", {}, expect, (), None, "b2:0"))
        assert caught.value.where == f"s.yaml:{place}"
