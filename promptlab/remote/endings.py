"""How an answer ended, in the words of any API: whole, cut, refused, failed, or not known.

Servers use one another's words in their own spelling, often with an explanation behind a colon, so
one table serves all. What stands in no column is never a whole answer, and is told by its name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from promptlab.core.failure import Fault
from promptlab.core.types import Outcome
from promptlab.remote.exchange import CallError

# Lower case, letters and digits alone: `MAX_TOKENS`, `max-tokens` and `maxTokens` are one word.
_WHOLE = {
    *("stop", "stopped", "end", "ended", "endturn", "endofturn", "endoftext", "eos", "eostoken"),
    *("eosfound", "eot", "stopsequence", "stopstring", "stopstr", "stopword", "stoptoken"),
    *("completed", "complete", "finished", "finish", "done", "normal", "success", "succeeded"),
    *("natural", "toolcall", "toolcalls", "tooluse", "functioncall", "imend"),
    "load",  # Ollama was not asked anything
}
# `pause_turn`: Anthropic's own tools took too long; the turn is not continued here.
_CUT = {
    *("length", "maxlength", "maxtoken", "maxtokens", "maxoutputtokens", "maxnewtokens"),
    *("maxcompletiontokens", "maxtokensreached", "maxtokensexceeded", "tokenlimit", "limit"),
    *("modellength", "contextlength", "contextlengthexceeded", "modelcontextwindowexceeded"),
    *("contextwindowexceeded", "contextfull", "lengthlimit", "lengthcapped", "incomplete"),
    *("continuation", "pauseturn", "truncated", "maxmessages"),
}
_REFUSED = {
    *("contentfilter", "contentfiltered", "contentfiltering", "contentpolicy", "refusal"),
    *("refused", "refuse", "safety", "safetyfilter", "unsafe", "recitation", "language"),
    *("blocklist", "blocked", "block", "prohibitedcontent", "spii", "escalation", "modelarmor"),
    *("imagesafety", "imageprohibitedcontent", "imagerecitation", "guardrail", "guardrails"),
    *("guardrailintervened", "moderation", "moderated", "sensitive", "sensitivecontent"),
    *("flagged", "censored", "riskcontrol", "policyviolation", "contentpolicyviolation"),
    *("errortoxic", "toxic", "profanity", "copyright"),
}
# The server gave up midway; the same call may succeed.
_FAILED = {
    *("error", "failed", "failure", "abort", "aborted", "cancel", "cancelled", "canceled"),
    *("networkerror", "insufficientsystemresource", "internalerror", "internalservererror"),
    *("servererror", "systemerror", "modelerror", "engineerror", "timeout", "timedout"),
    *("interrupted", "disconnected", "overloaded", "serviceunavailable"),
}
_SHOWN = 60  # characters of a word that is not known


def ending(finish: object, text: str, *, refused: bool = False) -> tuple[Outcome, tuple[str, ...]]:
    """Return the outcome of an answer with this text, and warnings about it.

    `finish` is why the server says it ended, None if it does not say; `refused` that it says so
    elsewhere. Raise CallError(SERVER) if the server failed midway.
    """
    word = _normal(finish)
    if refused or word in _REFUSED:
        return Outcome.REFUSED, ()
    if word in _CUT:
        return Outcome.TRUNCATED, ()
    if word in _FAILED:
        raise CallError(Fault.SERVER, f"the answer was cut off: {_shown(finish)}")
    whole = Outcome.OK if text.strip() else Outcome.EMPTY
    if word in _WHOLE:
        return whole, ()
    if word == "":
        return whole, ("the server gives no finish reason: the answer may be cut off",)
    return Outcome.TRUNCATED, (
        f"the finish reason {_shown(finish)!r} is not known: the answer counts as cut off",
    )


def _normal(finish: object) -> str:
    """Return a finish reason without spelling and explanation; an empty text for none."""
    return "" if finish is None else _word(str(finish)[: 10 * _SHOWN])


@lru_cache(maxsize=64)
def _word(finish: str) -> str:
    first = re.split("[:;(,]", finish, maxsplit=1)[0]
    letters = re.sub("[^a-z0-9]", "", first.lower())
    word = letters.removeprefix("finishreason").removeprefix("stopreason")
    return "" if word in ("unspecified", "null", "none") else word


def _shown(finish: object) -> str:
    line = " ".join(str(finish).split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 4]} ..."
