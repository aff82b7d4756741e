"""OpenAI's decisions format: a model weighs given answers, and writes none of its own.

Each call asks one question, a choice between the answers. What is asked is in the messages; the
API's own instructions only refer to them, so that a prompt means the same to all judges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Completion, Likelihood, Outcome, Request
from promptlab.remote.openai_responses import write_item
from promptlab.remote.reading import word
from promptlab.remote.usage import openai_usage

_INSTRUCTIONS = "Choose the reply that the last message asks for."
_MOST = 255
_LEAST = 1e-12  # a probability that is rounded to 0 has a logarithm all the same


def write_decision(model: str, request: Request) -> dict[str, Any]:
    """Return the body of a call."""
    answers = request.continuations
    if not 2 <= len(answers) <= _MOST or len(set(answers)) < len(answers):
        raise PromptlabError(
            f"the decisions API weighs 2 to {_MOST} different answers, not {len(answers)}"
        )
    question = {
        "type": "choice",
        "instructions": _INSTRUCTIONS,
        "choices": [{"value": answer} for answer in answers],
    }
    return {
        "model": model,
        "input": [write_item(message) for message in request.messages],
        "questions": [question],
    }


def read_decision(body: Mapping[str, Any]) -> Completion:
    """Read the answer to the one question, without its likelihoods."""
    [answer] = body["answers"]
    usage, model = openai_usage(body.get("usage")), word(body.get("model"))
    if answer["type"] == "refusal":
        return Completion(Outcome.REFUSED, usage=usage, model=model, finish_reason="refusal")
    if answer["type"] != "choice" or not isinstance(answer["choice"], str):
        raise LookupError("no choice between texts")
    return Completion(Outcome.OK, answer["choice"], usage=usage, model=model)


def likelihoods_in(body: Mapping[str, Any], answers: Sequence[str]) -> tuple[Likelihood, ...]:
    """Return how likely each of these answers is, in their order; none of a refusal.

    Raise LookupError or TypeError where one of them has no probability. How many tokens an answer
    has is not told: it counts as one.
    """
    [answer] = body["answers"]
    if answer["type"] == "refusal":
        return ()
    shares = {each["value"]: each["probability"] for each in answer["probabilities"]}
    given = [shares[text] for text in answers]
    if not all(isinstance(share, float | int) and 0 <= share <= 1 for share in given):
        raise LookupError("a probability beyond 0 to 1")
    return tuple(
        Likelihood(math.log(max(share, _LEAST)), 1, greedy=text == answer["choice"])
        for text, share in zip(answers, given, strict=True)
    )
