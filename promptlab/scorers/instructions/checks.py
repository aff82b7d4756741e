"""What each kind of instruction of IFEval asks of an answer. One function a kind."""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from promptlab.scorers.instructions.kinds import Number, Text, Texts, kind
from promptlab.scorers.languages import language_of, valid_language
from promptlab.scorers.reading.sentences import sentences

Relation = Literal["less than", "at least"]


def _holds(count: int, relation: Relation, bound: int) -> bool:
    return count < bound if relation == "less than" else count >= bound


def _times(text: str, keyword: str) -> int:
    return len(re.findall(re.escape(keyword), text, re.IGNORECASE))


@kind("keywords:existence")
def existence(text: str, keywords: Texts) -> bool:
    """Each of the keywords is there, in any case, also within a word."""
    return all(_times(text, keyword) for keyword in keywords)


@kind("keywords:frequency")
def frequency(text: str, keyword: Text, frequency: Number, relation: Relation) -> bool:
    """A keyword is there so often, in any case, also within words."""
    return _holds(_times(text, keyword), relation, frequency)


@kind("keywords:forbidden_words")
def forbidden_words(text: str, forbidden_words: Texts) -> bool:
    """None of the words is there as a word."""
    return not any(
        re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in forbidden_words
    )


@kind("keywords:letter_frequency")
def letter_frequency(
    text: str,
    letter: Annotated[str, Field(min_length=1, max_length=1)],
    let_frequency: Number,
    let_relation: Relation,
) -> bool:
    """A letter is there so often, in any case."""
    return _holds(text.lower().count(letter.lower()), let_relation, let_frequency)


@kind("language:response_language")
def response_language(
    text: str, language: Annotated[str, AfterValidator(valid_language)]
) -> bool | None:
    """The answer is in this language; one without letters is in none."""
    found = language_of(text, language)
    return None if found is None else found == language


@kind("length_constraints:number_sentences")
def number_sentences(text: str, num_sentences: Number, relation: Relation) -> bool | None:
    """The answer has so many sentences."""
    count = sentences(text)
    if relation == "at least":
        return count.within(num_sentences, None)
    return count.within(None, num_sentences - 1)


@kind("length_constraints:number_paragraphs")
def number_paragraphs(text: str, num_paragraphs: Number) -> bool:
    """Three stars part so many paragraphs, none of which is empty but before and behind all."""
    parts = [part.strip() for part in text.split("***")]
    inner = parts[1:-1]
    edges = (parts[0], parts[-1]) if len(parts) > 1 else (parts[0],)
    return all(inner) and len(inner) + sum(map(bool, edges)) == num_paragraphs


@kind("length_constraints:number_words")
def number_words(text: str, num_words: Number, relation: Relation) -> bool:
    """The answer has so many words, which are runs of letters, digits and underscores."""
    return _holds(len(re.findall(r"\w+", text)), relation, num_words)


_WORD_ENDS = ".,?!'\""


@kind("length_constraints:nth_paragraph_first_word")
def nth_paragraph_first_word(
    text: str,
    num_paragraphs: Number,
    nth_paragraph: Annotated[int, Field(ge=1)],
    first_word: Text,
) -> bool:
    """There are so many paragraphs between blank lines, and one of them begins with this word."""
    paragraphs = [paragraph.strip() for paragraph in text.split("\n\n")]
    filled = sum(map(bool, paragraphs))
    if nth_paragraph > filled or filled != num_paragraphs:
        return False
    words = paragraphs[nth_paragraph - 1].split()
    bare = words[0].lstrip("'").lstrip('"') if words else ""
    first = "".join(takewhile(lambda char: char not in _WORD_ENDS, bare))
    return bool(words) and first.lower() == first_word.lower()


@kind("detectable_content:number_placeholders")
def number_placeholders(text: str, num_placeholders: Number) -> bool:
    """At least so many places are left open in square brackets, as [address] is."""
    return sum(map(_places, text.split("\n"))) >= num_placeholders


def _places(line: str) -> int:
    """Count the brackets that close, in one pass: a pattern would begin at each that does not."""
    count = end = 0
    while (start := line.find("[", end)) >= 0 and (end := line.find("]", start) + 1):
        count += 1
    return count


