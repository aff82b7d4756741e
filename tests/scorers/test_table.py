from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.scorers.binding import bind
from promptlab.scorers.decorator import Scorer, scorer
from promptlab.scorers.registry import describe, get_scorer, scorer_names
from promptlab.scorers.signature import REQUIRED, parameters_of, summary_of

BUILT_IN = [
    "all_of", "any_of", "bleu", "by_case", "chrf", "code", "contains", "decision", "exact_match",
    "f1", "format", "instructions", "json_schema", "label", "length", "loglikelihood",
    "mean_logprob", "not", "numeric", "pairwise", "perplexity", "readability", "regex", "rouge",
    "rubric", "semantic", "similarity", "squad_exact", "ter", "weighted",
]  # fmt: skip


def test_names_what_is_built_in() -> None:
    assert [name for name in scorer_names() if get_scorer(name).built_in] == BUILT_IN


def test_every_built_in_scorer_explains_itself() -> None:
    for name in BUILT_IN:
        description = describe(get_scorer(name))
        assert description.name == name
        assert description.summary.endswith(".")
        for parameter in description.parameters:
            assert parameter.help, f"{name}: {parameter.name}"
            assert "Annotated" not in parameter.type_text


def test_describes_parameters() -> None:
    [labels, target, ignore_case] = describe(get_scorer("label")).parameters
    assert (labels.name, labels.type_text, labels.required) == ("labels", "list[str | int]", True)
    assert (target.type_text, target.default) == ("str | int", "{{ expect }}")
    assert (ignore_case.required, ignore_case.default) == (False, True)
    [unit, least, _] = describe(get_scorer("length")).parameters
    assert unit.type_text == "'words' | 'sentences' | 'characters'"
    assert (least.name, least.key, least.type_text) == ("min", "min", "int | None")
    words = {parameter.name: parameter for parameter in describe(get_scorer("contains")).parameters}
    assert words["not"].key == "not_"
    assert words["not"].help == "texts of which none may be there"


def test_reads_help_over_several_lines_and_stops_after_the_arguments() -> None:
    def mine(sample, *, one=1, two, three=None):  # type: ignore[no-untyped-def]
        """Pass.

        Args:
            one: the first
                of them
            two: the second

        Returns:
            three: not a parameter
        """

    [one, two, three] = parameters_of(mine)
    assert (one.help, two.help, three.help) == ("the first of them", "the second", "")
    assert one.type_text == "object"
    assert two.default is REQUIRED
    assert summary_of(mine) == "Pass."
    assert summary_of(lambda sample: True) == ""


def _none() -> bool:
    return True


def _keywords(*, sample: object) -> bool:
    return True


def _named(sample: object, *, name: str) -> bool:
    return True


@pytest.mark.parametrize("function", [_none, _keywords, _named, dict])
def test_refuses_functions_of_another_shape(function: object) -> None:
    assert callable(function)
    with pytest.raises(PromptlabError, match="cannot be a scorer: it must take a sample"):
        parameters_of(function)


def test_the_decorator_leaves_the_function_alone_and_out_of_the_table() -> None:
    @scorer(version="99")
    def exact_match(sample: object) -> bool:
        return True

    assert exact_match(None) is True
    assert get_scorer("exact_match").function is not exact_match
    assert get_scorer("exact_match").version != "99"


def test_a_function_without_source_has_a_version() -> None:
    assert get_scorer("builtins:len") == Scorer("builtins:len", "1", len)


def test_finds_scorers_of_other_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other_scorers.py").write_text("def shiny(sample):\n    return 0.5\n")
    info = tmp_path / "other_scorers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-scorers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[promptlab.scorers]\nshiny = other_scorers:shiny\nrusty = other_scorers:rusty\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert scorer_names() == [*BUILT_IN, "rusty", "shiny"]
    [bound] = bind(["shiny"])
    assert (bound.spec.name, bound.spec.label) == ("shiny", "shiny")
    assert inspect.getsource(bound.scorer.function).startswith("def shiny")
    with pytest.raises(PromptlabError, match="cannot load the plugin 'rusty'"):
        get_scorer("rusty")


@pytest.mark.slow
def test_the_table_is_light_to_load() -> None:
    code = (
        "import sys; from promptlab.scorers.registry import scorer_names; scorer_names();"
        "print([m for m in ('jsonschema', 'referencing', 'lingua', 'httpx', 'sqlite3', 'torch',"
        " 'rich', 'click', 'nltk', 'rouge_score', 'sacrebleu', 'rapidfuzz', 'textstat')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
