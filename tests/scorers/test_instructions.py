"""The verifiable instructions, by examples and against the package if-verifiable."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import nltk
import pytest

from promptlab.core.errors import PromptlabError
from promptlab.scorers.instructions import every
from promptlab.scorers.instructions.checks import forms
from tests.scorers.answers import ANSWERS, EVERY_KIND, OTHER_BOUNDS
from tests.scorers.conftest import Grade

LIGHT = [
    pytest.param(*each, id=each[0])
    for each in EVERY_KIND
    if "language" not in each[0] and "english" not in each[0]
]


def test_there_are_25_kinds_and_40_answers() -> None:
    kinds = every.kinds_of_ifeval()
    assert sorted(kinds) == sorted(name for name, _ in EVERY_KIND)
    assert len(kinds) == 25
    assert len(ANSWERS) == len(set(ANSWERS)) == 40


@pytest.mark.parametrize(("name", "arguments"), LIGHT)
@pytest.mark.slow
def test_every_kind_is_followed_by_some_answers_and_not_by_others(
    grade: Grade, name: str, arguments: dict[str, Any]
) -> None:
    of = [{"id": name, **arguments}]
    strict = {grade("instructions", answer, of=of).passed for answer in ANSWERS}
    assert strict == {True, False}
    for answer in ANSWERS:
        if grade("instructions", answer, of=of).passed:
            assert grade("instructions", answer, of=of, mode="loose").passed


def test_reads_the_form_of_published_data(grade: Grade) -> None:
    case: dict[str, Any] = {
        "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
        "kwargs": [
            {"num_words": None, "relation": None},
            {"num_words": 3, "relation": "at least"},
        ],
    }
    asked = {"ids": "{{ instruction_id_list }}", "kwargs": "{{ kwargs }}"}
    assert grade("instructions", "one two three", case=case, **asked).passed is True
    score = grade("instructions", "one, two", case=case, **asked)
    broken = "does not follow punctuation:no_comma, length_constraints:number_words"
    assert (score.passed, score.reason) == (False, broken)
    share = grade("instructions", "one two", case=case, count="share", **asked)
    assert (share.value, share.passed) == (0.5, None)


def test_loose_forgives_what_is_around_the_answer(grade: Grade) -> None:
    of = [{"id": "startend:quotation"}]
    wrapped = 'Here you are:\n"The *answer* itself."\nHope it helps!'
    assert grade("instructions", wrapped, of=of).passed is False
    assert grade("instructions", wrapped, of=of, mode="loose").passed is True
    assert forms("a*\nb\nc") == ["a*\nb\nc", "b\nc", "a*\nb", "b", "a\nb\nc", "b\nc", "a\nb", "b"]


def test_an_empty_output_follows_nothing_and_says_so(grade: Grade) -> None:
    score = grade("instructions", " \n", of=[{"id": "punctuation:no_comma"}])
    assert (score.passed, score.gradable, score.reason) == (False, False, "the output is empty")


@pytest.mark.slow
def test_what_cannot_be_told_is_no_failure_unless_something_else_is_broken(grade: Grade) -> None:
    of: list[dict[str, Any]] = [{"id": "language:response_language", "language": "en"}]
    score = grade("instructions", "1, 2, 3", of=of)
    assert (score.value, score.gradable) == (None, False)
    assert "cannot be told whether the output follows language" in str(score.error)
    both = grade("instructions", "1, 2, 3", of=[*of, {"id": "punctuation:no_comma"}])
    assert both.passed is False


@pytest.mark.slow
def test_languages_that_only_their_script_tells(grade: Grade) -> None:
    of = [{"id": "language:response_language", "language": "kn"}]
    assert grade("instructions", "ನಮಸ್ಕಾರ, ಹೇಗಿದ್ದೀರಿ?", of=of).passed is True
    assert grade("instructions", "Good morning to all of you.", of=of).passed is False


@pytest.mark.parametrize("piece", ["[", "<<", "*", "a*", "[a] ", "p.", "Section ", "...A", "'"])
@pytest.mark.slow
def test_no_answer_takes_long(grade: Grade, piece: str) -> None:
    of = [
        {"id": name, **arguments}
        for name, arguments in EVERY_KIND
        if "language" not in name and "english" not in name
    ]
    score = grade("instructions", piece * 100_000, of=of, mode="loose", count="share")
    assert score.value is not None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "either 'of' or 'ids' must be given"),
        ({"of": []}, "there must be an instruction"),
        ({"of": [{"keywords": ["a"]}]}, "must have an 'id'"),
        ({"of": [{"id": "keywords:existance"}]}, "did you mean 'keywords:existence'"),
        ({"of": [{"id": "keywords:existence"}]}, "keywords:existence needs 'keywords'"),
        ({"of": [{"id": "punctuation:no_comma", "comma": 1}]}, "takes no 'comma'"),
        (
            {
                "of": [
                    {"id": "keywords:frequency", "keyword": "a", "frequency": 1, "relation": "=="}
                ]
            },
            "'less than' or 'at least'",
        ),
        (
            {"of": [{"id": "language:response_language", "language": "ne"}]},
            "unknown language 'ne'",
        ),
        ({"ids": ["punctuation:no_comma"], "kwargs": []}, "one item for each of 'ids'"),
    ],
)
def test_refuses_what_it_cannot_verify(grade: Grade, params: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptlabError) as error:
        grade("instructions", "x", **params)
    assert message in f"{error.value} {error.value.hint}"


# Against if-verifiable. It tells languages by langdetect, we by lingua; it counts sentences by
# Punkt, to which neither the end of a line nor an item of a list is the end of one.
def _disagreements() -> dict[tuple[str, str], list[str]]:
    """Return, for each instruction on which we differ, the beginnings of the answers."""
    sentences = "length_constraints:number_sentences"
    language = "language:response_language"
    lists = ["* one", "- milk", "  * set in"]
    return {
        (language, "en"): ['{"name"', "```json", "```\n[1", "I like dogs.\n\nP.S. I", "SECTION"],
        (language, "fr"): ["```\n[1", "<<>>", "The first answer", "The same", "******", "SECTION"],
        (sentences, "at least"): [*lists, "Dear", "one paragraph", "Sure!"],
        (sentences, "less than"): [*lists, "<<A walk", "***\nfirst", "'Then'"],
    }


@pytest.fixture(scope="module")
def oracle() -> Callable[[str, dict[str, Any], str], tuple[bool, bool]]:
    pytest.importorskip("langdetect").DetectorFactory.seed = 0
    pytest.importorskip("immutabledict")
    patch = pytest.MonkeyPatch()
    # It imports what downloads the data set, and loads a model of sentences that nltk has not:
    # untrained, that model knows no abbreviations, of which the answers have none.
    patch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=None))
    punkt = importlib.import_module("nltk.tokenize.punkt").PunktSentenceTokenizer
    patch.setattr(nltk.data, "load", lambda *_: punkt())
    patch.setattr(nltk.tokenize, "_get_punkt_tokenizer", lambda *_: punkt())
    evaluate = importlib.import_module("if_verifiable.common").evaluate_instructions
    known = importlib.import_module("if_verifiable.ifeval.instructions_registry").INSTRUCTION_DICT

    def kept(name: str, arguments: dict[str, Any], answer: str) -> tuple[bool, bool]:
        results, _ = evaluate(answer, [name], [arguments], "", known)
        return (results[0].strict_pass, results[0].loose_pass) if results else (False, False)

    return kept


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments"), [*EVERY_KIND, *OTHER_BOUNDS])
def test_equals_if_verifiable(
    grade: Grade,
    oracle: Callable[[str, dict[str, Any], str], tuple[bool, bool]],
    name: str,
    arguments: dict[str, Any],
) -> None:
    of = [{"id": name, **arguments}]
    differ = []
    for answer in ANSWERS:
        modes = ("strict", "loose")
        ours = tuple(grade("instructions", answer, of=of, mode=mode).passed for mode in modes)
        if ours != oracle(name, arguments, answer):
            differ.append(answer)
    which = str(arguments.get("language", arguments.get("relation", "")))
    known = _disagreements().get((name, which), [])
    assert len(differ) == len(known)
    for beginning in known:
        assert any(answer.startswith(beginning) for answer in differ), beginning
