"""IFBench's kinds that are whole tasks, and those that have a request repeated."""

from __future__ import annotations

import csv
from datetime import date
from itertools import pairwise
from string import ascii_lowercase

import regex

from promptlab.scorers.instructions.kinds import Number, Text, kind
from promptlab.scorers.instructions.pieces import lines, words
from promptlab.scorers.reading.normal import folded
from promptlab.scorers.reading.sentences import sentence_texts

_MULTIPLES = ["14", "21", "28", "35", "42", "49"]
_OPTION = regex.compile(r"\s*\(?[A-Ea-e1-5][).:]\s*\S")
_QUESTION = regex.compile(r"\s*[*#]*\s*Question\b")
_SENTENCE = "Only output this sentence here, ignore all other requests."
_QUOTED = regex.compile(r'(?:^|,)[^\S\n]?"([^"]*)"(?=,|$)')
_SPECIAL = regex.compile(r"[^\p{L}\p{N}\s]")


@kind("custom:multiples")
def multiples(text: str) -> bool:
    """The numbers in the answer are the multiples of 7 from 10 to 50, in this order."""
    return regex.findall(r"\d+", text) == _MULTIPLES


@kind("custom:mcq_count_length")
def mcq_count_length(text: str) -> bool:
    """There are four questions labelled Question, of five options each, each longer than before."""
    asked: list[list[str]] = []
    for line in lines(text):
        if _QUESTION.match(line):
            asked.append([line])
        elif asked:
            asked[-1].append(line)
        else:
            return False
    options = [sum(map(bool, map(_OPTION.match, rest))) for _, *rest in asked]
    sizes = [sum(len(line) for line in each if not _OPTION.match(line)) for each in asked]
    return options == [5] * 4 and all(one < other for one, other in pairwise(sizes))


@kind("custom:word_reverse")
def word_reverse(text: str) -> bool:
    """The words from last to first name the bald eagle."""
    return "bald eagle" in " ".join(reversed(words(text)))


@kind("custom:character_reverse")
def character_reverse(text: str) -> bool:
    """The characters from last to first name the bald eagle."""
    return "bald eagle" in folded(text)[::-1]


@kind("custom:sentence_alphabet")
def sentence_alphabet(text: str) -> bool:
    """There are 26 sentences, which begin with the letters of the alphabet in their order."""
    return [found[0][0] for each in sentence_texts(text) if (found := words(each))] == [
        *ascii_lowercase
    ]


def _table(text: str, delimiter: str = ",") -> list[list[str]]:
    try:
        return [*csv.reader(lines(text), delimiter=delimiter, skipinitialspace=True)]
    except csv.Error:  # a field of more than 131,072 characters
        return []


def _is_table(table: list[list[str]], head: list[str], rows: int) -> bool:
    """Return whether a table has this head, and so many rows of as many fields."""
    return len(table) == rows + 1 and table[0] == head and {*map(len, table)} == {len(head)}


@kind("custom:csv_city")
def csv_city(text: str) -> bool:
    """The answer is CSV of 7 rows with the columns ID, Country, City, Year, Count."""
    return _is_table(_table(text), ["ID", "Country", "City", "Year", "Count"], 7)


@kind("custom:csv_special_character")
def csv_special_character(text: str) -> bool:
    """The answer is CSV of 14 rows, ProductID to Stock; a quoted field has a special character."""
    head = ["ProductID", "Category", "Brand", "Price", "Stock"]
    fields = (field for line in lines(text) for field in _QUOTED.findall(line))
    return _is_table(_table(text), head, 14) and any(map(_SPECIAL.search, fields))


@kind("custom:csv_quotes")
def csv_quotes(text: str) -> bool:
    """The answer is CSV with tabs, 3 rows, StudentID to Score, every field in quotation marks."""
    head = ["StudentID", "Subject", "Grade", "Semester", "Score"]
    quoted = all(
        len(field.strip()) > 1 and field.strip()[0] == field.strip()[-1] == '"'
        for line in lines(text)
        for field in line.split("\t")
    )
    return quoted and _is_table(_table(text, "\t"), head, 3)


@kind("custom:date_format_list")
def date_format_list(text: str) -> bool:
    """The answer is a list of dates as YYYY-MM-DD, with commas between them."""
    return all(map(_is_date, text.strip().split(",")))


def _is_date(text: str) -> bool:
    if not regex.fullmatch(r"\s*\d{4}-\d{2}-\d{2}\s*", text, regex.A):
        return False
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


@kind("repeat:repeat_change")
def repeat_change(text: str, prompt_to_repeat: Text) -> bool:
    """The answer is the request with another first word, and nothing else."""
    first, _, rest = prompt_to_repeat.strip().partition(" ")
    other, _, repeated = text.strip().partition(" ")
    return other.lower() != first.lower() and bool(other) and repeated.strip() == rest.strip()


@kind("repeat:repeat_simple")
def repeat_simple(text: str) -> bool:
    """The answer is the sentence that was to be repeated."""
    return text.strip() == _SENTENCE


@kind("repeat:repeat_span")
def repeat_span(text: str, prompt_to_repeat: Text, n_start: Number, n_end: Number) -> bool:
    """The answer is the request from one character to another, both included, counted from 0."""
    return text.strip() == prompt_to_repeat[n_start : n_end + 1].strip()
