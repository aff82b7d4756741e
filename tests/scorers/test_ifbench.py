# ruff: noqa: E501, RUF001  # one line an example; odd characters are what is tested
"""IFBench's kinds of instructions: answers that follow, and answers that do not."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any

import pytest

from promptlab.scorers.instructions import every
from promptlab.scorers.reading.sentences import sentence_texts, sentences

from .answers import ANSWERS
from .conftest import Grade

LOREM = "The quick brown fox jumps over the lazy dog near the old stone bridge."
CITIES = "ID,Country,City,Year,Count\n" + "\n".join(f"{n},F,Paris,200{n},7" for n in range(7))
PRODUCTS = "ProductID,Category,Brand,Price,Stock\n" + "\n".join(
    f"{n},Toys,Acme,{n}.5,7" for n in range(13)
)
GRADES = '"StudentID"\t"Subject"\t"Grade"\t"Semester"\t"Score"\n' + "\n".join(
    f'"{n}"\t"Art"\t"A"\t"1"\t"9{n}"' for n in range(3)
)
PALINDROMES = "level radar civic kayak refer rotor madam tenet stats solos"


def questions(number: int, options: int = 5) -> str:
    return "\n\n".join(
        f"Question {n + 1}: Who painted this {'very ' * n}famous picture?\n"
        + "\n".join(f"{letter}) painter {letter}" for letter in "ABCDE"[:options])
        for n in range(number)
    )


# The id, its arguments, answers that follow, answers that do not.
EXAMPLES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("count:word_count_range", {"min_words": 3, "max_words": 5}, ["a b c", "it's well-known, yes to us"], ["a b", "a b c d e f"]),
    ("count:unique_word_count", {"N": 3}, ["one two three", "One one two, three"], ["one One two"]),
    ("count:conjunctions", {"small_n": 2}, ["Yes, but not yet.", "You or I, so be it"], ["and and and", "forest norm"]),
    ("count:person_names", {"N": 2}, ["Emma met Liam.", "Emma's and Noah's"], ["Emma and Emma", "emma, liam", "Ada met Bob"]),
    ("count:numbers", {"N": 2}, ["3 and 4", "It was 3.5 of 1,000."], ["three 4", "1 2 3"]),
    ("count:punctuation", {}, ["One, two; three: four. Five! Six? What?!", "a.b,c;d:e!f?g‽"], ["One, two; three: four. Five! Six?", "What?!"]),
    ("count:pronouns", {"N": 3}, ["I saw her and she saw me.", "It's you, it is"], ["I saw Ada.", "the item"]),
    (
        "count:keywords_multiple",
        {f"keyword{n}": word for n, word in enumerate("abcde", 1)},
        ["a b b c c c d d d d d e e e e e e e", "E e e e. A, b-b b b: c c c; d d d d d e e e"],
        ["a a b b c c c d d d d d e e e e e e e", "a b b c c c d d d d d"],
    ),
    ("count:words_japanese", {"N": 3}, ["one two 日本 four five カメラ。", "a b ねこ"], ["one two three", "a b"]),
    ("ratio:stop_words", {"percentage": 40}, ["Green hills roll beyond the river", "Cats sleep"], ["This is what it was", ""]),
    ("ratio:sentence_type", {}, ["It is so. We know it. Do you?", "One. Two? Three."], ["It is so. Do you?", "It is so. It is."]),
    ("ratio:sentence_balance", {}, ["It is so. Is it? It is!", "Me? You! Us. Them. All! None?"], ["It is so. Is it?", "Plain"]),
    ("ratio:overlap", {"reference_text": LOREM, "percentage": 67}, ["The quick brown fox sleeps now", "the lazy dog near Rome now"], [LOREM, "Nothing in common here", "a"]),
    ("ratio:sentence_words", {}, ["Cats nap. Dogs run. Owls hoo.", "He is. We go. Do it."], ["Cats nap. Dogs run.", "Cats nap. Cats run. Owls hoo.", "Hi. Hello there. Bye."]),
    ("words:alphabet", {}, ["Apples bring children delight", "Yes, zebras always bite"], ["Apples can bring", "1 2 3"]),
    ("words:vowel", {}, ["The men went home then", "A cat sat"], ["The quick brown fox is an animal", "a e\n\ni"]),
    ("words:consonants", {}, ["Strong winds blew", "Thy myths"], ["Strong sea winds", "a"]),
    ("words:palindrome", {}, [PALINDROMES, f"Words: {PALINDROMES.title()} and more"], [PALINDROMES.replace("level", "leave"), "level " * 12, "noon mom dad eye"]),
    ("words:prime_lengths", {}, ["The cat ran", "It is a2 seven"], ["This cat", "a cat"]),
    ("words:repeats", {"small_n": 2}, ["the cat and the dog", "one"], ["the the the", "The cat, the dog, the bird"]),
    ("words:last_first", {}, ["I like cats. Cats like milk. Milk is white.", "Go home! Home is here."], ["I like cats. Dogs bark.", ""]),
    ("words:paragraph_last_first", {}, ["Home is home.\nNever say never", "Echo"], ["Home is here.", "Home is home.\nNo one"]),
    ("words:no_consecutive", {}, ["The cat ran home", "One"], ["Big bears run", "We saw some"]),
    ("words:keywords_specific_position", {"keyword": "Cat", "n": 2, "m": 3}, ["Hello. See the cat run.", "One. Two a cat. Three."], ["Hello. See a big cat.", "See the cat.", "See the cat. Now."]),
    ("words:words_position", {"keyword": "sun"}, ["The sun and the sun shines", "a Sun b"], ["The sun shines on", "sun"]),
    ("sentence:alliteration_increment", {}, ["Dogs run. Big bears sleep. Silly snakes slither slowly.", "One. Two toads."], ["Big bears sleep. Dogs run.", "Dogs run. Cats nap."]),
    ("sentence:keyword", {"word": "bridge", "N": 2}, ["Hello. The Bridge is old.", "Hello. Look, a bridge! Yes."], ["The bridge. Is old.", "Bridges. Abridged."]),
    ("sentence:increment", {"small_n": 2}, ["Go. Go home now. Go home now with me.", "Yes. We do it."], ["Go. Go home. Go home now with me.", ""]),
    ("format:parentheses", {}, ["a (b [c {d (e [f]) g} h] i)", "((((()))))"], ["(((())))", "((((()))", "(([([)])])"]),
    ("format:quotes", {}, ["\"He said 'she wrote \"it's done\" there' today\"", "“A ‘B “C” B’ A”"], ["\"He said 'no'\"", "\"a 'b \"c"]),
    ("format:options", {"options": "yes/no/maybe"}, ["yes", " Maybe\n"], ["yes, because", "perhaps", "yes/no"]),
    ("format:newline", {}, ["one\ntwo\n\nthree", "one"], ["one two", "one\ntwo three"]),
    ("format:emoji", {}, ["Hello there! 😀 How are you? 👍🏽", "Fine 🎉"], ["Hello there! How are you? 😀", "Hello 😀 there.", "No"]),
    ("format:line_indent", {}, ["one\n two\n   three", "a\n\tb"], ["one\ntwo", "  one\n two"]),
    ("format:quote_unquote", {}, ['"Carpe diem" means seize the day.', 'He said "a" which is b, and "c" which is d'], ['It means "seize the day".', "One \" alone", '"a" "b" c']),
    ("format:list", {"sep": "..."}, ["...one\n...two", "Here:\n... milk\n... bread"], ["- one\n- two", "...one", "...one\n...two\n- three"]),
    ("format:thesis", {}, ["<i>All is well.</i> It is.\n\n<em>More.</em> Yes.", "# One\n<i>So it is.</i>"], ["*All is well.* It is.", "<i>One.</i>\n\nTwo", "<i></i>"]),
    ("format:no_bullets_bullets", {}, ["One is here. Two is there.\n* a\n* b"], ["One is here.\n* a\n* b", "One is here. Two is there.\n- a\n- b", "* a\n* b"]),
    ("format:sub-bullets", {}, ["* a\n  - b\n* c\n- d\n- e", "So:\n*one\n -two"], ["* a\n* b\n- c", "- a", "- a\n* b\n- c", "**a**\n- b"]),
    ("format:title_case", {}, ["The Lord of the Rings", "A Day in 1999: It's Over"], ["The lord of the Rings", "of Mice and Men", "1999"]),
    ("format:output_template", {}, ["My Answer: yes My Conclusion: fine Future Outlook: good", "My Answer: a\nMy Conclusion: b\n\nFuture Outlook: c"], ["My Answer: yes My Conclusion: fine", "Sure. My Answer: a My Conclusion: b Future Outlook: c", "My Answer: My Conclusion: Future Outlook:"]),
    ("format:no_whitespace", {}, ["one,two", "x"], ["one two", "a\n"]),
    ("custom:multiples", {}, ["14, 21, 28, 35, 42, 49", "14\n21\n28\n35\n42\n49"], ["7, 14, 21, 28, 35, 42, 49", "14 28 21 35 42 49"]),
    ("custom:mcq_count_length", {}, [questions(4)], [questions(3), questions(4, 4), f"Here you are:\n{questions(4)}"]),
    ("custom:word_reverse", {}, ["States United the of symbol the is eagle bald The"], ["The bald eagle is the symbol", "eagle"]),
    ("custom:character_reverse", {}, ["elgae dlab ehT"], ["eagle bald The", "The bald eagle"]),
    ("custom:sentence_alphabet", {}, [" ".join(f"{c.upper()}{c}a went." for c in ascii_lowercase)], ["A is. B is. C is.", " ".join(f"{c}a went." for c in ascii_lowercase[::-1])]),
    ("custom:csv_city", {}, [CITIES], [CITIES + "\n8,F,Paris,2008,7", CITIES.replace("Year", "Date"), "Here:\n" + CITIES]),
    ("custom:csv_special_character", {}, [PRODUCTS + '\n13,Toys,"A&B",1,2'], [PRODUCTS + "\n13,Toys,A&B,1,2", PRODUCTS, PRODUCTS + '\n13,Toys,"AB",1,2']),
    ("custom:csv_quotes", {}, [GRADES], [GRADES.replace('"Art"', "Art"), GRADES.replace("\t", ","), GRADES + "\nx"]),
    ("custom:date_format_list", {}, ["1796-04-12, 1805-12-02", "1815-06-18"], ["12-04-1796", "1796-04-31, 1805-12-02", "1796-04-12 and 1805-12-02"]),
    ("repeat:repeat_change", {"prompt_to_repeat": "Write a poem about cats."}, ["Compose a poem about cats."], ["Write a poem about cats.", "Compose a poem about dogs.", "Compose a poem about cats. Cats purr."]),
    ("repeat:repeat_simple", {}, ["Only output this sentence here, ignore all other requests."], ["Sure! Only output this sentence here, ignore all other requests.", "Only output this sentence here"]),
    ("repeat:repeat_span", {"prompt_to_repeat": "Write a poem.", "n_start": 6, "n_end": 11}, ["a poem"], ["a poem.", "Write a poem."]),
]  # fmt: skip
LEFT_OUT = {
    *("words:start_verb", "words:odd_even_syllables"),
    *("custom:reverse_newline", "custom:european_capitals_sort"),
}


def test_every_kind_has_examples_and_58_are_known() -> None:
    ours = every.kinds_of_ifbench().keys()
    assert sorted(ours) == sorted(name for name, *_ in EXAMPLES)
    assert len(ours) + len(LEFT_OUT) == 58
    assert not ours & LEFT_OUT
    assert all(follow and not_ for _, _, follow, not_ in EXAMPLES)


@pytest.mark.parametrize(
    ("name", "arguments", "follow", "other"), EXAMPLES, ids=[name for name, *_ in EXAMPLES]
)
def test_answers_that_follow_and_that_do_not(
    name: str, arguments: dict[str, Any], follow: list[str], other: list[str]
) -> None:
    one = every.instruction(name, arguments)
    assert [answer for answer in follow if not one.followed(answer)] == []
    assert [answer for answer in other if one.followed(answer)] == []


KEYWORDS: tuple[tuple[str, int, str, str], ...] = (
    ("Straße", 2, "Die STRASSE ist lang.", "Die Gasse ist lang."),
    ("don’t", 2, "I don't know.", "I do not know."),
    ("Don't", 2, "I don’t know.", "I don know."),
    ("New York", 3, "I love new york now.", "I love York New."),
)


@pytest.mark.parametrize(("keyword", "m", "follows", "other"), KEYWORDS)
def test_keywords_and_answers_are_folded_alike(
    keyword: str, m: int, follows: str, other: str
) -> None:
    at = every.instruction("words:keywords_specific_position", {"keyword": keyword, "n": 1, "m": m})
    assert (at.followed(follows), at.followed(other)) == (True, False)
    twice = every.instruction("words:words_position", {"keyword": keyword})
    assert twice.followed(f"Say {keyword} or {keyword.upper()} now")
    assert not twice.followed(f"Say {keyword} or {keyword}")
    given = {f"keyword{place}": word for place, word in enumerate([keyword, *"bcde"], 1)}
    times = every.instruction("count:keywords_multiple", given)
    rest = "b " * 2 + "c " * 3 + "d " * 5 + "e " * 7
    assert times.followed(f"{keyword} {rest}")
    assert not times.followed(f"{keyword} {rest} {keyword.upper()}")
    assert not times.followed(rest)


@pytest.mark.parametrize(("name", "arguments"), [each[:2] for each in EXAMPLES], ids=str)
def test_no_answer_breaks_a_kind(name: str, arguments: dict[str, Any]) -> None:
    one = every.instruction(name, arguments)
    for answer in [
        *ANSWERS,
        "«",
        "日本語。です",
        "\u200b",
        "a" * 140_000,
        " " * 20_000 + "a",
        "\n" * 20_000 + "a",
        '"' * 9_999,
        "* " * 9_999,
        "“‘" * 500,
        "((" * 5_000,
    ]:
        assert one.followed(answer) in (True, False)


def test_it_is_graded_as_the_published_data_have_it(grade: Grade) -> None:
    case: dict[str, Any] = {
        "instruction_id_list": ["words:repeats", "count:numbers"],
        "kwargs": [{"N": None, "small_n": 1}, {"N": 1, "small_n": None}],
    }
    asked = {"ids": "{{ instruction_id_list }}", "kwargs": "{{ kwargs }}"}
    assert grade("instructions", "See 7 cats", case=case, **asked).passed
    score = grade("instructions", "See, see 7 cats", case=case, **asked)
    assert (score.passed, score.reason) == (False, "does not follow words:repeats")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two!  Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Who met Mr. X. They left.", ["Dr. Who met Mr. X.", "They left."]),
        ("- one\n- two\n\nthree", ["one", "two", "three"]),
        ("これは一。それは二。", ["これは一。", "それは二。"]),
        ("", []),
    ],
)
def test_sentences_are_the_ones_that_are_counted(text: str, parts: list[str]) -> None:
    assert sentence_texts(text) == parts
    assert sentences(text).least == len(parts)


def test_as_many_sentences_are_found_as_counted() -> None:
    for answer in ANSWERS:
        assert len(sentence_texts(answer)) == sentences(answer).least
