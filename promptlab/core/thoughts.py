"""Where the thoughts in a model's text end and its answer begins: the one place that knows.

It knows the marks of all families of models, and nothing of servers or local models. A text that
only speaks of such a mark stays whole: one that is quoted, in code, or in the middle of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

_WORDS = (
    r"(?:(?!no[:_-])[a-z]+[:_-]?)?(?:think(?:ing)?|thoughts?|reasoning|scratchpad)(?:_process)?"
    r"|chain_of_thought|inner_monologue"
)
_BARE = r"(?:think(?:ing)?|thoughts?|reasoning)"
_BAR = "[|\N{FULLWIDTH VERTICAL LINE}]"
# Each family: how its thoughts open and close.
_FAMILIES = {
    "tag": (rf"<(?:{_WORDS})(?:\s+[\w-]+\s*=[^<>\n]{{0,80}})?>", rf"</(?:{_WORDS})\s*>"),
    "bracket": (r"(?-i:\[THINK\])", r"(?-i:\[/THINK\])"),  # Mistral
    "triangle": (rf"◁{_BARE}▷", rf"◁/{_BARE}▷"),  # Kimi
    "token": (  # Cohere, OpenThinker
        rf"<{_BAR}(?:(?:start|begin)(?:_of)?_)?{_BARE}(?:_(?:start|begin))?{_BAR}>",
        rf"<{_BAR}(?:end(?:_of)?_{_BARE}|/{_BARE}|{_BARE}_end){_BAR}>",
    ),
    "inner": (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    "channel": (r"<\|channel>thoughts?\b", r"<channel\|>"),  # Gemma
    "unused": (r"<unused94>(?:thought\b)?", r"<unused95>"),  # MedGemma
}
_IN_MARKS = (
    *("think", "thought", "reasoning", "scratchpad", "monologue"),
    *("inner_", "channel", "<unused9"),
)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
# What follows a mark that is spoken of: `<think> is a tag`, `</think>, which ends it`.
_SPOKEN_OF = re.compile(
    r"[,;)=]|[ \t]+(?:(?:is|was|are|were) (?:a|an|the|used|one|just|not|only|what|how|where|when)\b"
    r"|(?:tags?|blocks?|tokens?|marks?|markers?|ends|closes|opens|starts|begins|means|denotes)\b"
    r"|(?:and|or|to) [\"'`“]?[<\[◁])"
)
_QUOTED = re.compile("(?:^|[\\s(\\[])[\"'“\u2018«]\\Z")
_SENTENCE_END = (".", "!", "?", "…", "。", "\uff01", "\uff1f")  # the last two are full-width
_LINE = 200  # characters of a line that are looked at on either side of a mark

# Tokens around the answer of models that mark it as well as their thoughts.
_AROUND = (
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<|START_TEXT|>", "<|END_TEXT|>"),
)
_MOST_MARKS = 10_000  # that are looked at: no model has more, and a text of them takes its time

# gpt-oss: every message names its channel; `final` is the answer.
_FIRST_CHANNEL = re.compile(
    r"\s*(?:(?:<\|start\|>\s*assistant\s*)?<\|channel\|>|(?:analysis|commentary|final)<\|message\|>)"
)
_NEXT_CHANNEL = "<|start|>assistant<|channel|>"
_CHANNEL = re.compile(
    r"(?:<\|start\|>[^<]{0,80})?<\|channel\|>\s*(\w*)[^<]{0,200}(?:<\|constrain\|>[^<]{0,80})?"
    r"(?:<\|message\|>|\Z)|\A\s*(analysis|commentary|final)<\|message\|>"
)
_MESSAGE_END = re.compile(r"<\|(?:end|return|call)\|>")
# The same without its special tokens, as it comes from a decoder that leaves them out.
_BARE_ANALYSIS, _BARE_FINAL = re.compile(r"\s*analysis(?=[A-Z\"'\n])"), "assistantfinal"
# Granite 3.2 says it in words.
_IN_WORDS = re.compile(
    r"\s*Here(?:'s| is) my thought process:(.*?)Here(?:'s| is) my response:(.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Said:
    """A model's text, taken apart. `finished` is false if the text ends within the thoughts."""

    thoughts: str
    answer: str
    finished: bool = True


