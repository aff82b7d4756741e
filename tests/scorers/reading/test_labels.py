# ruff: noqa: RUF001  # odd characters are what is tested
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from promptlab.core.types import Score
from promptlab.scorers.builtin.text import label
from promptlab.scorers.reading.negation import is_language_unknown
from promptlab.scorers.reading.negations import LANGUAGES

Grade = Callable[..., Score]
MOOD = ["happy", "sad"]


def found(grade: Grade, output: str, labels: list[Any]) -> object:
    """Return the label that decides; None if none does."""
    passing = [one for one in labels if grade("label", output, one, labels=labels).passed]
    assert len(passing) < 2
    return passing[0] if passing else None


@pytest.mark.parametrize(
    ("output", "labels", "label"),
    [
        ("这部电影让人高兴。", ["高兴", "难过"], "高兴"),
        ("我觉得是难过", ["高兴", "难过"], "难过"),
        ("この人は嬉しいようです", ["嬉しい", "悲しい"], "嬉しい"),
        ("สรุปว่ามีความสุขมาก", ["สุข", "เศร้า"], "สุข"),
        ("ຂ້ອຍດີໃຈຫຼາຍ", ["ດີໃຈ", "ເສົ້າ"], "ດີໃຈ"),
        ("ខ្ញុំសប្បាយចិត្តណាស់", ["សប្បាយ", "ពិបាក"], "សប្បាយ"),
        ("ကျွန်တော်ပျော်တယ်", ["ပျော်", "ဝမ်းနည်း"], "ပျော်"),
        ("结果为happy。", MOOD, "happy"),
        ("結果はhappyです", MOOD, "happy"),
        ("결과는 happy예요", MOOD, "happy"),
        ("ผลคือhappyครับ", MOOD, "happy"),
        ("기쁨입니다.", ["기쁨", "슬픔"], "기쁨"),
        ("이것은 슬픔이에요", ["기쁨", "슬픔"], "슬픔"),
        ("기쁨조", ["기쁨", "슬픔"], None),
        ("यह खुशी है", ["खुशी", "दुख"], "खुशी"),
        ("खुशियाँ", ["खुश", "दुख"], None),
        ("سعيدة", ["سعيد", "حزين"], None),
        ("Das macht unhappy", MOOD, None),
        ("unhappy", MOOD, None),
        ("ｈａｐｐｙ", MOOD, "happy"),
        ("答案：Ｂ", ["A", "B"], "B"),
        ("happy2", MOOD, None),
        ("very_happy", MOOD, None),
        ("_happy_", MOOD, "happy"),
        ("It is _happy_ today", MOOD, "happy"),
    ],
)
def test_words_of_any_script(grade: Grade, output: str, labels: list[Any], label: object) -> None:
    assert found(grade, output, labels) == label


@pytest.mark.parametrize(
    "output",
    [
        *("***happy***", "`happy`", "~~happy~~", "<b>happy</b>", "## happy ##", "> happy"),
        *(
            "[happy]",
            "{happy}",
            "«happy»",
            "‹happy›",
            "„happy“",
            "『happy』",
            "【happy】",
            "|happy|",
        ),
        *(r"\boxed{happy}", r"\boxed{\text{happy}}", r"$\mathbf{happy}$", r"\(\textit{happy}\)"),
        *("<answer>happy</answer>", '{"label": "happy"}', "label=happy", "✅ happy", "→ happy"),
        *("答案：happy", "Antwort: happy", "Réponse : happy", "ответ: happy", "답: happy。"),
        "sad or happy? \\boxed{happy} because sad is wrong",
        "It might be sad.\n<answer> happy </answer>\nsad was close.",
        "hap\u200bpy\ufeff",
    ],
)
def test_any_markup(grade: Grade, output: str) -> None:
    assert found(grade, output, MOOD) == "happy"


@pytest.mark.parametrize(
    ("output", "label"),
    [
        *(("4", 4), ("4.", 4), ("**4**", 4), ("(4)", 4), ("- 4", 4), ("4点", 4), ("Score: 4!", 4)),
        *(("4.5", None), ("-4", None), ("−4", None), ("+4", None), ("4,000", None), ("0.4", None)),
        *(("4/5", None), ("4½", None), ("4²", None), ("4%", None), ("$4 now", None), ("14", None)),
        *(("4:30", None), ("4万", None), ("4e2", None), ("v4", None), ("2024-4-1", None)),
        *(("3 or 4", None), ("Out of 9, I say 4", 4)),
    ],
)
def test_a_number_is_no_piece_of_another(grade: Grade, output: str, label: object) -> None:
    assert found(grade, output, [3, 4]) == label


@pytest.mark.parametrize(
    ("output", "labels", "label"),
    [
        ("It is -1 in all", ["-1", "0", "1"], "-1"),
        ("I say 0.5", ["0.5", "5"], "0.5"),
        ("about 2/3", ["1/3", "2/3"], "2/3"),
        ("B+", ["A", "B"], None),
        ("B+", ["A", "B", "B+"], "B+"),
        ("B− today", ["A", "B"], None),
        ("B - because", ["A", "B"], "B"),
    ],
)
def test_labels_may_hold_signs(grade: Grade, output: str, labels: list[Any], label: object) -> None:
    assert found(grade, output, labels) == label


