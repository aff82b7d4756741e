"""Scorers of whether an answer does as it was told: `instructions`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from promptlab.core.lazy import lazy_module
from promptlab.core.types import Score
from promptlab.scorers.decorator import scorer
from promptlab.scorers.sample import Sample
from promptlab.scorers.verdict import cut, not_gradable

if TYPE_CHECKING:
    from promptlab.scorers.instructions import checks, every
    from promptlab.scorers.instructions.kinds import Instruction
else:
    checks, every = (
        lazy_module(f"promptlab.scorers.instructions.{name}") for name in ("checks", "every")
    )

_ID = "id"

Given = list[dict[str, Any]]


def _check_instructions(
    *, of: Given | None, ids: list[str] | None, kwargs: Given | None, **_: object
) -> None:
    if (of is None) == (ids is None):
        raise ValueError("either 'of' or 'ids' must be given")
    if kwargs is not None and (ids is None or len(kwargs) != len(ids)):
        raise ValueError("'kwargs' must have one item for each of 'ids'")
    for item in _items(of, ids, kwargs):
        if not isinstance(item.get(_ID), str):
            raise ValueError(f"an instruction must have an 'id', which {item!r} has not")
    if not _instructions(_key(of, ids, kwargs)):
        raise ValueError("there must be an instruction")


@scorer(
    version="1",
    check=_check_instructions,
    libraries=["lingua-language-detector", "regex"],
    runs="thread",
    shares=True,
)
def instructions(
    sample: Sample,
    *,
    of: Given | None = None,
    ids: list[str] | None = None,
    kwargs: Given | None = None,
    mode: Literal["strict", "loose"] = "strict",
    count: Literal["all", "share"] = "all",
) -> Score:
    """The output follows the instructions that code can verify, as IFEval and IFBench define them.

    There are 25 kinds of IFEval and 54 of IFBench, known by the ids of the published data, such as
    `length_constraints:number_words`; the page lists them with their arguments.

    Limits:
        Each kind sees one trait of the form and nothing of the content. Keywords are texts, not
        patterns. Sentences are counted as by `length`, and languages are told as by `format`, for
        which the published code has other packages: close to a bound the two may differ. Where a
        count or a language cannot be told, there is no score (not gradable).

    Args:
        sample: the trial to grade
        of: the instructions: a list of {id, and the arguments of this kind}
        ids: instead of `of`: the list of ids, as in the published data "{{ instruction_id_list }}"
        kwargs: the arguments for each of `ids`, as in the published data "{{ kwargs }}"; those that
            are null are not given
        mode: strict: as it stands; loose: also without its first line, its last, and stars
        count: all: a verdict on all of them together; share: how many are followed, from 0 to 1
    """
    asked = _instructions(_key(of, ids, kwargs))
    texts = [sample.output] if mode == "strict" else checks.forms(sample.output)
    followed = [_followed(one, texts) for one in asked]
    if not sample.output.strip():
        passed = False if count == "all" else None
        return Score(0.0, passed, "the output is empty", gradable=False)
    broken = [one.id for one, kept in zip(asked, followed, strict=True) if kept is False]
    open_ = [one.id for one, kept in zip(asked, followed, strict=True) if kept is None]
    if open_ and (count == "share" or not broken):
        return not_gradable(f"it cannot be told whether the output follows {', '.join(open_)}")
    reason = cut(f"does not follow {', '.join(broken)}", 300) if broken else None
    if count == "all":
        return Score(float(not broken), not broken, reason, gradable=True)
    return Score(1 - len(broken) / len(asked), reason=reason, gradable=True)


def _followed(instruction: Instruction, texts: list[str]) -> bool | None:
    """Return whether one of the texts follows; None if that of the first cannot be told.

    What cannot be told of a part of it, such as the language of a line of stars, is not followed.
    """
    found = [instruction.followed(text) for text in texts if text.strip()]
    return True if True in found else found[0] if found else False


def _items(
    of: Given | None, ids: list[str] | None, kwargs: Given | None
) -> Iterator[Mapping[str, Any]]:
    if of is not None:
        yield from of
        return
    for place, name in enumerate(ids or ()):
        yield {**(kwargs[place] if kwargs else {}), _ID: name}


def _key(of: Given | None, ids: list[str] | None, kwargs: Given | None) -> str:
    return json.dumps(list(_items(of, ids, kwargs)))


@lru_cache(maxsize=1_000)
def _instructions(items: str) -> tuple[Instruction, ...]:
    """Return the instructions of JSON, read once for each case and not for each of its answers."""
    read = []
    for item in json.loads(items):
        arguments = {key: value for key, value in item.items() if key != _ID}
        read.append(every.instruction(item[_ID], arguments))
    return tuple(read)