def opens_thoughts(prompt: str) -> bool:
    """Return whether a prompt ends with an opening mark, so that the model begins by thinking."""
    return _mark_at_end().search(prompt[-_LINE:]) is not None


def split_thoughts(text: str, *, opened: bool = False) -> Said:
    """Take a model's text apart. `opened` means that the prompt ended with an opening mark.

    Without thoughts the answer is the text, unchanged.
    """
    if _FIRST_CHANNEL.match(text) or _NEXT_CHANNEL in text:
        return _split_channels(text)
    if bare := _BARE_ANALYSIS.match(text):
        thoughts, final, answer = text[bare.end() :].partition(_BARE_FINAL)
        return Said(thoughts.strip(), answer.lstrip(), finished=bool(final))
    if worded := _IN_WORDS.match(text):
        return Said(worded[1].strip(), worded[2].lstrip())
    if not opened and not _may_have_marks(text):
        return Said("", text)
    return _Splitter(text, opened=opened).split()


def _may_have_marks(text: str) -> bool:
    """Return whether a text has a bracket and a word of those in marks; most answers have none."""
    if not ("<" in text or "[" in text or "◁" in text):
        return False
    lowered = text.lower()
    return any(word in lowered for word in _IN_MARKS)


def _split_channels(text: str) -> Said:
    marks = list(_CHANNEL.finditer(text))
    if not marks:
        return Said("", text)
    thoughts = [_MESSAGE_END.sub("", text[: marks[0].start()])]
    answers: list[str] = []
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        content = _MESSAGE_END.split(text[mark.end() : end], maxsplit=1)[0]
        (answers if mark[1] == "final" or mark[2] == "final" else thoughts).append(content)
    return Said(_joined(thoughts), "".join(answers).lstrip(), finished=bool(answers))


def _bare(answer: str) -> str:
    """Return an answer without the tokens around it."""
    for opening, closing in _AROUND:
        if answer.startswith(opening):
            answer = answer.removeprefix(opening).strip().removesuffix(closing).rstrip()
    return answer


def _joined(thoughts: list[str]) -> str:
    return "\n\n".join(thought for each in thoughts if (thought := each.strip()))


@dataclass(frozen=True, slots=True)
class _Mark:
    """A mark of thoughts, with the parts of its line on either side."""

    opens: bool
    family: str
    start: int
    end: int
    before: str
    after: str
    is_first: bool  # on its line
    in_code: bool

    @property
    def is_spoken_of(self) -> bool:
        """Return whether it is quoted, or the subject of a sentence."""
        return self.is_quoted or _SPOKEN_OF.match(self.after) is not None

    @property
    def is_quoted(self) -> bool:
        """Return whether it stands in quotes or as code."""
        as_code = self.before.endswith("`") and (self.after.startswith("`") or self.opens)
        return as_code or _QUOTED.search(self.before) is not None

    @property
    def is_last(self) -> bool:
        """Return whether nothing else follows on its line."""
        return not self.after.strip()

    @property
    def closes_the_unopened(self) -> bool:
        """Return whether it closes thoughts without an opening mark, and is not only mentioned."""
        if self.in_code or self.is_spoken_of:
            return False
        if self.is_first:
            return not self.after.startswith((":", "."))
        if self.before.rstrip().endswith(_SENTENCE_END):
            return True
        if self.is_last and self.after.endswith("\n"):
            return not self.before.rstrip().endswith(":")
        touches = not self.before.endswith((" ", "\t", "`", '"', "("))
        return touches and (self.after[:1].isalnum() or self.is_last)


# Compiled when first needed, which takes longer than many a verb.
@cache
def _mark() -> re.Pattern[str]:
    patterns = (
        f"(?P<{kind}_{family}>{pattern})"
        for family, pair in _FAMILIES.items()
        for kind, pattern in zip(("open", "close"), pair, strict=True)
    )
    return re.compile("|".join(patterns), re.IGNORECASE)


