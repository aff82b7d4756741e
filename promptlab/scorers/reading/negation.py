"""Whether words deny what they belong to, in the languages that `negations` lists.

All are looked for at once, whatever language a text is in. A denial reaches to the end of its
clause; most languages put it before what it denies, some behind.
"""

from __future__ import annotations

import regex

from promptlab.scorers.reading.negations import AFTER, BEFORE, CONJUNCTIONS, NO_DENIAL

_CONTRACTED = r"(?<=\p{L})n['’]t"

# In scripts without blanks.
_HAN = regex.compile(
    r"(?:不|没|沒|非|无|無|未|勿|莫|并非|難以|难以)"
    r"(?<!非(?=常)|[差]不)(?!仅|僅|但|过|過|只|光|得不|错|錯|久|断|斷|少|管|论|論|疑|愧|常|来|來)"
)
_HAN_NO_DENIAL = regex.compile(
    r"非常|毫[无無]疑[问問]|[无無]疑|差不多|不得不|[无無][论論]|未来|未來|除非"
)
_THAI = regex.compile(r"(?:ไม่|มิ(?:ได้|ใช่)|หาไม่|ບໍ່|មិន)(?!เพียง|แน่|รู้สึก)")
_AFTER = regex.compile("|".join(AFTER), regex.I | regex.V1)


def _listed(words: str) -> str:
    return words.replace("{}", r"\w*").replace("_", r"\s+")


_DENIAL = (
    r"(?:(?<![\p{L}\p{M}\p{N}])(?:"
    + "|".join(sorted({_listed(one) for words in BEFORE.values() for one in words.split()}))
    + rf"|ni(?=\W*\Z))(?![\p{{L}}\p{{M}}])|{_CONTRACTED}(?!\p{{L}}))"
)
_WORD = regex.compile(_DENIAL, regex.I | regex.V1)
_WORD_AT_END = regex.compile(_DENIAL + r"\s*\Z", regex.I | regex.V1)
_EXCEPTED = regex.compile(
    r"(?<![\p{L}\p{M}])(?:" + "|".join(map(_listed, NO_DENIAL.split())) + r")(?![\p{L}\p{M}])",
    regex.I | regex.V1,
)
# A question that is answered, as in "positive? Not at all."
_ANSWERED = regex.compile(r"[^\w\s]*[?？][^\w\n]*" + _DENIAL, regex.I | regex.V1)
# An inserted remark, as in "not, in my view, positive".
_REMARK = regex.compile(r",[^,.!?;:\n]{1,80}+,[^\S\n]*\Z")
_BOUNDARY = (
    r"[.!?;:,\n()\[\]—–…؛،؟۔।॥。！？；：，、]|\s-\s|(?<![\p{L}\p{M}])(?:(?<!(?:any|every)thing\s)"
    + "|".join(map(_listed, CONJUNCTIONS.split()))
    + r")(?![\p{L}\p{M}])|但是?|而是|可是|然而|因为|因為|แต่|เพราะ|けど|しかし|だが"
)
_CLAUSE = regex.compile(_BOUNDARY, regex.I | regex.V1)
_LAST_BOUNDARY = regex.compile(_BOUNDARY, regex.I | regex.V1 | regex.REVERSE)
_NO_BLANKS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]")
_READ = regex.compile(
    r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}\p{Georgian}\p{Arabic}\p{Hebrew}\p{Devanagari}"
    r"\p{Bengali}\p{Gujarati}\p{Gurmukhi}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Han}"
    r"\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Common}\p{Inherited}]"
)
_REACH = 300  # characters before and behind a label that are looked at


def is_denied(text: str, start: int, end: int, stop: int) -> bool:
    """Return whether a denial reaches what stands between `start` and `end`.

    `stop` is where the next label begins: a denial behind that one belongs to it.
    """
    before, after = text[max(0, start - _REACH) : start], text[end : min(stop, end + _REACH)]
    return _denied_before(_clause_before(before)) or _denied_behind(after)


def is_language_unknown(text: str) -> bool:
    """Return whether a text has letters of a script in which no negation is known here."""
    return not text.isascii() and any(char.isalpha() and not _READ.match(char) for char in text)


def _clause_before(before: str) -> str:
    """Return what belongs to the same clause, from its beginning to the label."""
    if remark := _REMARK.search(before):
        clause = _last_clause(before[: remark.start()])
        if _WORD_AT_END.search(clause):
            return clause
    return _last_clause(before)


def _last_clause(text: str) -> str:
    end = _LAST_BOUNDARY.search(text)
    return text[end.end() :] if end else text


def _denied_before(clause: str) -> bool:
    clause = _EXCEPTED.sub(" ", clause)
    if _WORD.search(clause):
        return True
    if clause.isascii() or not _NO_BLANKS.search(clause):
        return False
    thai = clause.rpartition(" ")[2]
    return bool(_HAN.search(_HAN_NO_DENIAL.sub("", clause)) or _THAI.search(thai))


def _denied_behind(after: str) -> bool:
    if _ANSWERED.match(after):
        return True
    return _AFTER.search(_CLAUSE.split(after, maxsplit=1)[0]) is not None
