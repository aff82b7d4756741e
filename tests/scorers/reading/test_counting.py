# ruff: noqa: RUF001  # odd characters are what is tested
from __future__ import annotations

from collections.abc import Callable

import pytest

from promptlab.core.types import Score
from promptlab.scorers.reading.sentences import sentences
from promptlab.scorers.reading.words import Count, characters, words

Grade = Callable[..., Score]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        # ends of many scripts
        ("मौसम अच्छा है। हम चलते हैं॥", 2),
        ("کیا حال ہے؟ سب ٹھیک ہے۔", 2),
        ("كيف حالك؟ بخير.", 2),
        ("Πού είσαι; Εδώ.", 2),
        ("Ես այստեղ եմ։ Դու էլ։", 2),
        ("ሰላም ነው። ደህና ነኝ።", 2),
        ("天気がいい。「行こう！」と言った。", 2),
        ("好的！我们走吧？走。", 3),
        ("နေကောင်းလား။ ကောင်းတယ်။", 2),
        # abbreviations, initials, dates, references
        ("Prof. Ada Byron met Lt. Col. Jones.", 1),
        ("The E.U. Commission agreed. It voted.", 2),
        ("We left the U.K. They stayed.", 2),
        ("It starts at 9 a.m. Monday.", 1),
        ("It starts at 9 a.m. We are late.", 2),
        ("Compare Tab. 4 and No. 12 in vol. 3.", 1),
        ("I said no. Tom agreed.", 2),
        ("George R. R. Martin wrote it.", 1),
        ("They sell tea, coffee, etc. The shop is small.", 2),
        ("On Feb. 3 and Oct. 9 it rained.", 1),
        ("Der 3. Oktober ist frei. Der 4. auch.", 2),
        ("Das gilt z.B. Berlin und Rom.", 1),
        ("He bought 5 oz. Then he left.", 2),
        ("It weighs 5 kg. Tom lifted it.", 2),
        ("Das gilt z. B. Berlin, d. h. Osten.", 1),
        ("The beam is 4 m. Tom measured it.", 2),
        ("Well done!🎉 See you.", 2),
        ("It was so.[3] Later it changed.", 2),
        ("Is it true?! “No.” He laughed.", 3),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert sentences(text) == Count(count, count)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("three plain words", 3, 3),
        ("well-known facts", 2, 2),
        ("हिन्दी के शब्द", 3, 3),
        ("한국어 낱말", 2, 2),
        ("東京へ行く", 1, 5),
        ("ไปตลาด", 1, 6),
        ("བོད་ཡིག", 2, 4),
        ("我用Python写", 3, 4),
        ("the word 茶 here", 4, 4),
        ("— * 。", 0, 0),
    ],
)
def test_words(text: str, least: int, most: int) -> None:
    assert words(text) == Count(least, most)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("o\u0308", 1),
        ("x\u0302y\u0304", 2),
        ("नी", 1),
        ("👩\u200d🚀!", 2),
        ("🇯🇵", 1),
        ("\ufeff a\u200bb \u200e", 2),
        ("\r\n x \r\n", 1),
        ("", 0),
    ],
)
def test_characters(text: str, count: int) -> None:
    assert characters(text) == Count(count, count)


@pytest.mark.parametrize(
    ("bounds", "value"),
    [
        ({"min": 1}, 1.0),
        ({"max": 9}, 1.0),
        ({"min": 10}, 0.0),
        ({"max": 0}, 0.0),
        ({"min": 3}, None),
        ({"max": 3}, None),
        ({}, None),
    ],
)
def test_a_doubtful_count_gives_a_verdict_where_all_that_is_possible_agrees(
    grade: Grade, bounds: dict[str, int], value: float | None
) -> None:
    score = grade("length", "昨日は雨が降った", **bounds)
    assert score.value == value
    told = score.error if value is None else score.reason
    assert "1 to 8 words" in str(told)


def test_blanks_in_thai_may_end_a_sentence_or_not(grade: Grade) -> None:
    assert grade("length", "ฝนตก ผมอยู่บ้าน", unit="sentences", max=2).passed
    score = grade("length", "ฝนตก ผมอยู่บ้าน", unit="sentences", max=1)
    assert score.error == "not gradable: 1 to 2 sentences, which cannot be told apart exactly"