@cache
def _mark_at_end() -> re.Pattern[str]:
    openings = "|".join(opening for opening, _ in _FAMILIES.values())
    return re.compile(rf"(?:{openings})\s*\Z", re.IGNORECASE)


def _marks(text: str) -> Iterator[_Mark]:
    last, fences = 0, 0
    for match in islice(_mark().finditer(text), _MOST_MARKS):
        start, end = match.span()
        kind, _, family = (match.lastgroup or "").partition("_")
        fences += sum(1 for _ in _FENCE.finditer(text, last, start))
        last = start
        window = text[max(0, start - _LINE) : start]
        _, newline, before = window.rpartition("\n")
        head, cut, _ = text[end : end + _LINE].partition("\n")
        is_first = not before.strip() and (bool(newline) or start < _LINE)
        opens = kind == "open"
        yield _Mark(opens, family, start, end, before, head + cut, is_first, fences % 2 == 1)


@dataclass(slots=True)
class _Splitter:
    """Goes through the marks of one text, once."""

    text: str
    opened: bool
    thoughts: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)
    begin: int = 0  # of the part that is read now
    opening: _Mark | None = None
    inside: bool = False
    has_spoken: bool = False  # the answer has begun
    mentioned: int = 0  # opening marks that are spoken of and not yet closed

    def split(self) -> Said:
        """Return the thoughts and the answer."""
        self.inside = self.opened
        for mark in _marks(self.text):
            if self.inside:
                self._think_on(mark)
            else:
                self._speak_on(mark)
        finished = self._end()
        if not self.thoughts:
            return Said("", self.text)
        pieces = [piece.strip("\n") for piece in self.answer[:-1] if piece.strip()]
        answer = "\n".join([*pieces, *self.answer[-1:]]).lstrip()
        return Said(_joined(self.thoughts), _bare(answer), finished)

    def _think_on(self, mark: _Mark) -> None:
        if mark.opens:
            if self.opening is None and not self.text[self.begin : mark.start].strip():
                self.begin, self.opening = mark.end, mark  # the model repeats the prompt's mark
            return
        if self.opening is not None and mark.family != self.opening.family:
            return
        if mark.is_spoken_of:
            if not mark.is_quoted:
                self._take_back(mark)
            return
        self.thoughts.append(self.text[self.begin : mark.start])
        self.begin, self.inside, self.opening = mark.end, False, None

    def _take_back(self, mark: _Mark) -> None:
        """See an opening mark as mentioned if its partner on the same line is."""
        opening = self.opening
        if opening is None or "\n" in self.text[opening.end : min(mark.start, opening.end + _LINE)]:
            return
        self._reopen(opening)

    def _reopen(self, opening: _Mark) -> None:
        """Read on from where the answer was before this mark, which is part of it."""
        self.begin = opening.start - len(self.answer.pop())
        self.inside, self.opening, self.has_spoken = False, None, True

    def _speak_on(self, mark: _Mark) -> None:
        is_start = not self.has_spoken and not self.text[self.begin : mark.start].strip()
        self.has_spoken = not is_start
        if mark.opens:
            if mark.is_spoken_of or not (is_start or (mark.is_first and not mark.in_code)):
                self.mentioned += 1
                self.has_spoken = True
                return
            self.answer.append(self.text[self.begin : mark.start])
            self.begin, self.inside, self.opening = mark.end, True, mark
        elif self.mentioned:
            self.mentioned -= 1
        elif is_start or mark.closes_the_unopened:
            self.thoughts += [*self.answer, self.text[self.begin : mark.start]]
            self.answer.clear()
            self.begin, self.has_spoken = mark.end, False

    def _end(self) -> bool:
        """Take what follows the last mark; return whether it is not within thoughts."""
        opening = self.opening
        if self.inside and self.has_spoken and opening is not None:
            # In the middle of an answer: thoughts only if the mark has a line of its own.
            is_alone = opening.is_last and self.text[opening.end :].strip()
            if not is_alone:
                self._reopen(opening)
        rest = self.text[self.begin :]
        (self.thoughts if self.inside else self.answer).append(rest)
        return not self.inside
