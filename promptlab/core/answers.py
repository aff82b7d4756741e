"""What an answer of any backend means: its thoughts apart, how it ended, what it is known to take.

Every answer passes `settled` once, wherever it comes from, so that all kinds of backends follow one
rule. `apart` does the same for answers that were stored before thoughts were known.
"""

from __future__ import annotations

from dataclasses import replace

from promptlab.core.messages import Completion, Outcome, Request, Usage
from promptlab.core.thoughts import Said, opens_thoughts, split_thoughts


def received(request: Request, completion: Completion) -> Completion:
    """Settle the answer to a request; its last message may open the thoughts."""
    last = request.messages[-1] if request.messages else None
    opened = last is not None and last.role == "assistant" and opens_thoughts(last.text)
    return settled(completion, opened=opened)


def settled(completion: Completion, *, opened: bool = False) -> Completion:
    """Return an answer with its thoughts apart, and with a warning if they are all there is.

    `opened` means that the prompt ended with the mark that opens thoughts. Thoughts that the
    backend has kept apart itself stay.
    """
    if completion.outcome is Outcome.ERROR or completion.likelihoods:
        return completion
    said = split_thoughts(completion.text, opened=opened)
    answer = _answered(completion, said)
    told = _all_thought(answer, finished=said.finished)
    usage = _known(answer.usage, answer)
    if not told and usage is answer.usage:
        return answer
    is_free = answer.cost_usd == 0 and usage != answer.usage
    return replace(
        answer,
        usage=usage,
        cost_usd=None if is_free else answer.cost_usd,
        warnings=(*answer.warnings, *(line for line in told if line not in answer.warnings)),
    )


def apart(completion: Completion) -> Completion:
    """Return an answer with the thoughts in its text apart, and nothing else changed."""
    return _answered(completion, split_thoughts(completion.text))


def _answered(completion: Completion, said: Said) -> Completion:
    is_empty = completion.outcome is Outcome.OK and not said.answer.strip()
    is_whole = said.answer == completion.text and not said.thoughts
    if is_whole and not is_empty and completion.thoughts is not None:
        return completion
    parts = [part for part in (completion.thoughts, said.thoughts) if part]
    return replace(
        completion,
        outcome=Outcome.EMPTY if is_empty else completion.outcome,
        text=said.answer,
        thoughts="\n\n".join(parts),
    )


def _all_thought(answer: Completion, *, finished: bool) -> tuple[str, ...]:
    """Return a warning if a model thought and gave no answer."""
    tokens = answer.usage.reasoning_tokens
    if answer.text.strip() or answer.outcome is Outcome.REFUSED:
        return ()
    if not (answer.thoughts or tokens or not finished):
        return ()
    if answer.outcome is not Outcome.TRUNCATED:
        return ("the model ended within its thoughts, without an answer",)
    spent = f"all {tokens} tokens were" if tokens else "all tokens were"
    return (f"{spent} spent on thinking: raise max_tokens, or let the model think less",)


def _known(usage: Usage, answer: Completion) -> Usage:
    """Return usage without zeros that cannot be: a prompt has a token, and so has a text."""
    no_input = usage.input_tokens == 0
    no_output = usage.output_tokens == 0 and bool(answer.text or answer.thoughts)
    if not (no_input or no_output):
        return usage
    return replace(
        usage,
        input_tokens=None if no_input else usage.input_tokens,
        output_tokens=None if no_output else usage.output_tokens,
    )