DENIED = {
    "en": "I would never call this {}",
    "en, far": "Nothing in this long review of a film can be called {}",
    "en, contracted": "It doesn’t look {}",
    "en, remark": "It is not, to be fair, {}",
    "en, behind": "{} it is not",
    "en, asked and answered": "Is it {}? Not at all",
    "en, before a marker": "I don't think the answer is {}",
    "de, behind": "{} ist das leider nicht",
    "de": "Das ist keineswegs {}",
    "nl": "Dit is helemaal niet {}",
    "sv": "Det är inte alls {}",
    "da": "Det er ikke særlig {}",
    "fr": "Ce n'est vraiment pas {}",
    "es": "Esto no parece {}",
    "pt": "Isto não é {}",
    "it": "Non è affatto {}",
    "ro": "Acest lucru nu este {}",
    "pl": "To nie jest {}",
    "cs": "To není {}",
    "ru": "Это совсем не {}",
    "uk": "Це не {}",
    "el": "Δεν είναι καθόλου {}",
    "hu": "Ez nem {}",
    "fi": "Se ei ole {}",
    "tr": "Bu {} değil",
    "id": "Ini tidak {}",
    "vi": "Điều này không {}",
    "ar": "هذا ليس {}",
    "fa": "این {} نیست",
    "he": "זה לא {}",
    "hi": "यह {} नहीं है",
    "zh": "这并不{}",
    "ja": "これは{}ではない",
    "ko": "이것은 {}가 아니다",
    "th": "มันไม่{}",
}


@pytest.mark.parametrize("sentence", DENIED.values(), ids=DENIED.keys())
def test_a_denied_label_is_passed_over_in_many_languages(grade: Grade, sentence: str) -> None:
    assert found(grade, sentence.format("happy") + ".", MOOD) is None
    assert {name.partition(",")[0] for name in DENIED} <= set(LANGUAGES.split())


@pytest.mark.parametrize(
    "output",
    [
        "It is not sad but happy",
        "It isn't bad, it is happy",
        "It isn't bad - it is happy",
        "The start did not work and the end is happy",
        "Not only lively, happy too",
        "No doubt happy",
        "Without question it is happy",
        "It could not be more happy",
        "Nothing but happy",
        "happy, not sad",
        "happy? Yes, not sad",
        "It was happy, not that anybody asked",
        "不难过，而是happy",
        "非常happy",
        "毫无疑问happy",
        "悲しくない、happyです",
        "nicht traurig, sondern happy",
        "pas triste, mais happy",
    ],
)
def test_a_denial_ends_with_its_clause(grade: Grade, output: str) -> None:
    assert found(grade, output, MOOD) == "happy"


@pytest.mark.parametrize(
    ("output", "label"),
    [
        ("Yes, there is no problem.", "yes"),
        ("yes (no errors found)", "yes"),
        ("There are no errors", None),
        ("No", "no"),
        ("No, there are errors.", "no"),
        ("No. Errors were found.", "no"),
        ("no it is wrong", "no"),
        ("I say no because of that", "no"),
        ("I know", None),
    ],
)
def test_no_before_a_noun_is_no_label(grade: Grade, output: str, label: str | None) -> None:
    assert found(grade, output, ["yes", "no"]) == label


@pytest.mark.parametrize(
    ("output", "labels", "label"),
    [
        ("gpt-4", ["gpt-4", "gpt-5"], "gpt-4"),
        ("It is gpt-4.5.", ["gpt-4", "gpt-5"], None),
        ("The label is class-2.", ["class-1", "class-2"], "class-2"),
        ("I give it 5 stars!", ["4 stars", "5 stars"], "5 stars"),
        ("I give it 4.5 stars!", ["4 stars", "5 stars"], None),
        ("120 km", ["10 km", "20 km"], None),
        ("the 1st", ["1st", "2nd"], "1st"),
        ("2024-06", ["2024-05", "2024-06"], "2024-06"),
        ("10-20 %", ["0-10 %", "10-20 %"], "10-20 %"),
        ("class 10", ["class 1", "class 2"], None),
        ("top 5%", ["top 5", "top 10"], None),
        ("-5 points", ["5 points", "1 point"], None),
    ],
)
def test_a_label_may_hold_a_number(
    grade: Grade, output: str, labels: list[str], label: str | None
) -> None:
    assert found(grade, output, labels) == label


def test_running_text_in_an_unknown_language_is_not_gradable(grade: Grade) -> None:
    labels = ["ደስተኛ", "አዘነ"]
    score = grade("label", "እሱ ደስተኛ ነው", "ደስተኛ", labels=labels)
    assert (score.value, score.passed) == (None, None)
    assert str(score.error).startswith("not gradable: negations are not known in the language")
    assert grade("label", "ደስተኛ።", "ደስተኛ", labels=labels).passed  # alone it is plain enough
    assert grade("label", "Answer: ደስተኛ", "ደስተኛ", labels=labels).passed
    assert grade("label", "እሱ ነው", "ደስተኛ", labels=labels).passed is False


def test_what_is_known_is_what_the_documentation_says() -> None:
    assert " ".join(LANGUAGES.split()) in " ".join(str(inspect.getdoc(label)).split())
    assert not any(is_language_unknown(sentence) for sentence in DENIED.values())


def test_a_label_that_is_denied_a_thousand_times_is_denied(grade: Grade) -> None:
    assert found(grade, "not happy. " * 2_000 + "happy, sad.", ["happy", "glad"]) is None