@kind("detectable_content:postscript")
def postscript(text: str, postscript_marker: Text) -> bool:
    """A postscript begins with the marker, with or without blanks behind its points."""
    spaced = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}
    marker = postscript_marker.strip()
    pattern = spaced.get(marker, re.escape(marker.lower()))
    return re.search(pattern, text.lower()) is not None


@kind("detectable_format:number_bullet_lists")
def number_bullet_lists(text: str, num_bullets: Number) -> bool:
    """Exactly so many lines begin with a star or a hyphen, as items of a list in Markdown do."""
    lines = [line.lstrip() for line in text.split("\n")]
    stars = sum(len(line) > 1 and line[0] == "*" and line[1] != "*" for line in lines)
    return stars + sum(line.startswith("-") for line in lines) == num_bullets


_ALLOWED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")


@kind("detectable_format:constrained_response")
def constrained_response(text: str) -> bool:
    """The answer has one of the three sentences that were offered."""
    return any(sentence in text for sentence in _ALLOWED)


@kind("detectable_format:number_highlighted_sections")
def number_highlighted_sections(text: str, num_highlights: Number) -> bool:
    """At least so many passages are *set off*; one in **bold** counts as well."""
    marked = re.findall(r"\*([^\n*]*)\*", text) + re.findall(r"\*\*([^\n*]*)\*\*", text)
    return sum(bool(passage.strip()) for passage in marked) >= num_highlights


@kind("detectable_format:multiple_sections")
def multiple_sections(text: str, section_spliter: Text, num_sections: Number) -> bool:
    """At least so many sections begin with the word for one and a number."""
    heading = re.compile(rf"{re.escape(section_spliter.strip())}\s?\d+")
    return len(heading.findall(text)) >= num_sections


@kind("detectable_format:json_format")
def json_format(text: str) -> bool:
    """The whole answer is JSON, alone or in one fence."""
    bare = re.sub(r"\A\s*```(?:json|Json|JSON)?", "", text.strip())
    try:
        json.loads(bare.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


@kind("detectable_format:title")
def title(text: str) -> bool:
    """There is a title in double angular brackets, as <<this>> is."""
    return any(map(_title, text.split("\n")))


def _title(line: str) -> str:
    start, end = line.find("<<"), line.rfind(">>")
    return line[start + 2 : end].strip("<> \t") if 0 <= start < end else ""


@kind("combination:two_responses")
def two_responses(text: str) -> bool:
    """There are two different answers, with six stars between them."""
    parts = [part.strip() for part in text.split("******")]
    if not all(parts[1:-1]):
        return False
    answers = [part for part in parts if part]
    return len(answers) == 2 and answers[0] != answers[1]


@kind("combination:repeat_prompt")
def repeat_prompt(text: str, prompt_to_repeat: Text) -> bool:
    """The answer begins with the request, word by word."""
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


@kind("startend:end_checker")
def end_checker(text: str, end_phrase: Text) -> bool:
    """The answer ends with the phrase, quotation marks around it aside."""
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


@kind("startend:quotation")
def quotation(text: str) -> bool:
    """The whole answer is in double quotation marks."""
    bare = text.strip()
    return len(bare) > 1 and bare[0] == bare[-1] == '"'


@kind("change_case:capital_word_frequency")
def capital_word_frequency(
    text: str, capital_frequency: Number, capital_relation: Relation
) -> bool:
    """So many words are in capitals alone; I and A are."""
    words = re.split(r"\s+|--+|[,;:()\[\]]", text)
    return _holds(sum(map(str.isupper, words)), capital_relation, capital_frequency)


@kind("change_case:english_capital")
def english_capital(text: str) -> bool | None:
    """The answer is in English, and all its letters are capitals."""
    return text.isupper() and response_language(text.lower(), "en")


@kind("change_case:english_lowercase")
def english_lowercase(text: str) -> bool | None:
    """The answer is in English, and none of its letters is a capital."""
    return text.islower() and response_language(text, "en")


@kind("punctuation:no_comma")
def no_comma(text: str) -> bool:
    """There is no comma."""
    return "," not in text


def forms(text: str) -> list[str]:
    """Return the forms of which one has to follow in the loose mode.

    The answer as it is, without its first line, without its last, without both; each also without
    stars.
    """
    lines = text.split("\n")
    cut = [lines[1:], lines[:-1], lines[1:-1]]
    whole = [text, *("\n".join(rest).strip() for rest in cut)]
    return [*whole, *(form.replace("*", "") for form in whole)]
