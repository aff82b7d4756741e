"""Which of a tokenizer's added tokens control a model, and how to read them as plain text.

Added tokens that are words stay whole. What controls is what is marked special, what the chat
template writes, and what looks like a mark, such as `<tool_call>` or `[INST]`, but is no element of
HTML, which some vocabularies hold as words.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

from tokenizers import AddedToken

_MARK = re.compile(r"[^\w\s](?=.*\w).*[^\w\s]", re.DOTALL)
_ELEMENT = re.compile(r"</?([a-z][a-z0-9]*) ?/?>")
_ELEMENTS = frozenset(  # of those that vocabularies hold: a list would be 80 lines
    "a abbr article aside audio b blockquote body br button canvas caption center cite code col"  # noqa: SIM905
    " colgroup dd del details div dl dt em embed figcaption figure footer form h1 h2 h3 h4 h5 h6"
    " head header hr html i iframe img input ins label li link main mark menu meta nav ol optgroup"
    " option p pre q s samp script section select small source span strong style sub summary sup"
    " svg table tbody td template textarea tfoot th thead time title tr tt u ul video".split()
)


def control_tokens(tokenizer: Any, template: str | None) -> frozenset[str]:
    """Return the texts of all tokens that control the model."""
    added = tokenizer.added_tokens_decoder.values()
    special = {token.content for token in added if token.special}
    others = (token.content for token in added if not token.special)
    return frozenset(
        {*special, *tokenizer.all_special_tokens, *(t for t in others if _controls(t, template))}
    )


def _controls(token: str, template: str | None) -> bool:
    if not _MARK.fullmatch(token):
        return False
    element = _ELEMENT.fullmatch(token)
    is_word = element is not None and element[1] in _ELEMENTS
    return not is_word or token in (template or "")


def literal(tokenizer: Any, control: Iterable[str]) -> Any:
    """Return a copy of a fast tokenizer that reads the given tokens as plain text."""
    copied = copy.deepcopy(tokenizer.backend_tokenizer)
    wanted = set(control)
    copied.add_special_tokens(
        [
            AddedToken(
                token.content,
                single_word=token.single_word,
                lstrip=token.lstrip,
                rstrip=token.rstrip,
                normalized=token.normalized,
                special=True,
            )
            for token in copied.get_added_tokens_decoder().values()
            if token.content in wanted and not token.special
        ]
    )
    copied.encode_special_tokens = True
    copied.no_truncation()
    copied.no_padding()
    return copied
