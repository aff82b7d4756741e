"""Each text metric equals its library on fifty pairs, or says that it cannot tell."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nltk
import pytest
import sacrebleu
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein
from rouge_score.rouge_scorer import RougeScorer
from textstat.textstat import textstatistics

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Score
from promptlab.scorers.binding import bind
from promptlab.scorers.reading.tokens import is_unspaced, tokens
from tests.scorers.conftest import Grade
from tests.scorers.pairs import PAIRS

Library = Callable[[str, list[str]], float]

REFERENCES = [["Paris", "the city of Paris"], ["x y z", "the cat sat", "a mat"]]
ALL = [
    *((output, [target]) for output, target in PAIRS),
    *((o, r) for r in REFERENCES for o, _ in PAIRS[:12]),
]


def _rouge(variant: str, stem: bool = False) -> Library:
    counter = RougeScorer([variant], use_stemmer=stem)
    return lambda output, targets: counter.score_multi(targets, output)[variant].fmeasure


class _Splitter:
    def tokenize(self, text: str) -> list[str]:
        return tokens(text.lower())


def _rouge_unicode(output: str, targets: list[str]) -> float:
    counter = RougeScorer(["rouge1"], tokenizer=_Splitter())
    return float(counter.score_multi(targets, output)["rouge1"].fmeasure)


def _sacrebleu(name: str, **options: Any) -> Library:
    score = getattr(sacrebleu, f"sentence_{name}")
    return lambda output, targets: score(output, targets, **options).score / 100


def _unedited(**options: Any) -> Library:
    rate = _sacrebleu("ter", **options)
    return lambda output, targets: max(0.0, 1 - rate(output, targets))


def _alike(compare: Callable[[str, str], float]) -> Library:
    return lambda output, targets: max(compare(output.strip(), one.strip()) for one in targets)


LIBRARIES: dict[str, tuple[str, dict[str, Any], Library]] = {
    **{
        variant: ("rouge", {"variant": variant}, _rouge(variant))
        for variant in ("rouge1", "rouge2", "rouge4", "rougeL", "rougeLsum")
    },
    "rouge stemmed": ("rouge", {"variant": "rouge1", "stem": True}, _rouge("rouge1", stem=True)),
    "rouge unicode": ("rouge", {"variant": "rouge1", "tokenize": "unicode"}, _rouge_unicode),
    "bleu": ("bleu", {}, _sacrebleu("bleu")),
    "bleu intl": ("bleu", {"tokenize": "intl"}, _sacrebleu("bleu", tokenize="intl")),
    "bleu zh": ("bleu", {"tokenize": "zh"}, _sacrebleu("bleu", tokenize="zh")),
    "bleu char": ("bleu", {"tokenize": "char"}, _sacrebleu("bleu", tokenize="char")),
    "bleu lower": ("bleu", {"ignore_case": True}, _sacrebleu("bleu", lowercase=True)),
    "chrf": ("chrf", {}, _sacrebleu("chrf")),
    "chrf++": ("chrf", {"word_order": 2}, _sacrebleu("chrf", word_order=2)),
    "ter": ("ter", {}, _unedited()),
    "ter asian": (
        "ter",
        {"normalized": True, "asian_support": True, "ignore_case": False},
        _unedited(normalized=True, asian_support=True, case_sensitive=True),
    ),
    "ratio": ("similarity", {}, _alike(lambda one, two: fuzz.ratio(one, two) / 100)),
    "token_set": (
        "similarity",
        {"method": "token_set_ratio"},
        _alike(lambda one, two: fuzz.token_set_ratio(one, two) / 100),
    ),
    "levenshtein": (
        "similarity", {"method": "levenshtein"}, _alike(Levenshtein.normalized_similarity),
    ),
}  # fmt: skip


def test_there_are_fifty_different_pairs() -> None:
    assert len(PAIRS) == len(set(PAIRS)) == 50


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.slow
def test_equals_its_library(grade: Grade, name: str) -> None:
    scorer, params, library = LIBRARIES[name]
    told = 0
    for output, targets in ALL:
        score = grade(scorer, output, targets, **params)
        if score.value is None:
            assert score.gradable is False
            _cannot_tell(score, name, output, targets)
        elif score.gradable is False:
            assert score.value == 0.0
            assert str(score.reason).startswith("the output holds nothing")
        else:
            assert score.value == pytest.approx(library(output, targets), abs=1e-12), output
            told += 1
    assert told >= 48


def _cannot_tell(score: Score, name: str, output: str, targets: list[str]) -> None:
    """Check that there is no score only where the target is empty, or the script is unknown."""
    unspaced = any(map(is_unspaced, (output, *targets)))
    if "blanks between its words" in str(score.error):
        assert unspaced
        assert name in ("bleu", "bleu intl", "bleu lower", "ter")
    elif "no letters of a to z" in str(score.error):
        assert any(
            not RougeScorer(["rouge1"])._tokenizer.tokenize(one) for one in (output, *targets)
        )
    else:
        assert "the target holds nothing" in str(score.error)
        assert not any(one.strip() for one in targets)


def test_the_signature_is_in_the_reason_and_the_versions_are_in_the_identity(grade: Grade) -> None:
    score = grade("bleu", "a b c d", ["a b c d", "e f"])
    signature = "nrefs:2|case:mixed|eff:yes|tok:13a|smooth:exp"
    assert score.reason == f"BLEU 100.00 ({signature}|version:{sacrebleu.__version__})"
    [bound] = bind(["bleu"])
    assert f'"sacrebleu":"{sacrebleu.__version__}"' in str(bound.spec.identity)


def test_more_edits_than_words_are_no_less_than_nothing(grade: Grade) -> None:
    score = grade("ter", "a b c d", "x")
    assert (score.value, "TER 400.00" in str(score.reason)) == (0.0, True)


@pytest.mark.parametrize("name", ["rouge", "bleu", "chrf", "ter", "similarity"])
def test_an_empty_output_and_an_empty_target_are_told_apart(grade: Grade, name: str) -> None:
    empty = grade(name, " \n", "a b")
    assert (empty.value, empty.gradable) == (0.0, False)
    assert str(empty.reason).startswith("the output holds nothing to compare")
    unknown = grade(name, "a b", "")
    assert (unknown.value, unknown.gradable) == (None, False)
    assert "the target holds nothing" in str(unknown.error)


def test_nothing_is_logged(grade: Grade, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[logging.LogRecord] = []
    monkeypatch.setattr(logging.Logger, "handle", lambda _, record: logged.append(record))
    logging.getLogger("sacrebleu").warning("heard")
    for name in ("rouge", "bleu", "chrf", "ter", "similarity"):
        grade(name, "This is tokenised .", "This is tokenised .")
    assert [record.getMessage() for record in logged] == ["heard"]


@pytest.mark.parametrize(
    ("name", "words"), [("rouge", 3_000), ("ter", 300), ("similarity", 90_000)]
)
def test_what_would_take_hours_is_not_begun(grade: Grade, name: str, words: int) -> None:
    long = " ".join("ab" for _ in range(words))
    score = grade(name, long, long)
    assert score.value is None
    assert "too many to compare" in str(score.error)


def test_a_japanese_tokeniser_that_lacks_its_package_is_refused_before_the_run() -> None:
    with pytest.raises(PromptlabError, match="cannot take words apart by 'ja-mecab'") as error:
        bind([{"bleu": {"tokenize": "ja-mecab", "target": "x"}}])
    assert error.value.hint == 'pip install "sacrebleu[ja]"'


# f1 and squad_exact: worked out by hand, by the rules of SQuAD


@pytest.mark.parametrize(
    ("output", "target", "f1", "same"),
    [
        ("The Eiffel Tower", "eiffel tower", 1.0, True),
        ("the tower in Paris!", "Eiffel Tower", 2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2), False),
        ("Paris Paris", "Paris", 2 / 3, False),
        ("U.S.", "US", 1.0, True),
        ("An apple, a day", "apple day", 1.0, True),
        ("other", ["a", "the other"], 1.0, True),
        ("", "", 1.0, True),
        ("the", "", 1.0, True),
        ("word", "", 0.0, False),
        ("not guilty", "guilty", 2 / 3, False),
        ("1.5", "15", 1.0, True),
        (7, "7.", 1.0, True),
        ("cafe\N{COMBINING ACUTE ACCENT}", "Café", 1.0, True),
    ],
)
def test_compares_as_squad_does(
    grade: Grade, output: object, target: Any, f1: float, same: bool
) -> None:
    assert grade("f1", str(output), target).value == pytest.approx(f1)
    assert grade("squad_exact", str(output), target).passed is same


def test_an_output_without_words_says_so_unless_nothing_was_right(grade: Grade) -> None:
    assert grade("f1", "...", "Paris").gradable is False
    assert grade("squad_exact", "...", "Paris").gradable is False
    assert grade("f1", "...", "").gradable is True
    assert grade("squad_exact", "", ["", "Paris"]).gradable is True


def test_letters_count_for_themselves_where_no_blanks_part_words(grade: Grade) -> None:
    assert "set tokenize: unicode" in str(grade("f1", "今天天气很好", "天气好").error)
    score = grade("f1", "今天天气很好", "天气好", tokenize="unicode")
    assert score.value == pytest.approx(2 * (3 / 6) * 1 / (3 / 6 + 1))
    assert tokens("GPT-4 猫が cafe\N{COMBINING ACUTE ACCENT}") == [
        "GPT", "4", "猫", "が", "cafe\N{COMBINING ACUTE ACCENT}",
    ]  # fmt: skip
    assert unicodedata.combining(tokens("กำ")[0][-1]) == 0


# readability

SENTENCES = (
    "The cat sat on the mat. It was a warm evening, and nobody wanted to disturb the animal."
)


@pytest.mark.parametrize(
    "formula",
    ["automated_readability_index", "coleman_liau_index", "lix", "rix", "gulpease_index"],
)
def test_readability_equals_textstat(grade: Grade, formula: str) -> None:
    oracle = getattr(textstatistics(), formula)
    for output, _ in [(SENTENCES, ""), *PAIRS]:
        score = grade("readability", output, formula=formula)
        if score.value is None:
            assert is_unspaced(output) or not tokens(output)
        else:
            assert score.value == pytest.approx(oracle(output))


@pytest.mark.slow
def test_readability_reads_other_languages(grade: Grade) -> None:
    oracle = textstatistics()
    oracle.set_lang("de")
    text = "Die Katze sitzt auf der Matte. Es war ein warmer Abend, und niemand wollte sie stören."
    score = grade("readability", text, formula="flesch_reading_ease", language="de")
    assert score.value == oracle.flesch_reading_ease(text)
    assert grade("readability", text, formula="lix", at_most=60).passed is True
    assert grade("readability", text, formula="lix", at_most=1).passed is False


def test_syllables_of_english_are_never_fetched_from_the_network(
    grade: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(PromptlabError, match="by a dictionary, which nltk does not have") as error:
        grade("readability", SENTENCES, formula="flesch_kincaid_grade")
    assert "nltk.downloader cmudict" in str(error.value.hint)
    with pytest.raises(PromptlabError, match="no constants for 'de'"):
        grade("readability", SENTENCES, formula="smog_index", language="de")


@pytest.mark.slow
def test_syllables_of_english_are_those_of_the_dictionary(
    grade: Grade, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "corpora" / "cmudict"
    folder.mkdir(parents=True)
    (folder / "cmudict").write_text("BAKED 1 B EY1 K T\nBREAD 1 B R EH1 D\n")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    text = "We all baked good bread."
    score = grade("readability", text, formula="flesch_kincaid_grade")
    assert score.value == textstatistics().flesch_kincaid_grade(text)
    assert score.value == pytest.approx(0.39 * 5 + 11.8 * 1 - 15.59)


@pytest.mark.parametrize(
    ("entry", "package"),
    [
        ("rouge", "rouge-score"),
        ("bleu", "sacrebleu"),
        ("similarity", "rapidfuzz"),
        ("readability", "textstat"),
    ],
)
def test_a_missing_library_is_told_before_the_first_call(
    grade: Grade, monkeypatch: pytest.MonkeyPatch, entry: str, package: str
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("promptlab.scorers.libraries.lazy_module", missing)
    with pytest.raises(PromptlabError, match=f"needs the package {package}, which is not") as error:
        grade(entry, "x", "x")
    assert str(error.value.hint).startswith("pip install ")
    assert package in str(error.value.hint)
